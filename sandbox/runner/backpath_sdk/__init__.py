"""What a grader author imports: the check marker, expectations, and the fixtures' types.

Fixtures (see `backpath_sdk.plugin`): `service`, `rng`.
"""

from backpath_sdk.expectations import CheckFailed, expect, expect_true, fail
from backpath_sdk.http import Response
from backpath_sdk.marks import check
from backpath_sdk.randomness import Rng
from backpath_sdk.service import Service

__all__ = [
    "CheckFailed",
    "Response",
    "Rng",
    "Service",
    "check",
    "expect",
    "expect_true",
    "fail",
]
