"""The Engine's statistics, of cgroup v1 and v2, whole, short and nonsensical."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpath.execution.usage import Usage, UsageUnavailable, parse_usage

STATS = Path(__file__).parent / "stats"
MIB = 1 << 20
FIELDS = [
    "memory_stats",
    "cpu_stats",
    "cpu_usage",
    "pids_stats",
    "usage",
    "limit",
    "total_usage",
    "stats",
    "inactive_file",
    "current",
    "max_usage",
    "failcnt",
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((STATS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return changed


def test_an_idle_container_with_cgroup_v1() -> None:
    assert parse_usage(recorded("v1-idle")) == Usage(
        memory_bytes=3_297_280 - 4_096,
        peak_memory_bytes=4_345_856,
        memory_limit_bytes=64 * MIB,
        memory_limit_hits=0,
        cpu_seconds=0.056034364,
        processes=1,
        process_limit=32,
    )


def test_a_child_that_was_killed_shows_in_the_peak_of_cgroup_v1() -> None:
    usage = parse_usage(recorded("v1-child-killed"))
    assert usage.peak_memory_bytes == usage.memory_limit_bytes == 64 * MIB
    assert usage.memory_bytes < 4 * MIB


def test_processes_at_their_limit_are_counted_with_their_threads() -> None:
    usage = parse_usage(recorded("v1-processes-at-limit"))
    assert (usage.processes, usage.process_limit) == (32, 32)


def test_cgroup_v2_knows_neither_peak_nor_hits() -> None:
    assert parse_usage(recorded("v2-running")) == Usage(
        memory_bytes=104_857_600 - 9_437_184,
        peak_memory_bytes=None,
        memory_limit_bytes=512 * MIB,
        memory_limit_hits=None,
        cpu_seconds=2.345678,
        processes=9,
        process_limit=128,
    )


def test_hits_are_taken_where_the_kernel_counts_them() -> None:
    document = recorded("v1-child-killed")
    document["memory_stats"]["failcnt"] = 23
    assert parse_usage(document).memory_limit_hits == 23


def test_a_container_that_has_ended_has_no_figures() -> None:
    with pytest.raises(UsageUnavailable, match="running"):
        parse_usage(recorded("v1-gone"))


@pytest.mark.parametrize(
    "path",
    [("memory_stats",), ("memory_stats", "usage"), ("cpu_stats",), ("cpu_stats", "cpu_usage")],
)
def test_without_memory_or_cpu_there_is_no_usage(path: tuple[str, ...]) -> None:
    with pytest.raises(UsageUnavailable):
        parse_usage(without(recorded("v2-running"), *path))


def test_other_parts_may_be_missing() -> None:
    document = without(without(recorded("v2-running"), "pids_stats"), "memory_stats", "stats")
    usage = parse_usage(document)
    assert (usage.processes, usage.process_limit) == (None, None)
    assert usage.memory_bytes == 104_857_600


@pytest.mark.parametrize("limit", [0, 2**63 - 4096, 2**64 - 1, 2**70, -1, True, "64", 1.5, None])
def test_a_limit_that_is_none_is_not_a_number(limit: object) -> None:
    document = recorded("v1-idle")
    document["memory_stats"]["limit"] = document["pids_stats"]["limit"] = limit
    usage = parse_usage(document)
    assert (usage.memory_limit_bytes, usage.process_limit) == (None, None)


@pytest.mark.parametrize("document", [None, [], "stats", 7, {}, {"memory_stats": []}])
def test_what_is_no_such_document_is_refused(document: object) -> None:
    with pytest.raises(UsageUnavailable):
        parse_usage(document)


@given(ANY_JSON)
def test_nothing_but_the_typed_error_comes_out(document: object) -> None:
    try:
        usage = parse_usage(document)
    except UsageUnavailable:
        return
    assert usage.memory_bytes >= 0
    assert usage.cpu_seconds >= 0
