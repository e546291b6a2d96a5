"""The pytest side: budgets and clean-up for each test, words for what learner code does to it,
and the fixture `learner`."""

from __future__ import annotations

from collections.abc import Generator
from types import ModuleType

import pytest

from backpath_sdk.expectations import CheckFailed, CheckTimedOut, NotReached
from backpath_sdk.learner import assertions, exceptions
from backpath_sdk.learner.errors import CannotCross, LearnerFailed
from backpath_sdk.learner.imports import LearnerImports
from backpath_sdk.learner.patches import Patches
from backpath_sdk.learner.session import Session

SHOWN_MISSING = 3
UNSPEAKABLE = "The check failed, and what your code gave it cannot be shown."


class Learner:
    """What a test may ask of the learner's side beyond importing it."""

    def __init__(self, imports: LearnerImports) -> None:
        self._imports = imports

    def module(self, name: str) -> ModuleType:
        """Return the learner's module. Raises CheckFailed if it cannot be imported."""
        return self._imports.module(name)

    @property
    def stdout(self) -> str:
        """What learner code has printed in this test."""
        return "".join(self._imports.session.output["o"])

    @property
    def stderr(self) -> str:
        """What learner code has written to standard error in this test."""
        return "".join(self._imports.session.output["e"])

    def give_input(self, text: str) -> None:
        """Let learner code read `text` from standard input in this test, then end of file."""
        self._imports.session.stdin = text.splitlines(keepends=True)

    def restart(self) -> None:
        """Throw the learner's process away; modules are imported anew, objects are gone."""
        self._imports.session.drop()


class LearnerPlugin:
    """Register it with pytest beside the plugin that reports checks."""

    def __init__(self, imports: LearnerImports) -> None:
        self._imports = imports
        self._session = imports.session
        self._patches = Patches(imports.session)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Begin to answer imports."""
        del config
        self._imports.install()
        self._patches.install()
        assertions.install()

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Put everything back."""
        del config
        assertions.uninstall()
        self._patches.uninstall()
        self._imports.uninstall()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Give each test its own budgets; what it passed to learner code expires with it."""
        self._session.begin_test()
        try:
            return (yield)
        finally:
            self._session.end_test()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """A test that swallowed the death of learner's code has not passed."""
        self._session.may_exit = True
        try:
            yield
        finally:
            self._session.may_exit = False
        if self._session.failure is not None:
            raise self._session.failure

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what a test raised in terms of who has to mend it."""
        try:
            return (yield)
        finally:
            if call.excinfo is not None:
                explained = explain(self._session, call.excinfo.value)
                if explained is not call.excinfo.value:
                    trace = call.excinfo.value.__traceback__
                    explained = explained.with_traceback(trace)
                    call.excinfo = pytest.ExceptionInfo.from_exception(explained)

    @pytest.fixture
    def learner(self) -> Learner:
        """The learner's modules: `module(name)`, `stdout`, `stderr`, `give_input`, `restart`."""
        return Learner(self._imports)


def _distinct_messages(failures: list[CheckFailed]) -> list[str]:
    return list(dict.fromkeys(failure.message for failure in failures))[:SHOWN_MISSING]


def explain(session: Session, error: BaseException) -> BaseException:
    """Return the failure that `error` means: the learner's, the author's, or `error` itself."""
    if isinstance(error, CheckTimedOut | NotReached):
        return error
    if session.failure is not None:
        return session.failure
    if isinstance(error, CheckFailed | CannotCross):
        return error
    if session.is_learners(error):
        place = exceptions.place_of(error)
        where = f" ({place})" if place else ""
        return LearnerFailed(f"Your code raised {_words(error)}{where}.")
    if isinstance(error, AssertionError):
        # Its text may hold objects of the learner's, which are asked for their own.
        return error if _text(error) is not None else LearnerFailed(UNSPEAKABLE)
    if isinstance(error, pytest.fail.Exception):
        # Also what `pytest.raises` says when nothing was raised.
        return LearnerFailed(_text(error) or UNSPEAKABLE)
    if not isinstance(error, Exception | SystemExit):
        return error
    if session.questions:
        words = _words(error)
        return LearnerFailed(f"The check could not go on with what your code gave it: {words}.")
    if session.missing:
        return type(session.missing[0])(" ".join(_distinct_messages(session.missing)))
    return error


def _words(error: BaseException) -> str:
    text = _text(error)
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _text(error: BaseException) -> str | None:
    """Return the text of `error`, or None when asking for it goes wrong."""
    told = exceptions.text_of(error)
    if told is not None:
        return told
    try:
        return str(error)
    except Exception:
        return None
