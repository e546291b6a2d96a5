"""Addresses of handing in, live pages and reports."""

from django.urls import path

from backpath.grading import live, views

app_name = "grading"

urlpatterns = [
    path("projects/<slug:slug>/submit/", views.submit, name="submit"),
    path("submissions/", views.submissions, name="submissions"),
    path("submissions/<uuid:submission_id>/", views.submission, name="submission"),
    path("submissions/<uuid:submission_id>/again/", views.try_again, name="run_again"),
    path("submissions/<uuid:submission_id>/report/", views.report, name="report"),
    path("submissions/<uuid:submission_id>/report.json", views.report_as_json, name="report_json"),
    path("submissions/<uuid:submission_id>/files/", views.files, name="files"),
    path("submissions/<uuid:submission_id>/events/", live.events, name="events"),
    path("submissions/<uuid:submission_id>/status.json", live.status, name="status"),
]
