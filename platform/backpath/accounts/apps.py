from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "backpath.accounts"
    label = "accounts"
