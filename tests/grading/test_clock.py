"""The database's clock."""

import os
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from backpath.grading.clock import database_now


@pytest.mark.django_db
def test_the_clock_agrees_with_ours_and_has_a_zone() -> None:
    # Databases of tests run on this machine.
    assert abs(database_now() - timezone.now()) < timedelta(seconds=5)


@pytest.mark.django_db
def test_the_clock_goes_on_within_a_transaction() -> None:
    with transaction.atomic():
        first = database_now()
        while database_now() == first:
            pass
        assert database_now() > first


@pytest.mark.django_db
def test_these_tests_run_on_the_database_they_were_told_to() -> None:
    wanted = "postgresql" if os.environ.get("BACKPATH_TEST_DATABASE_URL") else "sqlite"
    assert connection.vendor == wanted
