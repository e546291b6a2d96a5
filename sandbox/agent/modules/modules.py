"""The learner's modules: which there are, what is the learner's, where an error happened."""

from __future__ import annotations

import importlib
import keyword
import sys
import types
from pathlib import Path
from typing import Any

from agent.modules.captured import keep_builtins
from agent.modules.describe import text_of

keep_builtins(globals())

MAX_NAMES = 5_000


class Modules:
    """The submission as a place to import from."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._prefix = f"{directory}/"
        self._is_own: dict[str, bool] = {}

    def names(self) -> list[str]:
        """Return the names of modules and packages at top level."""
        found = set()
        for entry in self._directory.iterdir():
            name = entry.name.removesuffix(".py")
            is_module = entry.name.endswith(".py") and entry.is_file()
            is_package = entry.is_dir() and any(entry.rglob("*.py"))
            if (is_module or is_package) and name.isidentifier() and not keyword.iskeyword(name):
                found.add(name)
        return sorted(found)[:MAX_NAMES]

    def load(self, name: str) -> types.ModuleType:
        """Import a module. Raises ModuleNotFoundError unless it is the submission's."""
        top = name.partition(".")[0]
        loaded = sys.modules.get(top)
        if loaded is not None and not self._holds(loaded) and top in self.names():
            # A library of that name is loaded already; the suite asks for the learner's.
            for other in list(sys.modules):
                if other.partition(".")[0] == top:
                    del sys.modules[other]
        module = importlib.import_module(name)
        if not self._holds(module):
            raise ModuleNotFoundError(f"No module named {name!r} in the submission", name=name)
        return module

    def describe(self, number: int, module: types.ModuleType) -> list[Any]:
        """Return [handle, name, doc, public names, whether it is a package, whether it is the
        learner's]."""
        values = vars(module)
        public: Any = values.get("__all__")
        if type(public) not in (list, tuple):
            public = [name for name in values if type(name) is str and not name.startswith("_")]
        names = [name for name in public if type(name) is str][:MAX_NAMES]
        is_package = "__path__" in values
        name = text_of(module, "__name__", "?")
        return [
            *(number, name, text_of(module, "__doc__", None)),
            *(names, is_package, self._holds(module)),
        ]

    def is_learners(self, kind: type) -> bool:
        """Say whether a class comes from the submission."""
        name = text_of(kind, "__module__", None)
        if name is None:
            return False
        if name not in self._is_own:
            module = sys.modules.get(name)
            self._is_own[name] = module is None or self._holds(module)
        return self._is_own[name]

    def place_of(self, error: BaseException) -> str:
        """Return the line of the submission where `error` was raised, or an empty text."""
        place = ""
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename.startswith(self._prefix):
                file = code.co_filename[len(self._prefix) :]
                place = f"{file}, line {trace.tb_lineno}"
            trace = trace.tb_next
        return place

    def _holds(self, module: types.ModuleType) -> bool:
        file = getattr(module, "__file__", None)
        if type(file) is str:
            return file.startswith(self._prefix)
        paths = getattr(module, "__path__", None)
        # A package without an __init__.py has no file of its own.
        return paths is not None and any(str(path).startswith(self._prefix) for path in paths)
