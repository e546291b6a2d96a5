"""Build the three web fonts from npm's packages: instanced, subset, WOFF2.

Maintainers run this when a font is upgraded; the results are committed. It needs `npm` and
`fonttools` with `brotli`, neither of which the site needs:

    uv run --no-project --with fonttools --with brotli python tools/build_fonts.py

`--check` builds into a temporary folder and compares with `SHA256SUMS` instead of writing.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

FONTS = Path(__file__).resolve().parent.parent / "platform" / "static" / "fonts"
BUDGET_BYTES = 90_000

ASCII = "".join(map(chr, range(0x20, 0x7F)))
LATIN_1 = "".join(map(chr, range(0xC0, 0x100))) + "\u00a0¡£§«©®°±²³µ¶·»¿"
# What the pages' own text uses beyond Latin-1: dashes, quotes, bullet, ellipsis, minus, arrows.
PUNCTUATION = "‐‑–—‘’‚“”„•…′″−×÷≤≥≠→←↑↓\u2009\u202f€™"
# Code seldom holds accented letters; listings with them fall back to the system's mono.
CODE = ASCII + "·–—‘’“”…→←≤≥≠×°éü│─└├"


@dataclass(frozen=True)
class Face:
    """One face to build: the package's file, the ranges kept of its axes, the characters kept."""

    package: str
    source: str
    target: str
    characters: str
    axes: dict[str, tuple[float, float] | float]
    features: tuple[str, ...] = ("kern", "liga", "mark", "mkmk", "ccmp", "locl")


SERIF = "@fontsource-variable/source-serif-4@5.3.1"
SANS = "@fontsource-variable/hanken-grotesk@5.3.0"
MONO = "@fontsource/commit-mono@5.3.0"
FIGURES = ("onum", "lnum", "pnum", "tnum")

FACES = (
    Face(
        SERIF,
        "source-serif-4-latin-wght-normal.woff2",
        "source-serif-4.woff2",
        ASCII + LATIN_1 + PUNCTUATION,
        {"wght": (400, 600)},
        ("kern", "liga", "ccmp", "locl", *FIGURES),
    ),
    # Headings: the same design drawn for large sizes, where the text cut looks coarse.
    Face(
        SERIF,
        "source-serif-4-latin-opsz-normal.woff2",
        "source-serif-4-display.woff2",
        ASCII + "éèêëïöüçàñ·–—‘’“”…×→",
        {"wght": (500, 600), "opsz": 36},
        ("kern", "liga", "ccmp"),
    ),
    Face(
        SERIF,
        "source-serif-4-latin-wght-italic.woff2",
        "source-serif-4-italic.woff2",
        ASCII + "éèêëïöüçàñ–—‘’“”…",
        {"wght": 400},
        ("kern", "liga", "ccmp", "onum"),
    ),
    Face(
        SANS,
        "hanken-grotesk-latin-wght-normal.woff2",
        "hanken-grotesk.woff2",
        ASCII + LATIN_1 + PUNCTUATION,
        {"wght": (400, 650)},
        ("kern", "liga", "ccmp", "locl", "lnum", "tnum"),
    ),
    Face(MONO, "commit-mono-latin-400-normal.woff2", "commit-mono-400.woff2", CODE, {}, ("ccmp",)),
    Face(MONO, "commit-mono-latin-700-normal.woff2", "commit-mono-700.woff2", CODE, {}, ("ccmp",)),
)
LICENCES = {
    SERIF: "OFL-source-serif-4.txt",
    SANS: "OFL-hanken-grotesk.txt",
    MONO: "OFL-commit-mono.txt",
}


def fetch(package: str, into: Path) -> Path:
    """Download one npm package with npm's own client and return the folder it was unpacked to."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=into, check=True, capture_output=True, text=True
    )
    archive = into / packed.stdout.strip().splitlines()[-1]
    target = archive.with_suffix("")
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def build(face: Face, package: Path, target: Path) -> None:
    """Cut one face down to its axes, characters and features, and write it as WOFF2."""
    font = TTFont(package / "files" / face.source, recalcTimestamp=False)
    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = list(face.features)
    options.hinting = False
    options.desubroutinize = True
    options.name_IDs = [0, 1, 2, 13, 14]
    options.notdef_outline = True
    cutter = subset.Subsetter(options)
    cutter.populate(text=face.characters)
    cutter.subset(font)
    if face.axes:
        font = instancer.instantiateVariableFont(font, face.axes)
    subset.save_font(font, str(target / face.target), options)


def built_files(target: Path) -> Iterator[tuple[str, bytes]]:
    """Build every face and copy every licence into `target`; yield names and bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        packages = {name: fetch(name, Path(scratch)) for name in LICENCES}
        for face in FACES:
            build(face, packages[face.package], target)
            yield face.target, (target / face.target).read_bytes()
        for name, licence in LICENCES.items():
            text = (packages[name] / "LICENSE").read_bytes()
            (target / licence).write_bytes(text)
            yield licence, text


def main() -> int:
    """Build, or with `--check` compare; 1 when over budget or different."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with SHA256SUMS only")
    check = parser.parse_args().check
    FONTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        made = dict(built_files(Path(scratch) if check else FONTS))
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in made.items())
    total = sum(len(data) for name, data in made.items() if name.endswith(".woff2"))
    print(*(f"{len(data):7} {name}" for name, data in made.items()), sep="\n")
    print(f"{total:7} bytes of fonts, budget {BUDGET_BYTES}")
    if check:
        if sums != (FONTS / "SHA256SUMS").read_text():
            print("The committed fonts differ from this build.", file=sys.stderr)
            return 1
    else:
        (FONTS / "SHA256SUMS").write_text(sums)
    return 0 if total <= BUDGET_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
