"""Files that are served as they lie: fonts within their budget, templates under the policy."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

PLATFORM = Path(__file__).resolve().parents[2] / "platform"
FONTS = PLATFORM / "static" / "fonts"
TEMPLATES = sorted(PLATFORM.glob("**/templates/**/*.html"))


def test_fonts_are_those_that_were_built_and_licensed() -> None:
    sums = dict(
        reversed(line.split("  ")) for line in (FONTS / "SHA256SUMS").read_text().splitlines()
    )
    present = {path.name for path in FONTS.iterdir()} - {"SHA256SUMS"}
    assert present == set(sums)
    for name, digest in sums.items():
        assert hashlib.sha256((FONTS / name).read_bytes()).hexdigest() == digest, name
    assert len([name for name in sums if name.startswith("OFL-")]) == 3


def test_fonts_stay_within_their_budget() -> None:
    assert sum(path.stat().st_size for path in FONTS.glob("*.woff2")) <= 90_000


def test_scripts_and_styles_stay_small_on_the_wire() -> None:
    sizes = {
        path.name: len(gzip.compress(path.read_bytes()))
        for folder in ("css", "js")
        for path in (PLATFORM / "static" / folder).iterdir()
    }
    assert sum(sizes.values()) <= 30_000, sizes


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_nothing_inline(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"\sstyle\s*=", source)
    assert not re.search(r"\son[a-z]+\s*=", source)
    assert not re.search(r"<script(?![^>]*\bsrc=)", source)
    assert "<style" not in source


@pytest.mark.parametrize("path", sorted((PLATFORM / "static" / "css").iterdir()))
def test_style_sheets_load_nothing_from_elsewhere(path: Path) -> None:
    for address in re.findall(r"url\(([^)]*)\)", path.read_text()):
        assert address.strip("\"'").startswith("../fonts/")
