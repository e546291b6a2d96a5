from pathlib import Path

import pytest

from backpath.catalog.blobs import BlobStore
from tests.catalog.factories import ContentFolder, make_content


@pytest.fixture
def content(tmp_path: Path) -> ContentFolder:
    return make_content(tmp_path / "content")


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "store")
