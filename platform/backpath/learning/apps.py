from django.apps import AppConfig


class LearningConfig(AppConfig):
    name = "backpath.learning"
    label = "learning"
