"""Whose turn it is: jobs of one learner and assignment run one after the other."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from backpath.grading.models import GradingJob


def its_turn(now: datetime) -> Q:
    """The condition under which a queued job may be claimed at `now`.

    No job of the same learner and assignment runs, none of an earlier submission waits,
    and the pause before a retry is over.
    """
    siblings = GradingJob.objects.filter(
        learner=OuterRef("learner"), assignment=OuterRef("assignment")
    ).exclude(pk=OuterRef("pk"))
    earlier = siblings.filter(
        state=GradingJob.State.QUEUED, submission_number__lt=OuterRef("submission_number")
    )
    return (
        ~Q(Exists(siblings.filter(state=GradingJob.State.RUNNING)))
        & ~Q(Exists(earlier))
        & (Q(not_before=None) | Q(not_before__lte=now))
    )
