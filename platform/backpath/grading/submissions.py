"""Intake: from a clean bundle to a queued job."""

import functools
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from backpath.accounts.models import User
from backpath.catalog.models import Assignment
from backpath.core.errors import LearnerError
from backpath.execution.bundle import Bundle
from backpath.grading import jobs, tasks
from backpath.grading.models import GradingJob, Submission
from backpath.grading.storage import store_archive


class TooManyQueued(LearnerError):
    """The learner has as many submissions waiting as the site allows."""

    code = "too-many-queued"


@dataclass(frozen=True)
class SubmitResult:
    """`is_new` is false when the same files were handed in before: then `submission` is the
    earlier one. `is_rerun` says that the earlier one failed by our fault and runs again."""

    submission: Submission
    is_new: bool
    is_rerun: bool = False


def submit_bundle(
    *, learner: User, assignment: Assignment, bundle: Bundle, source: Submission.Source
) -> SubmitResult:
    """Store a bundle, number it and queue its grading.

    The archive is stored before the row that names it, and the message is sent after the
    transaction. Raises `TooManyQueued`.
    """
    earlier = _find_identical(learner, assignment, bundle.content_hash)
    if earlier is None:
        _refuse_when_full(learner)
        store_archive(bundle.tar)
    with transaction.atomic():
        # The learner's row is the lock: numbers, the cap and the search for an identical
        # submission are decided one at a time.
        User.objects.select_for_update(no_key=True).get(pk=learner.pk)
        earlier = earlier or _find_identical(learner, assignment, bundle.content_hash)
        if earlier is not None:
            return _submit_again(earlier)
        _refuse_when_full(learner)
        submission = Submission.objects.create(
            learner=learner,
            assignment=assignment,
            number=_next_number(learner, assignment),
            content_hash=bundle.content_hash,
            size_bytes=sum(file.size for file in bundle.files),
            file_count=len(bundle.files),
            files=[{"path": file.path, "size": file.size} for file in bundle.files],
            source=source,
        )
        _queue(jobs.request_job(submission))
    return SubmitResult(submission=submission, is_new=True)


def run_again(submission: Submission) -> GradingJob:
    """Queue another attempt of a submission that crashed or was canceled.

    Raises `jobs.NothingToRetry`.
    """
    with transaction.atomic():
        job = jobs.retry_job(submission)
        _queue(job)
    return job


def _submit_again(earlier: Submission) -> SubmitResult:
    """Answer an identical submission; one that failed by our fault gets another attempt."""
    try:
        run_again(earlier)
    except jobs.NothingToRetry:
        return SubmitResult(submission=earlier, is_new=False)
    return SubmitResult(submission=earlier, is_new=False, is_rerun=True)


def _find_identical(learner: User, assignment: Assignment, content_hash: str) -> Submission | None:
    return Submission.objects.filter(
        learner=learner, assignment=assignment, content_hash=content_hash
    ).first()


def _refuse_when_full(learner: User) -> None:
    waiting = GradingJob.objects.filter(learner=learner, state=GradingJob.State.QUEUED).count()
    if waiting >= settings.BACKPATH_MAX_QUEUED_SUBMISSIONS:
        raise TooManyQueued(
            f"{waiting} of your submissions are waiting already, and no more are taken. "
            "Hand this one in when one of them is decided."
        )


def _next_number(learner: User, assignment: Assignment) -> int:
    highest = Submission.objects.filter(learner=learner, assignment=assignment).aggregate(
        highest=Max("number")
    )["highest"]
    return (highest or 0) + 1


def _queue(job: GradingJob) -> None:
    transaction.on_commit(functools.partial(tasks.send_if_claimable, job.pk))
