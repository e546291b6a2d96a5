"""Base classes of the platform's models."""

from django.db import models
from django.utils import timezone

from backpath.core.identifiers import uuid7


class IdentifiedModel(models.Model):
    """A row with a UUID that sorts by creation, and the moment it was created."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
