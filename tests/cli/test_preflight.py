import os
import socket
from pathlib import Path

import pytest

from backpath.cli.console import CommandFailed
from backpath.cli.preflight import (
    free_bytes,
    require_data_directory,
    require_free_port,
    require_free_space,
)
from tests.cli.factories import free_port


def test_a_port_in_use_is_named_with_another_to_choose() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandFailed) as refused:
            require_free_port("127.0.0.1", port)
    assert refused.value.problem == f"Port {port} on 127.0.0.1 is in use by another program."
    assert refused.value.remedy.startswith("Choose another one: ./dev up --port ")
    other = int(refused.value.remedy.rpartition(" ")[2])
    assert other > port


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "localhost"])
def test_a_free_port_is_accepted(host: str) -> None:
    require_free_port(host, free_port())


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        require_free_port(host, free_port())
    assert refused.value.problem == f"{host} is not an address of this machine."
    assert "--host" in refused.value.remedy


def test_too_little_space_says_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as refused:
        require_free_space(tmp_path, 2_900_000_000)
    assert refused.value.problem.startswith("Only 2.9 GB are free on the disk of ")
    assert "3 GB are needed" in refused.value.problem
    require_free_space(tmp_path, 3_000_000_000)


def test_free_space_is_that_of_the_disk_the_folder_will_be_on(tmp_path: Path) -> None:
    expected = os.statvfs(tmp_path)
    found = free_bytes(tmp_path / "not" / "there")
    assert found == pytest.approx(expected.f_bavail * expected.f_frsize, rel=0.05)


def test_the_data_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "data"
    require_data_directory(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_data_directory_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CommandFailed) as refused:
        require_data_directory(tmp_path / "file" / "data")
    assert "cannot be made: Not a directory" in refused.value.problem
    assert "BACKPATH_DATA_DIR" in refused.value.remedy
