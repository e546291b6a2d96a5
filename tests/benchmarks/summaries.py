"""What is printed about samples: medians, quartiles, and ratios of runs of the same round."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Summary:
    """The median of `count` samples with the quartiles below and above, and the extremes."""

    count: int
    median: float
    low: float
    high: float
    least: float
    most: float

    def as_text(self, pattern: str = "{:.0f}", *, scale: float = 1.0) -> str:
        """Return `median (low to high)`, each multiplied by `scale`."""
        middle, low, high = (
            pattern.format(value * scale) for value in (self.median, self.low, self.high)
        )
        return f"{middle} ({low} to {high})"

    def as_dict(self) -> dict[str, float]:
        """Return the fields as plain numbers."""
        return asdict(self)


def summarise(values: Sequence[float]) -> Summary:
    """Return median and quartiles of at least one value. Raises ValueError for none."""
    if not values:
        raise ValueError("there are no samples to summarise")
    low, median, high = (
        statistics.quantiles(values, n=4, method="inclusive")
        if len(values) > 1
        else (values[0],) * 3
    )
    return Summary(len(values), median, low, high, min(values), max(values))


def paired_ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return value / base round by round.

    A slow moment of the machine hits both runs of a round, and so cancels out. Raises ValueError
    when the rounds are not the same or a base is not positive.
    """
    if len(values) != len(base):
        raise ValueError("ratios need the same rounds on both sides")
    if any(one <= 0 for one in base):
        raise ValueError("ratios need a base above zero")
    return [value / one for value, one in zip(values, base, strict=True)]
