"""What the app container can read about itself, in both layouts of cgroups and in neither."""

import json
import os
from pathlib import Path

import pytest

from agent import cgroup
from agent.inside import InsideRecord

V1 = {
    "cpuacct/cpuacct.usage": "96228226\n",
    "memory/memory.max_usage_in_bytes": "67108864\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "pids/pids.events": "max 3\n",
}
V2 = {
    "cpu.stat": "usage_usec 2345678\nuser_usec 2000000\nsystem_usec 345678\nnr_periods 9\n",
    "memory.peak": "67108864\n",
    "memory.events": "low 0\nhigh 0\nmax 41\noom 2\noom_kill 1\noom_group_kill 0\n",
    "pids.events": "max 3\n",
}
NOTHING = (None, None, None, None)


def make_cgroup(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def counters(root: Path) -> tuple[object, ...]:
    return (
        cgroup.cpu_seconds(root),
        cgroup.peak_memory_bytes(root),
        cgroup.out_of_memory_kills(root),
        cgroup.process_limit_hits(root),
    )


def test_cgroup_v1(tmp_path: Path) -> None:
    assert counters(make_cgroup(tmp_path, V1)) == (0.096228226, 67_108_864, 1, 3)


def test_cgroup_v2(tmp_path: Path) -> None:
    assert counters(make_cgroup(tmp_path, V2)) == (2.345678, 67_108_864, 1, 3)


def test_where_the_runtime_shows_nothing_everything_is_unknown(tmp_path: Path) -> None:
    assert counters(tmp_path / "nowhere") == NOTHING


def test_an_older_kernel_without_the_peak_still_counts_kills(tmp_path: Path) -> None:
    root = make_cgroup(tmp_path, {k: v for k, v in V2.items() if k != "memory.peak"})
    assert counters(root) == (2.345678, None, 1, 3)


@pytest.mark.parametrize(
    "text", ["", "max\n", "-1\n", "12 13\n", "\xff\xfe", "²\n", "1e9\n", "x" * 9999]
)
def test_what_is_no_number_is_unknown(tmp_path: Path, text: str) -> None:
    files = dict.fromkeys([*V1, *V2], text)
    assert counters(make_cgroup(tmp_path, files)) == NOTHING


def test_a_folder_in_place_of_a_file_is_unknown(tmp_path: Path) -> None:
    for name in [*V1, *V2]:
        (tmp_path / name).mkdir(parents=True)
    assert counters(tmp_path) == NOTHING


def test_file_systems_are_measured_and_missing_ones_left_out(tmp_path: Path) -> None:
    [found] = cgroup.tmpfs_usage([tmp_path, tmp_path / "nowhere"])
    stat = os.statvfs(tmp_path)
    assert found.path == str(tmp_path)
    assert found.total_bytes == stat.f_blocks * stat.f_frsize
    assert 0 < found.used_bytes < found.total_bytes
    assert found.total_inodes == stat.f_files


def test_the_process_with_most_open_files_counts(tmp_path: Path) -> None:
    for pid, descriptors in ((1, 3), (7, 12), (8, 5)):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        for number in range(descriptors):
            (tmp_path / str(pid) / "fd" / str(number)).touch()
    (tmp_path / "9").mkdir()  # its descriptors are closed to us
    (tmp_path / "sys" / "fd").mkdir(parents=True)
    assert cgroup.most_open_files(tmp_path) == 12
    assert cgroup.most_open_files(tmp_path / "sys") is None


def test_our_own_descriptors_are_not_the_learners(tmp_path: Path) -> None:
    own = tmp_path / str(os.getpid()) / "fd"
    own.mkdir(parents=True)
    (own / "0").touch()
    assert cgroup.most_open_files(tmp_path) is None


def test_the_largest_file_is_found_without_following_links(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (outside / "huge").write_bytes(b"x" * 5000)
    (inside / "a" / "b").mkdir(parents=True)
    (inside / "a" / "b" / "large").write_bytes(b"x" * 1234)
    (inside / "small").write_bytes(b"x")
    (inside / "link").symlink_to(outside / "huge")
    (inside / "folder").symlink_to(outside)
    (inside / "circle").symlink_to(inside)
    os.mkfifo(inside / "pipe")
    assert cgroup.largest_file_bytes([inside]) == 1234
    assert cgroup.largest_file_bytes([tmp_path / "nowhere"]) is None


def test_the_search_for_the_largest_file_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (tmp_path / str(number)).write_bytes(b"x" * 10)
    monkeypatch.setattr(cgroup, "MAX_ENTRIES", 20)
    assert cgroup.largest_file_bytes([tmp_path]) == 10


def test_the_record_is_json_with_every_key(tmp_path: Path) -> None:
    root = make_cgroup(tmp_path / "cgroup", V2)
    record = InsideRecord(root=root, proc=tmp_path / "proc", writable=[root])
    record.sample(output_bytes=77)
    told = record.as_json()
    assert json.loads(json.dumps(told)) == told
    assert (told["cpu_seconds"], told["peak_memory_bytes"]) == (2.345678, 67_108_864)
    assert (told["out_of_memory_kills"], told["process_limit_hits"]) == (1, 3)
    assert (told["output_bytes"], told["open_files"]) == (77, None)
    assert told["largest_file_bytes"] == max(len(text) for text in V2.values())
    [disk] = told["disks"]  # type: ignore[misc]
    assert set(disk) == {"path", "used_bytes", "total_bytes", "used_inodes", "total_inodes"}


def test_the_record_keeps_the_highest_of_every_sample(tmp_path: Path) -> None:
    descriptors, data = tmp_path / "proc" / "7" / "fd", tmp_path / "data"
    descriptors.mkdir(parents=True)
    data.mkdir()
    record = InsideRecord(root=tmp_path, proc=tmp_path / "proc", writable=[data])
    for count, size, output in ((2, 900, 10), (5, 100, 5), (1, 1, 7)):
        for number in range(5):
            (descriptors / str(number)).unlink(missing_ok=True)
        for number in range(count):
            (descriptors / str(number)).touch()
        (data / "file").write_bytes(b"x" * size)
        record.sample(output_bytes=output)
    told = record.as_json()
    assert (told["open_files"], told["largest_file_bytes"], told["output_bytes"]) == (5, 900, 10)
    assert len(told["disks"]) == 1  # type: ignore[arg-type]


def test_without_a_sample_only_the_counters_are_known(tmp_path: Path) -> None:
    told = InsideRecord(root=make_cgroup(tmp_path, V1)).as_json()
    assert (told["out_of_memory_kills"], told["open_files"], told["disks"]) == (1, None, [])
