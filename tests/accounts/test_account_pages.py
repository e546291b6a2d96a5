"""The pages of signing in, in the site's own style, and the pages of errors."""

import re
from typing import Any

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from backpath.accounts.models import User
from tests.grading.factories import make_user
from tests.grading.page_checks import text_of

pytestmark = pytest.mark.django_db

PASSWORD = "tall-kettle-quiet-9"


def page(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return text_of(response.content.decode())


def send(client: Client, url: str, **fields: str) -> Any:
    return client.post(url, data=fields)


def test_signing_up_out_and_in_again(client: Client) -> None:
    url = reverse("account_signup")
    assert "Have an account already?" in page(client, url)
    fields = {
        "email": "ada@example.org",
        "username": "ada",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    refused = send(client, url, **{**fields, "password2": "other", "email": "no address"})
    text = text_of(refused.content.decode())
    assert "You must type the same password each time." in text
    assert "Enter a valid email address." in text
    assert send(client, url, **fields)["Location"] == "/"
    assert User.objects.get().username == "ada"
    assert "Signed in as ada" in page(client, "/")

    assert "Log out?" in page(client, reverse("account_logout"))
    client.post(reverse("account_logout"))
    assert "Log in" in page(client, "/")

    url = reverse("account_login")
    assert "Username or email" in page(client, url)
    wrong = send(client, url, login="ada", password="wrong")
    assert "not correct" in text_of(wrong.content.decode())
    assert send(client, url, login="ada@example.org", password=PASSWORD)["Location"] == "/"


def test_sign_up_can_be_closed(client: Client, settings: Any) -> None:
    settings.BACKPATH_SIGNUP_OPEN = False
    assert "Sign-up is closed" in page(client, reverse("account_signup"))


def test_every_step_of_a_forgotten_password(client: Client) -> None:
    make_user(username="ada", email="ada@example.org")
    url = reverse("account_reset_password")
    assert "Set a new password" in page(client, url)
    done = client.post(url, {"email": "ada@example.org"}, follow=True)
    assert "Look into your mail" in text_of(done.content.decode())
    [message] = mail.outbox
    [link] = re.findall(r"http://testserver(/\S+)", str(message.body))
    form = client.get(link, follow=True)
    assert "Set a new password" in text_of(form.content.decode())
    address = form.redirect_chain[-1][0]
    mismatch = client.post(address, {"password1": PASSWORD, "password2": "other"})
    assert "same password each time" in text_of(mismatch.content.decode())
    set_ = client.post(address, {"password1": PASSWORD, "password2": PASSWORD}, follow=True)
    assert "The new password is set" in text_of(set_.content.decode())
    assert client.login(username="ada", password=PASSWORD)
    used = Client().get(link, follow=True)
    assert "This link no longer works" in text_of(used.content.decode())


def test_an_unknown_address_gets_the_same_answer(client: Client) -> None:
    done = client.post(
        reverse("account_reset_password"), {"email": "nobody@example.org"}, follow=True
    )
    assert "If there is an account with that address" in text_of(done.content.decode())


def test_addresses_are_added_confirmed_and_removed(client: Client) -> None:
    client.force_login(make_user(username="ada", email="ada@example.org"))
    url = reverse("account_email")
    client.post(url, {"email": "new@example.org", "action_add": ""})
    text = page(client, url)
    assert "new@example.org" in text
    assert "not confirmed" in text
    link = re.findall(r"http://testserver(/\S+)", str(mail.outbox[-1].body))[0]
    assert "Is new@example.org the address of ada?" in page(client, link)
    client.post(link)
    assert "confirmed" in page(client, url).replace("not confirmed", "")
    assert "This link no longer works" in page(client, reverse("account_confirm_email", args=["x"]))


def test_changing_the_password(client: Client) -> None:
    client.force_login(make_user(username="ada", password="old-kettle-9"))
    url = reverse("account_change_password")
    assert "Change the password" in page(client, url)
    fields = {"oldpassword": "old-kettle-9", "password1": PASSWORD, "password2": PASSWORD}
    assert send(client, url, **fields).status_code == 302
    assert client.login(username="ada", password=PASSWORD)


@pytest.mark.parametrize("name", ["account_inactive", "account_email_verification_sent"])
def test_pages_that_only_say_something(client: Client, name: str) -> None:
    assert page(client, reverse(name))


def test_a_name_cannot_break_out_of_the_header(client: Client) -> None:
    client.force_login(make_user(username='"><script>alert(1)</script>', email="x@example.org"))
    html = client.get("/").content.decode()
    assert "<script>alert" not in html


def test_an_unknown_address(client: Client) -> None:
    assert "There is nothing at this address." in page(client, "/no-such-page", 404)


def test_a_forged_form() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("account_login"), {"login": "ada"})
    assert response.status_code == 403
    assert "The form was too old" in text_of(response.content.decode())


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("400.html", "This request could not be understood."),
        ("500.html", "Something broke on our side."),
    ],
)
def test_errors_that_are_shown_without_a_request(template: str, words: str) -> None:
    assert words in text_of(render_to_string(template))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("403.html", "This page is not for your account."),
        ("429.html", "That was too often in too short a time."),
    ],
)
def test_errors_that_keep_the_header(template: str, words: str, rf: RequestFactory) -> None:
    assert words in text_of(render_to_string(template, request=rf.get("/")))


def test_too_many_tries(client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    url = reverse("account_login")
    send(client, url, login="ada", password="x")
    response = send(client, url, login="ada", password="x")
    assert response.status_code == 429
    assert "too often" in text_of(response.content.decode())
