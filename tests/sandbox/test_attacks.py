"""The whole attack pack, once, against the real sandbox; see `attacks/README.md`."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from backpath.execution.docker_engine import DockerEngine
from tests.sandbox.attacks.host import Watch, Worker, private_temporary_folder
from tests.sandbox.attacks.pack import Attack, load_attacks
from tests.sandbox.attacks.play import Player, honest_names

pytestmark = pytest.mark.docker

ATTACKS = load_attacks()
# After every so many attacks an honest job is run, the next one in turn.
HONEST_EVERY = 5
# So many warm containers are kept: with fewer than there are kinds of limits both paths are taken.
POOL_SIZE = 2
SECONDS_TO_WARM_UP = 10.0
# Streams of containers that wait, and connections to the Engine: they come and go. With a
# descriptor or a thread lost in each run the pack goes far beyond.
WORKER_SLACK = 32
# From so many runs on both paths must have come up.
MANY_RUNS = 50


@dataclass
class Arena:
    """What all attacks of this module share: one worker, as in production."""

    player: Player
    watch: Watch
    folder: Path
    worker: Worker | None = None
    turns: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    honest: Iterator[str] = field(default_factory=lambda: itertools.cycle(honest_names()))


@pytest.fixture(scope="module")
def arena(docker_client: docker.DockerClient) -> Iterator[Arena]:
    """An engine of its own; once it is closed nothing of it may be left on the host."""
    with private_temporary_folder() as folder:
        owner = f"attacks-{uuid.uuid4().hex[:12]}"
        watch = Watch(docker_client, owner)
        engine = DockerEngine.from_settings(owner=owner, pool_size=POOL_SIZE)
        health = engine.health()
        assert health.ok, f"{health.message} {health.remedy}"
        arena = Arena(Player(engine, watch), watch, folder)
        assert arena.player.honest("plain") == []
        engine.wait_until_warm(SECONDS_TO_WARM_UP)
        arena.worker = Worker.now()
        yield arena
        engine.close()
        assert watch.left_of_all() == []
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack(arena: Arena, attack: Attack) -> None:
    """It gets what it deserves and no more, and nobody else notices."""
    if attack.missing:
        pytest.skip(f"needs {attack.missing}")

    assert arena.player.attack(attack) == []

    assert arena.worker is not None
    assert arena.worker.grown_since(slack=WORKER_SLACK) == []
    assert list(arena.folder.iterdir()) == []
    if next(arena.turns) % HONEST_EVERY == 0:
        assert arena.player.honest(next(arena.honest)) == []


def test_both_paths_were_attacked(arena: Arena) -> None:
    """A warm container was forked from a parent that had read things before; a cold one was not."""
    if len(arena.player.origins) < MANY_RUNS:
        pytest.skip("only a part of the pack was run")
    assert set(arena.player.origins) == {"warm", "cold"}
