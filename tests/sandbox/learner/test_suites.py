"""What each test of a suite gets, and whose failure it is."""

from __future__ import annotations

from tests.sandbox.learner.suites import Run, outcomes


def test_each_way_to_fail_has_its_outcome_and_its_words(run_suite: Run) -> None:
    frames = run_suite(
        """
        import pytest
        import bob
        from bob import double, explode, StackError

        @check("a.passes")
        def test_passes():
            assert double(2) == 4
            with pytest.raises(StackError, match="boom"):
                explode()

        @check("a.wrong")
        def test_wrong():
            assert bob.wrong(2) == 4

        @check("a.unusable")
        def test_unusable():
            assert bob.wrong(2)[0] == 4

        @check("a.raises")
        def test_raises():
            explode("no stack")

        @check("a.leaves")
        def test_leaves():
            bob.leave()

        @check("a.raises-nothing")
        def test_raises_nothing():
            with pytest.raises(ValueError):
                double(2)

        @check("a.leaves-as-asked")
        def test_leaves_as_asked():
            with pytest.raises(SystemExit) as caught:
                bob.leave()
            assert caught.value.code == 3

        @check("a.dies")
        def test_dies():
            bob.die()

        @check("a.dies-caught")
        def test_dies_caught():
            with pytest.raises(Exception):
                bob.die()

        @check("a.after")
        def test_after():
            assert double(3) == 6

        @check("a.hangs")
        def test_hangs():
            bob.hang()

        @check("a.hangs-caught")
        def test_hangs_caught():
            try:
                bob.hang()
            except Exception:
                pass

        @check("a.big")
        def test_big():
            with pytest.raises(Exception):
                bob.big()

        @check("a.deep")
        def test_deep():
            bob.deep()

        @check("a.skips")
        def test_skips():
            bob.skip()

        @check("a.interrupts")
        def test_interrupts():
            bob.interrupt()

        @check("a.silent")
        def test_silent():
            bob.silent()

        @check("a.unspeakable")
        def test_unspeakable():
            assert double(1) == 3, bob.Bomb()

        @check("a.unspeakable-argument")
        def test_unspeakable_argument():
            bob.explode_with_bomb()

        @check("a.last")
        def test_last():
            assert double(3) == 6
        """
    )

    assert outcomes(frames) == {
        "a.passes": "passed",
        "a.wrong": "failed",
        "a.unusable": "failed",
        "a.raises": "failed",
        "a.leaves": "failed",
        "a.raises-nothing": "failed",
        "a.leaves-as-asked": "passed",
        "a.dies": "learner_error",
        "a.dies-caught": "learner_error",
        "a.after": "passed",
        "a.hangs": "learner_error",
        "a.hangs-caught": "learner_error",
        "a.big": "failed",
        "a.deep": "failed",
        "a.skips": "failed",
        "a.interrupts": "failed",
        "a.silent": "failed",
        "a.unspeakable": "failed",
        "a.unspeakable-argument": "failed",
        "a.last": "passed",
    }
    messages = {name: frame.get("message") for name, frame in frames.items()}
    assert messages["a.raises"] == "Your code raised StackError: no stack (bob.py, line 14)."
    assert messages["a.unusable"] == (
        "The check could not go on with what your code gave it: "
        "TypeError: 'NoneType' object is not subscriptable."
    )
    assert messages["a.dies"] == "The process that runs your code has ended."
    assert messages["a.hangs"] == "Your code did not come back within 2 s."
    assert "more than 16 MB" in messages["a.big"]
    assert "more than 100 levels deep" in messages["a.deep"]
    assert frames["end"]["status"] == "completed"


def test_a_suite_of_unittest_runs_unchanged(run_suite: Run) -> None:
    frames = run_suite(
        """
        import unittest
        from bob import double, explode, StackError, die

        class BobTest(unittest.TestCase):
            @check("a.passes")
            def test_passes(self):
                self.assertEqual(double(2), 4)
                with self.assertRaises(StackError) as caught:
                    explode("why")
                self.assertEqual(type(caught.exception), StackError)
                self.assertEqual(caught.exception.args[0], "why")

            @check("a.fails")
            def test_fails(self):
                self.assertEqual(double(2), 5)

            @check("a.raises")
            def test_raises(self):
                explode()

            @check("a.dies")
            def test_dies(self):
                with self.assertRaises(Exception):
                    die()

            @check("a.subtests")
            def test_subtests(self):
                for number in (1, 2):
                    with self.subTest(number=number):
                        self.assertEqual(double(number), number + 1)
        """
    )

    assert outcomes(frames) == {
        "a.passes": "passed",
        "a.fails": "failed",
        "a.raises": "failed",
        "a.dies": "learner_error",
        "a.subtests": "failed",
    }


def test_what_cannot_cross_is_a_grader_error_that_names_it(run_suite: Run) -> None:
    frames = run_suite(
        """
        import threading, pytest
        from bob import double

        @check("a.thread")
        def test_thread():
            with pytest.raises(TypeError):
                double(threading.Thread())
        """
    )

    assert outcomes(frames) == {"a.thread": "grader_error"}
    assert "object of type Thread" in frames["end"]["detail"]


def test_callbacks_end_with_their_test(run_suite: Run) -> None:
    frames = run_suite(
        """
        import pytest
        from bob import keep, use_kept, swallow

        class Mine(Exception):
            pass

        @check("a.first")
        def test_first():
            assert keep(lambda: "alive") == 1
            assert use_kept() == "alive"

        @check("a.second")
        def test_second():
            with pytest.raises(LookupError):
                use_kept()

        @check("a.outcome")
        def test_outcome():
            assert swallow(lambda: pytest.fail("the check failed")) == "swallowed"

        @check("a.own")
        def test_own():
            def mine():
                raise Mine("x")
            assert swallow(mine) == "swallowed"
        """
    )

    assert outcomes(frames)["a.first"] == "passed"
    assert outcomes(frames)["a.second"] == "passed"
    assert outcomes(frames)["a.outcome"] != "passed"
    assert outcomes(frames)["a.own"] == "passed"


def test_an_endless_iterator_ends_with_the_check(run_suite: Run) -> None:
    frames = run_suite(
        """
        from bob import endless, double

        @check("a.endless")
        def test_endless():
            sum(endless())

        @check("a.after")
        def test_after():
            assert double(2) == 4
        """,
        check_seconds=0.5,
    )

    assert outcomes(frames) == {"a.endless": "timed_out", "a.after": "passed"}
