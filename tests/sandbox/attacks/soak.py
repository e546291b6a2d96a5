"""The whole pack several times over, in random order, several at a time, among honest submissions.

    python -m tests.sandbox.attacks.soak --rounds 2 --shuffle --concurrency 4 --mix-honest

Exits 0 when every attack got what it deserves, every honest submission its exact score, and
nothing is left on the host.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import random
import secrets
import sys
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import docker

from backpath.execution.docker_engine import DockerEngine
from tests.sandbox.attacks.host import SLACK, Watch, Worker, private_temporary_folder
from tests.sandbox.attacks.pack import Attack, load_attacks
from tests.sandbox.attacks.play import Player, honest_names

# An honest submission takes its turn after so many attacks.
HONEST_EVERY = 3
WATCH_SECONDS = 0.5


@dataclass(frozen=True)
class Turn:
    """One thing to run: an attack, or an honest submission."""

    name: str
    run: Callable[[Player], list[str]]


@dataclass
class Tally:
    """What came of it so far."""

    total: int
    done: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    failed: dict[str, list[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, label: str, kind: str, problems: list[str], seconds: float) -> None:
        """Record a turn and print its line."""
        with self.lock:
            self.done += 1
            self.kinds[f"{kind}, {'as expected' if not problems else 'NOT as expected'}"] += 1
            mark = "ok  " if not problems else "FAIL"
            print(f"{self.done:4}/{self.total} {mark} {label} {seconds:.1f} s", flush=True)
            for problem in problems:
                print(f"          {problem}", flush=True)
            if problems:
                self.failed[label] = problems


def turns_of(
    attacks: Sequence[Attack], *, mix_honest: bool, shuffle: random.Random | None
) -> Iterator[Turn]:
    """One round: each attack once, with honest submissions among them."""
    order = list(attacks)
    if shuffle:
        shuffle.shuffle(order)
    honest = itertools.cycle(honest_names())
    for number, attack in enumerate(order, start=1):
        yield Turn(attack.name, lambda player, attack=attack: player.attack(attack))  # type: ignore[misc]  # mypy has no way to say a bound default
        if mix_honest and number % HONEST_EVERY == 0:
            name = next(honest)
            yield Turn(f"honest {name}", lambda player, name=name: player.honest(name))  # type: ignore[misc]


def play_round(
    turns: Sequence[Turn], player: Player, tally: Tally, label: str, concurrency: int
) -> None:
    """Run `turns`, `concurrency` at a time."""

    def take(turn: Turn) -> None:
        began = time.monotonic()
        try:
            problems = turn.run(player)
        except Exception:
            problems = [f"the worker itself failed: {traceback.format_exc()}"]
        kind = "honest" if turn.name.startswith("honest ") else "attacks"
        tally.add(f"{label} {turn.name}", kind, problems, time.monotonic() - began)

    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(take, turns))


def watch_until(stop: threading.Event, watch: Watch) -> None:
    """Look at the host now and then, in place of the jobs that cannot tell their traces apart."""
    while not stop.wait(WATCH_SECONDS):
        watch.look()
        watch.measure()


def soak(arguments: argparse.Namespace) -> int:
    """Run it all; return the exit code."""
    attacks = [
        attack
        for attack in load_attacks()
        if not attack.missing and fnmatch.fnmatch(attack.name, arguments.only)
    ]
    skipped = [attack.name for attack in load_attacks() if attack.missing]
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(1 << 31)
    print(f"{len(attacks)} attacks, {len(skipped)} that wait for a part, seed {seed}", flush=True)
    shuffle = random.Random(seed) if arguments.shuffle else None
    rounds = [
        list(turns_of(attacks, mix_honest=arguments.mix_honest, shuffle=shuffle))
        for _ in range(arguments.rounds)
    ]
    owner = f"attacks-{uuid.uuid4().hex[:12]}"
    client = docker.DockerClient.from_env()
    watch, stop = Watch(client, owner), threading.Event()
    watch.look()
    before_all = Worker.now()
    engine = DockerEngine.from_settings(owner=owner, pool_size=arguments.pool)
    tally = Tally(sum(map(len, rounds)))
    with private_temporary_folder() as folder:
        # Runs share the machine: what is about time must allow for the others.
        player = Player(engine, patience=1.0 if arguments.concurrency == 1 else 2.0)
        watcher = threading.Thread(target=watch_until, args=(stop, watch))
        watcher.start()
        began = time.monotonic()
        after_rounds = []
        for number, turns in enumerate(rounds, start=1):
            play_round(turns, player, tally, f"round {number}", arguments.concurrency)
            after_rounds.append(Worker.now())
        seconds = time.monotonic() - began
        stop.set()
        watcher.join()
        # A round leaves warm containers and runners behind, each with its streams; the next ones
        # must not add to that.
        grown = after_rounds[0].grown_since(
            slack=SLACK + 4 * (arguments.pool + arguments.concurrency)
        )
        engine.close()
        host = [*watch.problems, *watch.left_of_all()]
        host += [f"left in the temporary folder: {path.name}" for path in folder.iterdir()]
    # The connections by which the host was watched are this program's own.
    client.close()
    host += [*grown, *before_all.grown_since()]
    print(f"\npaths taken: {dict(Counter(player.origins))}", flush=True)
    return _report(tally, host, seconds)


def _report(tally: Tally, host: list[str], seconds: float) -> int:
    print(f"\n{tally.done} runs in {seconds:.0f} s")
    for kind, number in sorted(tally.kinds.items()):
        print(f"  {number:4} {kind}")
    for problem in host:
        print(f"  host: {problem}")
    for label, problems in tally.failed.items():
        print(f"  {label}: {'; '.join(problems)[:300]}")
    return 1 if tally.failed or host else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.attacks.soak")
    parser.add_argument("--rounds", type=int, default=1, help="how often the pack is run")
    parser.add_argument("--shuffle", action="store_true", help="in a new random order each round")
    parser.add_argument("--seed", type=int, help="of the order, to repeat one")
    parser.add_argument("--concurrency", type=int, default=1, help="how many run at a time")
    parser.add_argument("--mix-honest", action="store_true", help="with honest ones among them")
    parser.add_argument("--pool", type=int, default=4, help="how many app containers to keep warm")
    parser.add_argument("--only", default="*", help="a pattern of names, as in a shell")
    return soak(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
