import pytest

from tests.benchmarks.summaries import paired_ratios, summarise


def test_median_and_quartiles() -> None:
    found = summarise([5, 1, 4, 2, 3])
    assert (found.count, found.low, found.median, found.high) == (5, 2, 3, 4)
    assert (found.least, found.most) == (1, 5)


def test_one_sample_is_its_own_median_and_spread() -> None:
    found = summarise([0.25])
    assert (found.low, found.median, found.high) == (0.25, 0.25, 0.25)


def test_nothing_has_no_median() -> None:
    with pytest.raises(ValueError, match="no samples"):
        summarise([])


def test_how_a_summary_is_printed() -> None:
    assert summarise([0.1, 0.2, 0.3]).as_text(scale=1000) == "200 (150 to 250)"
    assert summarise([0.5]).as_text("{:.2f}") == "0.50 (0.50 to 0.50)"


def test_ratios_pair_the_rounds() -> None:
    # Twice as slow a round for both sides leaves the ratio as it was.
    assert paired_ratios([1.0, 2.0], [2.0, 4.0]) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("values", "base", "said"),
    [([1.0], [1.0, 2.0], "same rounds"), ([1.0], [0.0], "above zero")],
)
def test_ratios_that_make_no_sense(values: list[float], base: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        paired_ratios(values, base)
