from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "backpath.core"
    label = "core"
