"""Intake: from a bundle to a queued job."""

import threading
from collections.abc import Callable

import pytest
from django.core.files.storage import storages
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from backpath.accounts.models import User
from backpath.catalog.models import Assignment
from backpath.execution.bundle import Bundle
from backpath.grading.models import GradingJob, Submission
from backpath.grading.storage import archive_name, load_archive
from backpath.grading.submissions import SubmitResult, TooManyQueued, run_again, submit_bundle
from tests.grading.broker import sent_jobs
from tests.grading.factories import make_assignment, make_bundle, make_user

State = GradingJob.State
Submit = Callable[..., SubmitResult]


@pytest.fixture
def submit(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Submit:
    def call(learner: User, assignment: Assignment, bundle: Bundle | None = None) -> SubmitResult:
        with django_capture_on_commit_callbacks(execute=True):
            return submit_bundle(
                learner=learner,
                assignment=assignment,
                bundle=bundle or make_bundle(),
                source=Submission.Source.ARCHIVE,
            )

    return call


@pytest.mark.django_db
def test_a_new_submission(submit: Submit) -> None:
    learner, assignment = make_user(), make_assignment()
    bundle = make_bundle({"app.py": b"print()\n", "web/page.html": b"<p>"})
    result = submit(learner, assignment, bundle)
    submission = result.submission
    assert result.is_new
    assert (submission.number, submission.file_count, submission.size_bytes) == (1, 2, 11)
    assert submission.files == [
        {"path": "app.py", "size": 8},
        {"path": "web/page.html", "size": 3},
    ]
    assert load_archive(submission.content_hash) == bundle.tar
    job = submission.jobs.get()
    assert (job.state, job.attempt, job.queue) == (State.QUEUED, 1, "projects")
    assert (job.learner, job.assignment, job.submission_number) == (learner, assignment, 1)
    assert sent_jobs("projects") == [str(job.pk)]
    job.refresh_from_db()
    assert job.enqueue_count == 1
    assert job.enqueued_at is not None


@pytest.mark.django_db
def test_exercises_have_a_queue_of_their_own(submit: Submit) -> None:
    result = submit(make_user(), make_assignment(kind="exercise"))
    assert sent_jobs("exercises") == [str(result.submission.jobs.get().pk)]
    assert sent_jobs("projects") == []


@pytest.mark.django_db
def test_the_message_is_sent_after_the_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        submit_bundle(
            learner=make_user(),
            assignment=make_assignment(),
            bundle=make_bundle(),
            source=Submission.Source.FOLDER,
        )
        assert sent_jobs("projects") == []
    assert len(callbacks) == 1


@pytest.mark.django_db
def test_numbers_count_per_learner_and_assignment(submit: Submit) -> None:
    one, other, assignment = make_user(), make_user(), make_assignment()
    assert [submit(one, assignment).submission.number for _ in range(2)] == [1, 2]
    assert submit(other, assignment).submission.number == 1
    assert submit(one, make_assignment()).submission.number == 1


@pytest.mark.django_db
def test_only_the_first_in_line_is_sent(submit: Submit) -> None:
    learner, assignment = make_user(), make_assignment()
    first = submit(learner, assignment)
    submit(learner, assignment)
    assert sent_jobs("projects") == [str(first.submission.jobs.get().pk)]


@pytest.mark.django_db
def test_identical_files_are_recognised(submit: Submit) -> None:
    learner, assignment = make_user(), make_assignment()
    files = {"app.py": b"same\n"}
    first = submit(learner, assignment, make_bundle(files))
    again = submit(learner, assignment, make_bundle(files))
    assert not again.is_new
    assert not again.is_rerun
    assert again.submission == first.submission
    assert Submission.objects.count() == 1
    assert GradingJob.objects.count() == 1


@pytest.mark.django_db
def test_identical_files_of_somebody_else_or_for_something_else_are_new(submit: Submit) -> None:
    learner, assignment = make_user(), make_assignment()
    files = {"app.py": b"shared\n"}
    first = submit(learner, assignment, make_bundle(files)).submission
    other = submit(make_user(), assignment, make_bundle(files))
    elsewhere = submit(learner, make_assignment(), make_bundle(files))
    assert other.is_new
    assert elsewhere.is_new
    assert other.submission.content_hash == first.content_hash
    assert storages["submissions"].exists(archive_name(first.content_hash))


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.CRASHED, State.CANCELED])
def test_identical_files_run_again_when_it_was_our_fault(submit: Submit, state: State) -> None:
    learner, assignment = make_user(), make_assignment()
    bundle = make_bundle()
    first = submit(learner, assignment, bundle)
    GradingJob.objects.update(state=state)
    again = submit(learner, assignment, bundle)
    assert (again.is_new, again.is_rerun) == (False, True)
    assert again.submission == first.submission
    attempts = first.submission.jobs.order_by("attempt").values_list("attempt", "state")
    assert list(attempts) == [(1, state), (2, State.QUEUED)]
    assert sent_jobs("projects")[-1] == str(first.submission.jobs.get(attempt=2).pk)


