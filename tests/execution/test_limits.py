"""Which limit is named: by whose figures, with what use, and which of several."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpath.execution.inside import NOTHING_TOLD, Disk, InsideRecord, read_inside
from backpath.execution.limits import (
    MIB,
    UNITS,
    Ceilings,
    Clocks,
    CpuClock,
    Evidence,
    cpu_limit_seconds,
    find_limit,
)
from backpath.execution.outcome import LIMIT_KINDS, LimitHit
from backpath.execution.usage import Usage, highest

LIMITS = {"wall_seconds": 120, "app_memory_mb": 64, "app_pids": 64, "app_cpus": 1.0}
CALM = Usage(
    memory_bytes=30 * MIB,
    peak_memory_bytes=None,
    memory_limit_bytes=64 * MIB,
    memory_limit_hits=None,
    cpu_seconds=1.5,
    processes=7,
    process_limit=64,
)
FULL = InsideRecord(
    process_limit_hits=2,
    open_files=1024,
    largest_file_bytes=128 * MIB,
    disks=(Disk(128 * MIB, 128 * MIB, 8192, 8192),),
)


def make_evidence(*, clocks: Clocks | None = None, **fields: Any) -> Evidence:
    return Evidence(clocks=clocks or Clocks(10.0, 2.0), **{"usage": CALM, **fields})


def test_every_kind_has_a_unit() -> None:
    assert set(UNITS) == set(LIMIT_KINDS)


def test_a_run_that_met_no_limit() -> None:
    assert find_limit(LIMITS, make_evidence()) is None


def test_the_wall_clock() -> None:
    evidence = make_evidence(clocks=Clocks(120.034, 3.0, "wall"))
    assert find_limit(LIMITS, evidence) == LimitHit("wall", 120.0, 120.03, "s")


def test_the_cpu_clock() -> None:
    evidence = make_evidence(clocks=Clocks(20.0, 5.418, "cpu"))
    limits = LIMITS | {"cpu_seconds": 5}
    assert find_limit(limits, evidence) == LimitHit("cpu", 5.0, 5.42, "s")
    unmeasured = make_evidence(clocks=Clocks(20.0, None, "cpu"))
    assert find_limit(limits, unmeasured) == LimitHit("cpu", 5.0, None, "s")


def test_much_computing_alone_is_no_limit() -> None:
    assert find_limit(LIMITS, make_evidence(clocks=Clocks(119.0, 119.0))) is None


def test_memory_with_the_peak_of_cgroup_v1() -> None:
    usage = replace(CALM, peak_memory_bytes=64 * MIB)
    evidence = make_evidence(usage=usage, ran_out_of_memory=True)
    assert find_limit(LIMITS, evidence) == LimitHit("memory", 64.0, 64.0, "MiB")


def test_memory_with_the_peak_that_the_inside_tells_for_cgroup_v2() -> None:
    inside = InsideRecord(peak_memory_bytes=int(63.6 * MIB))
    evidence = make_evidence(inside=inside, ran_out_of_memory=True)
    assert find_limit(LIMITS, evidence) == LimitHit("memory", 64.0, 63.6, "MiB")


def test_a_sample_that_missed_the_peak_is_not_given_out_for_it() -> None:
    evidence = make_evidence(ran_out_of_memory=True)
    assert find_limit(LIMITS, evidence) == LimitHit("memory", 64.0, None, "MiB")


def test_no_more_than_the_limit_was_in_use_whatever_the_inside_tells() -> None:
    inside = InsideRecord(peak_memory_bytes=1 << 40)
    evidence = make_evidence(inside=inside, ran_out_of_memory=True)
    assert find_limit(LIMITS, evidence) == LimitHit("memory", 64.0, 64.0, "MiB")


def test_the_limit_that_was_set_counts_more_than_the_one_asked_for() -> None:
    usage = replace(CALM, memory_limit_bytes=48 * MIB, process_limit=16, processes=16)
    out_of_memory = make_evidence(usage=usage, ran_out_of_memory=True)
    assert find_limit(LIMITS, out_of_memory) == LimitHit("memory", 48.0, None, "MiB")
    assert find_limit(LIMITS, make_evidence(usage=usage)) == LimitHit(
        "processes", 16, 16, "processes"
    )


def test_without_the_engines_figures_the_manifest_tells_the_limit() -> None:
    evidence = make_evidence(usage=None, ran_out_of_memory=True)
    assert find_limit(LIMITS, evidence) == LimitHit("memory", 64.0, None, "MiB")


def test_a_manifest_that_says_nothing_gives_no_limit_to_name() -> None:
    full = InsideRecord(process_limit_hits=1)
    assert find_limit({}, make_evidence(usage=None, ran_out_of_memory=True, inside=full)) is None


def test_the_inside_alone_never_says_out_of_memory() -> None:
    inside = InsideRecord(out_of_memory_kills=5, peak_memory_bytes=64 * MIB)
    assert find_limit(LIMITS, make_evidence(inside=inside)) is None


def test_processes_by_the_engine_or_by_refusals() -> None:
    expected = LimitHit("processes", 64, 64, "processes")
    by_engine = make_evidence(usage=replace(CALM, processes=64))
    by_refusals = make_evidence(inside=InsideRecord(process_limit_hits=1))
    assert find_limit(LIMITS, by_engine) == expected
    assert find_limit(LIMITS, by_refusals) == expected
    below = make_evidence(
        usage=replace(CALM, processes=63), inside=InsideRecord(process_limit_hits=0)
    )
    assert find_limit(LIMITS, below) is None


def test_the_fullest_disk_is_named() -> None:
    disks = (
        Disk(1 * MIB, 256 * MIB, 10, 16384),
        Disk(127 * MIB, 128 * MIB, 10, 8192),
        Disk(64 * MIB, 64 * MIB, 10, 4096),
    )
    evidence = make_evidence(inside=InsideRecord(disks=disks))
    assert find_limit(LIMITS, evidence) == LimitHit("disk", 64.0, 64.0, "MiB")


def test_inodes() -> None:
    inside = InsideRecord(disks=(Disk(4 * MIB, 128 * MIB, 8191, 8192),))
    assert find_limit(LIMITS, make_evidence(inside=inside)) == LimitHit(
        "inodes", 8192, 8191, "files"
    )


def test_a_disk_without_a_limit_is_never_full() -> None:
    inside = InsideRecord(disks=(Disk(0, 0, 0, 0), Disk(100 * MIB, 128 * MIB, 7000, 8192)))
    assert find_limit(LIMITS, make_evidence(inside=inside)) is None


def test_a_file_that_could_not_grow() -> None:
    inside = InsideRecord(largest_file_bytes=128 * MIB)
    assert find_limit(LIMITS, make_evidence(inside=inside)) == LimitHit(
        "file_size", 128.0, 128.0, "MiB"
    )
    smaller = InsideRecord(largest_file_bytes=128 * MIB - 1)
    assert find_limit(LIMITS, make_evidence(inside=smaller)) is None


def test_open_files() -> None:
    inside = InsideRecord(open_files=1024)
    assert find_limit(LIMITS, make_evidence(inside=inside)) == LimitHit(
        "open_files", 1024, 1024, "files"
    )
    after_the_answer = make_evidence(inside=InsideRecord(open_files=1010))
    assert find_limit(LIMITS, after_the_answer) == LimitHit("open_files", 1024, 1010, "files")
    assert find_limit(LIMITS, make_evidence(inside=InsideRecord(open_files=1000))) is None


def test_output_as_the_worker_counted_it_before_what_the_inside_tells() -> None:
    ceilings = Ceilings(output_bytes=2 * MIB)
    inside = InsideRecord(output_bytes=9 * MIB)
    counted = make_evidence(inside=inside, output_bytes=3 * MIB)
    assert find_limit(LIMITS, counted, ceilings) == LimitHit("output", 2.0, 3.0, "MiB")
    little = make_evidence(inside=inside, output_bytes=100)
    assert find_limit(LIMITS, little, ceilings) is None
    told = make_evidence(inside=inside)
    assert find_limit(LIMITS, told, ceilings) == LimitHit("output", 2.0, 9.0, "MiB")
    assert find_limit(LIMITS, told) is None


def test_of_several_the_best_known_is_named() -> None:
    usage = replace(CALM, processes=64)
    everything = make_evidence(
        clocks=Clocks(120.0, 3.0, "wall"), usage=usage, ran_out_of_memory=True, inside=FULL
    )
    kinds = []
    for evidence in (
        everything,
        replace(everything, clocks=Clocks(9.0)),
        replace(everything, clocks=Clocks(9.0), ran_out_of_memory=False),
        make_evidence(inside=replace(FULL, process_limit_hits=0)),
        make_evidence(inside=replace(FULL, process_limit_hits=0, disks=())),
        make_evidence(inside=InsideRecord(open_files=1024)),
    ):
        hit = find_limit(LIMITS, evidence)
        assert hit is not None
        kinds.append(hit.kind)
    assert kinds == ["wall", "memory", "processes", "inodes", "file_size", "open_files"]


def test_the_cpu_clock_starts_with_its_first_sample() -> None:
    clock = CpuClock(2.0)
    assert (clock.used_seconds, clock.is_over) == (None, False)
    clock.take(10.0)
    assert (clock.used_seconds, clock.is_over) == (0.0, False)
    clock.take(11.9)
    assert clock.used_seconds == pytest.approx(1.9)
    assert not clock.is_over
    clock.take(12.0)
    assert clock.is_over
    clock.take(0.0)
    assert clock.used_seconds == pytest.approx(2.0)


def test_a_cpu_clock_without_a_limit_is_never_over() -> None:
    clock = CpuClock(cpu_limit_seconds(LIMITS))
    clock.take(0.0)
    clock.take(1e9)
    assert not clock.is_over
    assert clock.used_seconds == 1e9


def test_samples_add_up_to_the_highest_of_each_figure() -> None:
    later = replace(CALM, memory_bytes=10, processes=None, cpu_seconds=4.0, peak_memory_bytes=99)
    assert highest(None, CALM) == CALM
    assert highest(CALM, later) == replace(CALM, cpu_seconds=4.0, peak_memory_bytes=99)
    assert highest(later, CALM) == highest(CALM, later)


def test_a_whole_inside_record_is_read() -> None:
    document = {
        "cpu_seconds": 1.5,
        "peak_memory_bytes": 1,
        "out_of_memory_kills": 2,
        "process_limit_hits": 3,
        "open_files": 4,
        "largest_file_bytes": 5,
        "output_bytes": 6,
        "disks": [
            {
                "path": "/data",
                "used_bytes": 1,
                "total_bytes": 2,
                "used_inodes": 3,
                "total_inodes": 4,
            }
        ],
    }
    assert read_inside(document) == InsideRecord(1.5, 1, 2, 3, 4, 5, 6, (Disk(1, 2, 3, 4),))


@pytest.mark.parametrize("value", [True, -1, 2**53 + 1, "7", 1.5, math.nan, [], {}, None])
def test_a_figure_that_is_none_is_not_told(value: object) -> None:
    names = [name for name in vars(NOTHING_TOLD) if name not in ("disks", "cpu_seconds")]
    disk = dict.fromkeys(("used_bytes", "total_bytes", "used_inodes", "total_inodes"), value)
    assert read_inside(dict.fromkeys(names, value) | {"disks": [disk]}) == NOTHING_TOLD


@pytest.mark.parametrize("value", [True, -0.1, math.inf, math.nan, 1e300, "1", None])
def test_cpu_seconds_that_are_none_are_not_told(value: object) -> None:
    assert read_inside({"cpu_seconds": value}) == NOTHING_TOLD


def test_of_many_disks_only_the_first_are_read() -> None:
    disk = {"used_bytes": 1, "total_bytes": 2, "used_inodes": 3, "total_inodes": 4}
    assert len(read_inside({"disks": [disk] * 1000}).disks) == 8


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*vars(NOTHING_TOLD), "used_bytes", "total_inodes"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_any_record_gives_a_limit_or_none(document: object) -> None:
    hit = find_limit(LIMITS, make_evidence(inside=read_inside(document)))
    assert hit is None or (hit.kind in LIMIT_KINDS and math.isfinite(hit.limit))
