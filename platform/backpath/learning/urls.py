"""Addresses of what a learner does with the content."""

from django.urls import path

from backpath.learning import views

app_name = "learning"

urlpatterns = [
    path("lessons/<slug:slug>/read/", views.mark_read, name="mark_read"),
]
