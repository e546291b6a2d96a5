"""The administration shows the content and changes none of it."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from backpath.catalog.blobs import BlobStore
from backpath.catalog.models import Assignment, Lesson
from tests.catalog.factories import ContentFolder
from tests.grading.factories import make_user

pytestmark = pytest.mark.django_db
MODELS = [model for model in admin.site._registry if model._meta.app_label == "catalog"]


@pytest.mark.parametrize("model", MODELS)
def test_superuser_can_look_and_nothing_else(
    content: ContentFolder, store: BlobStore, client: Client, model: type
) -> None:
    content.sync(store)
    client.force_login(make_user(is_staff=True, is_superuser=True))
    name = f"admin:catalog_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_changelist")).status_code == 200
    assert client.get(reverse(f"{name}_add")).status_code == 403
    for row in model.objects.all()[:1]:
        address = reverse(f"{name}_change", args=[row.pk])
        assert client.get(address).status_code == 200
        assert client.post(address, {"title": "Changed"}).status_code == 403
        assert client.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
    assert {Lesson, Assignment} <= set(MODELS)
