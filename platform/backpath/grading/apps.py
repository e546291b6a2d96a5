from django.apps import AppConfig


class GradingConfig(AppConfig):
    name = "backpath.grading"
    label = "grading"
