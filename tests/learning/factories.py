"""What learners have done, for tests of pages."""

from backpath.accounts.models import User
from backpath.catalog.models import Assignment
from backpath.grading.models import GradingJob, Report, Submission
from tests.grading.factories import make_job, make_submission


def make_reported_submission(
    learner: User, assignment: Assignment, *, verdict: str = "passed", score: int = 100
) -> Submission:
    """A submission whose job is finished and reported."""
    submission = make_submission(learner=learner, assignment=assignment)
    job = make_job(submission, state=GradingJob.State.FINISHED)
    Report.objects.create(
        job=job,
        verdict=verdict,
        score=score,
        max_score=100,
        seed=1,
        grader_hash=assignment.grader_hash,
        definition=assignment.definition,
    )
    return submission
