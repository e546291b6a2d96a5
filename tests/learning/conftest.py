from pathlib import Path

import pytest
from django.conf import LazySettings

from backpath.catalog.blobs import content_store
from tests.catalog.factories import ContentFolder, make_content


@pytest.fixture
def content(tmp_path: Path, settings: LazySettings) -> ContentFolder:
    """A small content tree on disk, and a data directory of its own."""
    settings.BACKPATH_DATA_DIR = tmp_path / "data"
    return make_content(tmp_path / "content")


@pytest.fixture
def served(content: ContentFolder, db: None) -> ContentFolder:
    """The same, synced: what the site serves."""
    content.sync(content_store())
    return content
