"""How allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the base class is published without types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Schools may close sign-up and make the accounts themselves."""
        return bool(settings.BACKPATH_SIGNUP_OPEN)
