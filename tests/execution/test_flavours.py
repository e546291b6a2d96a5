"""Guessing what a submission will import."""

from __future__ import annotations

import pytest

from backpath.execution.flavours import FLAVOURS, flavour_of, preload_names, preload_of
from tests.sandbox.factories import make_tar


@pytest.mark.parametrize(
    ("source", "flavour"),
    [
        ("from fastapi import FastAPI", "fastapi"),
        ("import flask", "flask"),
        ("from django.conf import settings\nfrom ninja import NinjaAPI", "django"),
        ("import http.server", "plain"),
        ("import fastapi_of_mine", "plain"),
    ],
)
def test_the_framework_is_known_by_its_name(source, flavour):
    names = preload_names(make_tar({"app.py": source}))

    assert flavour_of(names) == flavour


def test_the_server_in_the_procfile_counts(tmp_path):
    names = preload_names(make_tar({"Procfile": "web: waitress-serve app:app\n", "app.py": ""}))

    assert names == ["waitress"]


def test_every_flavour_has_its_imports():
    assert preload_of("plain") == []
    assert all(preload_of(flavour) for flavour in FLAVOURS if flavour != "plain")


def test_hostile_archives_cost_nothing_but_a_look():
    assert preload_names(b"\x00\xff" * (1 << 20)) == []