@pytest.mark.django_db
def test_too_many_waiting(submit: Submit, settings: Settings) -> None:
    settings.BACKPATH_MAX_QUEUED_SUBMISSIONS = 2
    learner, assignment = make_user(), make_assignment()
    first = submit(learner, assignment)
    submit(learner, make_assignment())
    with pytest.raises(TooManyQueued) as refusal:
        submit(learner, assignment)
    assert refusal.value.code == "too-many-queued"
    assert "2 of your submissions are waiting" in refusal.value.message
    assert Submission.objects.filter(learner=learner).count() == 2
    # What is running does not count, nor what others hand in.
    GradingJob.objects.filter(submission=first.submission).update(state=State.RUNNING)
    assert submit(learner, assignment).is_new
    assert submit(make_user(), assignment).is_new


@pytest.mark.django_db
def test_identical_files_are_recognised_even_when_too_many_wait(
    submit: Submit, settings: Settings
) -> None:
    settings.BACKPATH_MAX_QUEUED_SUBMISSIONS = 1
    learner, assignment, bundle = make_user(), make_assignment(), make_bundle()
    first = submit(learner, assignment, bundle)
    assert submit(learner, assignment, bundle).submission == first.submission


@pytest.mark.django_db
def test_a_broker_that_is_away_loses_nothing(submit: Submit, settings: Settings) -> None:
    folder = settings.BACKPATH_DATA_DIR / "broker" / "messages"
    folder.rename(folder.with_name("away"))
    try:
        result = submit(make_user(), make_assignment())
    finally:
        folder.with_name("away").rename(folder)
    job = result.submission.jobs.get()
    assert (job.state, job.enqueued_at, job.enqueue_count) == (State.QUEUED, None, 0)


@pytest.mark.django_db
def test_running_again_an_open_submission_is_refused(submit: Submit) -> None:
    submission = submit(make_user(), make_assignment()).submission
    with pytest.raises(Exception, match="nothing to run again"):
        run_again(submission)
    assert submission.jobs.count() == 1


def _in_threads(call: Callable[[int], None], count: int) -> list[BaseException]:
    start = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            start.wait()
            call(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_when_many_hand_in_at_once(settings: Settings) -> None:
    settings.BACKPATH_MAX_QUEUED_SUBMISSIONS = 100
    learner, assignment = make_user(), make_assignment()
    bundles = [make_bundle() for _ in range(8)]

    def hand_in(number: int) -> None:
        submit_bundle(
            learner=learner,
            assignment=assignment,
            bundle=bundles[number],
            source=Submission.Source.ARCHIVE,
        )

    assert _in_threads(hand_in, 8) == []
    numbers = Submission.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 9))


@pytest.mark.django_db(transaction=True)
def test_the_same_files_handed_in_twice_at_once_are_one_submission() -> None:
    learner, assignment, bundle = make_user(), make_assignment(), make_bundle()
    results: list[SubmitResult] = []

    def hand_in(number: int) -> None:
        results.append(
            submit_bundle(
                learner=learner,
                assignment=assignment,
                bundle=bundle,
                source=Submission.Source.ARCHIVE,
            )
        )

    assert _in_threads(hand_in, 4) == []
    assert sorted(result.is_new for result in results) == [False, False, False, True]
    assert Submission.objects.count() == 1
    assert GradingJob.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_cap_holds_when_many_hand_in_at_once(settings: Settings) -> None:
    settings.BACKPATH_MAX_QUEUED_SUBMISSIONS = 3
    learner, assignment = make_user(), make_assignment()
    bundles = [make_bundle() for _ in range(6)]

    def hand_in(number: int) -> None:
        submit_bundle(
            learner=learner,
            assignment=assignment,
            bundle=bundles[number],
            source=Submission.Source.ARCHIVE,
        )

    errors = _in_threads(hand_in, 6)
    assert [type(error) for error in errors] == [TooManyQueued] * 3
    assert GradingJob.objects.count() == 3
