"""A long, bounded fuzzing run: `python -m tests.benchmarks.fuzz --seconds 3600 --target all`.

It ends after the time given, or after as many inputs as the reference machine (two cores) tries
in an hour, whichever comes first. A broken promise is written to a file, with the command that
repeats it; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType

REPOSITORY = Path(__file__).parents[2]
for _root in ("platform", "sandbox", "sandbox/runner"):
    sys.path.insert(0, str(REPOSITORY / _root))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test  # noqa: E402 - the path was set first

from tests.fuzz import fuzzing  # noqa: E402 - the path was set first
from tests.fuzz.guided import Branches, Crash, Guided, place_of  # noqa: E402 - the path was set first

EXECUTION = REPOSITORY / "platform/backpath/execution"
GRADING = REPOSITORY / "platform/backpath/grading"
SANDBOX = REPOSITORY / "sandbox"
# Per target: the tests that it runs, the code whose branches are followed, and the inputs that
# the reference machine tries in its third of an hour.
TARGETS: dict[str, tuple[list[str], list[Path], int]] = {
    "frames": (["test_frames", "test_box"], [EXECUTION, SANDBOX], 330_000),
    "results": (["test_results", "test_session"], [EXECUTION, GRADING], 1_100_000),
    "archives": (["test_archives"], [EXECUTION], 1_300_000),
}
SLICE_SECONDS = 2.0
PROGRESS_SECONDS = 60.0
DEFAULT_CRASHES = REPOSITORY / ".backpath/fuzz"

RunOne = Callable[[bytes], "bytes | None"]


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tests_of(target: str) -> Iterator[tuple[str, RunOne]]:
    """The tests of a target by name, each as a function of a buffer of bytes."""
    for name in TARGETS[target][0]:
        module = importlib.import_module(f"tests.fuzz.{name}")
        for test, run_one in _tests_in(module):
            yield f"{name}.{test}", run_one


def _tests_in(module: ModuleType) -> Iterator[tuple[str, RunOne]]:
    for name, found in vars(module).items():
        if isinstance(found, type) and issubclass(found, RuleBasedStateMachine):
            if found.__module__ == module.__name__:
                yield name, get_state_machine_test(found).hypothesis.fuzz_one_input
        elif name.startswith("test_") and hasattr(found, "hypothesis"):
            yield name, found.hypothesis.fuzz_one_input


def fuzz_target(target: str, *, seconds: float, seed: int) -> list[Crash]:
    """Fuzz one target within its bounds and print what came of it."""
    _, paths, most = TARGETS[target]
    fuzzing.outcomes.clear()
    started_at = progress_at = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="backpath-fuzz-") as folder,
        Branches(paths) as branches,
    ):
        runs = [
            Guided(name, run_one, _new_folder(folder, name), Random(f"{seed} {name}"), branches)
            for name, run_one in tests_of(target)
        ]
        share = min(SLICE_SECONDS, seconds / len(runs))
        # Each test has its turn, and its share of the inputs; time decides when both are bounded.
        while (now := time.monotonic()) - started_at < seconds:
            if sum(run.executions for run in runs) >= most:
                break
            if now - progress_at > PROGRESS_SECONDS:
                progress_at = now
                _print_summary(target, runs, branches, now - started_at)
            for run in runs:
                until = min(time.monotonic() + share, started_at + seconds)
                while time.monotonic() < until:
                    run.step()
        _print_summary(target, runs, branches, time.monotonic() - started_at)
        for run in runs:
            say(f"    {run.test}: {run.executions:,} executions, {run.corpus_size} kept")
        return [crash for run in runs for crash in run.crashes]


def _new_folder(parent: str, name: str) -> Path:
    folder = Path(parent) / name
    folder.mkdir()
    return folder


def _print_summary(target: str, runs: list[Guided], branches: Branches, seconds: float) -> None:
    executions = sum(run.executions for run in runs)
    say(
        f"{target}: {executions:,} executions in {seconds:.0f} s ({executions / seconds:.0f} a "
        f"second), {len(fuzzing.outcomes)} distinct outcomes, {branches.count} branches, "
        f"{sum(run.corpus_size for run in runs)} inputs kept, "
        f"{sum(len(run.crashes) for run in runs)} crashes",
    )


def save_crash(crash: Crash, folder: Path) -> Path:
    """Write a crash so that `--replay` can repeat it."""
    folder.mkdir(parents=True, exist_ok=True)
    slug = "".join(letter if letter.isalnum() else "-" for letter in crash.place)
    path = folder / f"{crash.test}-{slug}.json"
    content = {
        "test": crash.test,
        "place": crash.place,
        "buffer": base64.b85encode(crash.buffer).decode(),
        "report": crash.report,
    }
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path


def replay(path: Path) -> int:
    """Repeat a saved crash; return 1 if it still happens."""
    content = json.loads(path.read_text(encoding="utf-8"))
    every = {name: run_one for target in TARGETS for name, run_one in tests_of(target)}
    try:
        every[content["test"]](base64.b85decode(content["buffer"]))
    except Exception as error:
        say(f"{content['test']} still breaks: {place_of(error)}")
        raise
    say(f"{content['test']} holds now; it broke with {content['place']}.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="for all targets together")
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0, help="another seed tries other inputs")
    parser.add_argument("--crashes", type=Path, default=DEFAULT_CRASHES, help="where to write them")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="repeat one crash")
    options = parser.parse_args(arguments)
    # As in the tests: a warning is a fault.
    warnings.simplefilter("error")
    if options.replay:
        return replay(options.replay)
    targets = list(TARGETS) if options.target == "all" else [options.target]
    crashes = []
    for target in targets:
        crashes += fuzz_target(target, seconds=options.seconds / len(targets), seed=options.seed)
    for crash in crashes:
        path = save_crash(crash, options.crashes)
        say(f"\n{crash.test}: {crash.place}\n  python -m tests.benchmarks.fuzz --replay {path}")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
