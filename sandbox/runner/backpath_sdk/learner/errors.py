"""What can go wrong between a suite and the learner's modules, and whose it is.

CheckFailed
  LearnerFailed       the learner's code raised, or lacks what the check asks for
  LearnerTooLarge     the learner's code gave back more than can be compared
  ServiceUnavailable
    ModuleBroken      a module of the learner's cannot be imported
    LearnerGone       the process with the learner's code died
    LearnerTooSlow    the learner's code did not come back in time
    LearnerGarbled    what came from the learner's process is no answer
CannotCross           the suite asks for something that a proxy cannot do: the author's to mend
"""

from __future__ import annotations

from backpath_sdk.expectations import CheckFailed, ServiceUnavailable


class LearnerFailed(CheckFailed):
    """The learner's code raised, or lacks what the check asks for."""


class LearnerTooLarge(CheckFailed):
    """The learner's code gave back more than can be compared."""


class ModuleBroken(ServiceUnavailable):
    """A module of the learner's cannot be imported."""


class LearnerGone(ServiceUnavailable):
    """The process with the learner's code died."""


class LearnerTooSlow(ServiceUnavailable):
    """The learner's code did not come back in time."""


class LearnerGarbled(ServiceUnavailable):
    """What came from the learner's process breaks the protocol."""


class CannotCross(TypeError):
    """A value or a question of the suite cannot reach the learner's process.

    A TypeError, as that is what Python raises for operands that it cannot handle.
    """
