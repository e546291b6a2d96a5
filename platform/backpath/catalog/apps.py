from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "backpath.catalog"
    label = "catalog"
