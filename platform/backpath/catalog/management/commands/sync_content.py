"""`manage.py sync_content`: read the content files and serve what they say."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backpath.catalog.blobs import content_store
from backpath.catalog.loader import load_content
from backpath.catalog.models import ContentVersion
from backpath.catalog.sync import ContentRefused, sync_content
from backpath.core.errors import AuthorError


class Command(BaseCommand):
    help = "Read lessons and graders and serve them; refused whole while there is an error."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lessons", type=Path, default=Path(settings.BACKPATH_LESSONS_DIR))
        parser.add_argument("--graders", type=Path, default=Path(settings.BACKPATH_GRADERS_DIR))

    def handle(self, *_args: Any, **options: Any) -> None:
        tree, problems = load_content(options["lessons"], options["graders"])
        for problem in problems:
            self.stderr.write(str(problem))
        try:
            result = sync_content(tree, problems, store=content_store())
        except AuthorError as error:
            raise CommandError(f"{error.message} {_kept(error)}", returncode=1) from error
        version = result.version
        said = "now served" if result.is_changed else "served already"
        self.stdout.write(
            f"Content {version.content_hash[:12]} is {said}: {version.lesson_count} lessons, "
            f"{version.assignment_count} assignments."
        )
        if result.rendered:
            self.stdout.write(f"Rendered: {', '.join(result.rendered)}.")
        if result.retired:
            self.stdout.write(f"Retired: {', '.join(result.retired)}.")


def _kept(error: AuthorError) -> str:
    latest = ContentVersion.objects.first()
    where = (
        " They are listed above with file and line." if isinstance(error, ContentRefused) else ""
    )
    if latest is None:
        return f"Nothing was loaded, and there is no earlier version to serve.{where}"
    return (
        f"Nothing was changed: the last good version, {latest.content_hash[:12]} of "
        f"{latest.created_at:%Y-%m-%d %H:%M} UTC, is still served.{where}"
    )
