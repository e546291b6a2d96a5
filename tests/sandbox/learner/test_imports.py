"""What a suite gets for an import: the learner's module, or words about what is missing."""

from __future__ import annotations

from tests.sandbox.learner.suites import LEARNER, Run, outcomes


def test_a_module_that_cannot_be_imported_fails_each_test(run_suite: Run) -> None:
    frames = run_suite(
        """
        from bob import double, Stack
        import missing_module

        @check("a.broken")
        def test_broken():
            assert double(2) == 4

        @check("a.class")
        def test_class():
            Stack().push(1)

        @check("a.missing")
        def test_missing():
            missing_module.run()

        @check("a.own")
        def test_own():
            assert 1 + 1 == 2
        """,
        {"bob.py": "def double(x)\n    return 1\n"},
    )

    assert outcomes(frames) == {
        "a.broken": "learner_error",
        "a.class": "learner_error",
        "a.missing": "learner_error",
        "a.own": "passed",
    }
    assert "`bob` cannot be imported: SyntaxError" in frames["a.broken"]["message"]
    assert frames["a.missing"]["message"] == (
        "There is no module `missing_module` in what you handed in. Modules there: bob."
    )


def test_a_name_that_is_missing_fails_the_tests_that_use_it(run_suite: Run) -> None:
    frames = run_suite(
        """
        import pytest
        try:
            from bob import double, triple, TripleError
        except ImportError as error:
            raise ImportError("MISSING FUNCTION") from error

        @check("a.there")
        def test_there():
            assert double(2) == 4

        @check("a.missing")
        def test_missing():
            assert triple(2) == 6

        @check("a.class")
        def test_class():
            with pytest.raises(TripleError):
                double(2)
        """
    )

    assert outcomes(frames) == {"a.there": "passed", "a.missing": "failed", "a.class": "failed"}
    assert frames["a.missing"]["message"] == "Your module `bob` has no `triple`."
    assert frames["a.class"]["message"] == (
        "Your module `bob` has no `triple`. Your module `bob` has no `TripleError`."
    )


def test_a_submission_cannot_stand_in_for_a_library_or_the_grader(run_suite: Run) -> None:
    liar = "def dumps(x): return 'lie'\nVALUE = 'lie'\n"
    frames = run_suite(
        """
        import json, textwrap
        import backpath_sdk, colorsys
        from bob import double

        @check("a.own")
        def test_own():
            assert json.dumps(1) == "1"
            assert hasattr(colorsys, "rgb_to_hsv")
            assert hasattr(backpath_sdk, "expect")
            assert double(1) == 2
        """,
        {
            "bob.py": LEARNER,
            **dict.fromkeys(["json.py", "colorsys.py", "backpath_sdk.py", "pytest.py"], liar),
        },
    )

    assert outcomes(frames) == {"a.own": "passed"}


def test_packages_streams_and_the_fixture(run_suite: Run) -> None:
    frames = run_suite(
        """
        import pytest
        import pack.inner
        from pack import other, VALUE
        from pack.inner import f

        @check("a.package")
        def test_package():
            assert (f(), pack.inner.f(), other.g(), VALUE) == (1, 1, 2, 3)

        @check("a.streams")
        def test_streams(capsys, monkeypatch, learner):
            other.talk()
            assert capsys.readouterr() == ("out\\n", "err\\n")
            assert (learner.stdout, learner.stderr) == ("out\\n", "err\\n")
            learner.give_input("ann\\n")
            assert other.ask() == "ann"
            monkeypatch.setattr("builtins.input", lambda prompt: prompt + "bob")
            assert other.ask() == "who? bob"

        @check("a.fixture")
        def test_fixture(learner):
            assert learner.module("pack.inner").f() == 1
            learner.restart()
            assert f() == 1

        @check("a.missing")
        def test_missing(learner):
            learner.module("nowhere")
        """,
        {
            "pack/__init__.py": "VALUE = 3\n",
            "pack/inner.py": "def f(): return 1\n",
            "pack/other.py": (
                "import sys\ndef g(): return 2\n"
                "def talk():\n    print('out'); print('err', file=sys.stderr)\n"
                "def ask(): return input('who? ')\n"
            ),
        },
    )

    assert outcomes(frames) == {
        "a.package": "passed",
        "a.streams": "passed",
        "a.fixture": "passed",
        "a.missing": "learner_error",
    }


def test_what_has_a_name_outlives_its_process(run_suite: Run) -> None:
    frames = run_suite(
        """
        import pytest
        import shop
        from shop import Basket, DEFAULT, Full, Kind

        @check("a.before")
        def test_before():
            assert len(Basket()) == 0

        @check("a.dies")
        def test_dies():
            Basket().die()

        @check("a.after")
        def test_after():
            basket = Basket()
            assert type(basket) is Basket is shop.Basket
            assert len(DEFAULT) == 0
            assert isinstance(DEFAULT, Basket)
            assert type(DEFAULT + basket) is Basket
            assert Kind.BIG == Kind("big")
            with pytest.raises(Full) as caught:
                basket.fill()
            assert type(caught.value) is Full

        @check("a.gone")
        def test_gone(learner):
            basket = Basket()
            learner.restart()
            len(basket)
        """,
        {
            "shop.py": (
                "import enum, os\n"
                "class Full(Exception): pass\n"
                "class Kind(enum.Enum):\n    BIG = 'big'\n"
                "class Basket:\n"
                "    def __len__(self): return 0\n"
                "    def __add__(self, other): return Basket()\n"
                "    def fill(self): raise Full\n"
                "    def die(self): os._exit(1)\n"
                "DEFAULT = Basket()\n"
            )
        },
    )

    assert outcomes(frames) == {
        "a.before": "passed",
        "a.dies": "learner_error",
        "a.after": "passed",
        "a.gone": "learner_error",
    }


def test_names_that_the_author_gives_come_first(run_suite: Run) -> None:
    frames = run_suite(
        """
        import tabnanny

        @check("a.named")
        def test_named():
            assert tabnanny.VALUE == 5
        """,
        {"tabnanny.py": "VALUE = 5\n"},
        names=["tabnanny"],
    )

    assert outcomes(frames) == {"a.named": "passed"}
