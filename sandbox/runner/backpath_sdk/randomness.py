"""Random values from the run's recorded seed, so that answers cannot be prepared."""

from __future__ import annotations

import random
from pathlib import Path

WORDS = Path(__file__).with_name("words.txt").read_text(encoding="ascii").split()


class Rng(random.Random):
    """A seeded `random.Random` that also makes words. One check always gets the same values
    from the same seed, whatever ran before it."""

    def word(self) -> str:
        """Return one lower-case word."""
        return self.choice(WORDS)

    def slug(self) -> str:
        """Return two words and a number, as in `cedar-otter-4821`; practically unique."""
        return f"{self.word()}-{self.word()}-{self.randrange(1000, 10000)}"

    def title(self) -> str:
        """Return a capitalised title that no other call returns."""
        return f"{self.word()} {self.word()} {self.word()} {self.randrange(10**6)}".capitalize()

    def sentence(self) -> str:
        """Return a sentence of five to nine words."""
        return " ".join(self.word() for _ in range(self.randrange(5, 10))).capitalize() + "."
