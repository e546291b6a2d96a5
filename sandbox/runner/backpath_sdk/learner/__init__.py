"""The proxied import: ordinary suites test learner modules that run in another container.

`LearnerImports` answers imports, `LearnerPlugin` is for pytest and gives the fixture `learner`.
"""

from backpath_sdk.learner.fixture import Learner, LearnerPlugin
from backpath_sdk.learner.imports import LearnerImports
from backpath_sdk.learner.session import Limits

__all__ = ["Learner", "LearnerImports", "LearnerPlugin", "Limits"]
