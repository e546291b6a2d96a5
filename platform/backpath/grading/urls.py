"""Addresses of handing in, live pages and reports."""

from django.urls import path

from backpath.grading import live

app_name = "grading"

urlpatterns = [
    path("submissions/<uuid:submission_id>/events/", live.events, name="events"),
    path("submissions/<uuid:submission_id>/status.json", live.status, name="status"),
]
