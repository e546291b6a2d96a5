"""Signing up, in, out, and a forgotten password."""

import re

import pytest
from django.core import mail
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from backpath.accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def make_user(username: str = "ada", **changes: object) -> User:
    email = changes.pop("email", f"{username}@example.org")
    return User.objects.create_user(username, str(email), PASSWORD, **changes)


def sign_up_form(**changes: str) -> dict[str, str]:
    return {
        "username": "ada",
        "email": "ada@example.org",
        "password1": PASSWORD,
        "password2": PASSWORD,
    } | changes


def sign_up(client: Client, **changes: str) -> int:
    return client.post(reverse("account_signup"), sign_up_form(**changes)).status_code


def sign_in(client: Client, login: str, password: str = PASSWORD) -> bool:
    client.post(reverse("account_login"), {"login": login, "password": password})
    return "_auth_user_id" in client.session


def test_signing_up_signs_in(client: Client) -> None:
    assert sign_up(client) == 302
    user = User.objects.get()
    assert (user.username, user.email, user.is_staff) == ("ada", "ada@example.org", False)
    assert user.check_password(PASSWORD)
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize(
    "changes",
    [
        {"password1": "12345678", "password2": "12345678"},
        {"password2": "another horse battery"},
        {"email": "no address"},
        {"email": ""},
        {"username": "Admin"},
        {"username": "root"},
    ],
)
def test_sign_ups_that_are_refused(client: Client, changes: dict[str, str]) -> None:
    assert sign_up(client, **changes) == 200
    assert not User.objects.exists()


def test_sign_up_may_be_closed(client: Client, settings: Settings) -> None:
    settings.BACKPATH_SIGNUP_OPEN = False
    sign_up(client)
    assert not User.objects.exists()


def test_an_address_has_one_account() -> None:
    make_user("ada", email="ada@example.org")
    with pytest.raises(IntegrityError):
        make_user("eve", email="ADA@example.org")


def test_several_accounts_may_have_no_address() -> None:
    make_user("ada", email="")
    make_user("eve", email="")
    assert User.objects.count() == 2


def test_a_second_account_for_an_address_is_refused(client: Client) -> None:
    make_user("ada", email="ada@example.org")
    assert sign_up(client, username="eve", email="ADA@example.org") == 200
    assert User.objects.count() == 1


def test_with_verified_addresses_signing_up_does_not_tell_which_are_known(
    client: Client, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    make_user("ada", email="ada@example.org")
    known = client.post(reverse("account_signup"), sign_up_form(username="eve"))
    other = sign_up_form(username="grace", email="grace@example.org")
    unknown = Client().post(reverse("account_signup"), other)
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [["ada@example.org"], ["grace@example.org"]]
    assert not User.objects.filter(username="eve").exists()


@pytest.mark.parametrize("login", ["ada", "ada@example.org", "ADA@EXAMPLE.ORG"])
def test_signing_in_by_name_or_address(client: Client, login: str) -> None:
    make_user()
    assert sign_in(client, login)


def test_a_wrong_password(client: Client) -> None:
    make_user()
    assert not sign_in(client, "ada", "wrong horse")


def test_guessing_is_slowed_down(client: Client) -> None:
    make_user()
    for _ in range(5):
        assert not sign_in(client, "ada", "wrong horse")
    # Now even the right one is refused, for a while.
    assert not sign_in(client, "ada")


def test_signing_out_needs_more_than_a_link(client: Client) -> None:
    make_user()
    assert sign_in(client, "ada")
    client.get(reverse("account_logout"))
    assert "_auth_user_id" in client.session
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_a_forgotten_password(client: Client) -> None:
    user = make_user()
    client.post(reverse("account_reset_password"), {"email": "ada@example.org"})
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    found = re.search(r"http://testserver(/\S+)", str(message.body))
    assert found
    page = client.get(found[1], follow=True)
    new = "a new horse battery"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    user.refresh_from_db()
    assert user.check_password(new)
    # The link works once.
    again = client.get(found[1], follow=True)
    assert b'name="password1"' not in again.content


def test_a_forgotten_password_of_nobody_tells_nothing(client: Client) -> None:
    make_user()
    known = client.post(reverse("account_reset_password"), {"email": "ada@example.org"})
    unknown = client.post(reverse("account_reset_password"), {"email": "eve@example.org"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_the_admin_uses_the_sign_in_that_counts_attempts(client: Client) -> None:
    response = client.get(reverse("admin:login"), {"next": "/admin/"})
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def test_users_in_the_admin(client: Client) -> None:
    admin = make_user("boss", is_staff=True, is_superuser=True)
    client.force_login(admin)
    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 200
    learner = make_user("ada")
    page = client.get(reverse("admin:accounts_user_change", args=[learner.pk]))
    assert page.status_code == 200


def test_learners_are_no_operators(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(reverse("admin:index")).status_code in {302, 403}
