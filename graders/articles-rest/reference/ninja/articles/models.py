"""Articles and their tags."""

from django.db import models


class Tag(models.Model):
    name = models.TextField(unique=True)

    def __str__(self) -> str:
        return self.name


class Article(models.Model):
    title = models.CharField(max_length=120, unique=True)
    body = models.TextField(blank=True)
    tags = models.ManyToManyField(Tag, related_name="articles")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.title
