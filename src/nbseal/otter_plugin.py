"""otter-grader's plugin that grades with the sealed engine; ``nbseal export otter`` names it in otter_config.json.

otter itself would run the student's notebook in a kernel that can read everything in the container. So the submission
is graded first, sealed, and then taken away: what otter goes on to run is an empty notebook in an empty folder.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from otter.plugins import AbstractOtterPlugin
from otter.test_files import GradingResults
from otter.test_files.abstract_test import TestCase, TestCaseResult
from otter.test_files.exception_test import ExceptionTestFile

from nbseal.errors import NbsealError
from nbseal.export.containers import grade_folder, grader_of
from nbseal.grading import Grader
from nbseal.results import Outcome, QuestionResult, Scorecard, Status, TestResult
from nbseal.text import printable

OTTERS_OWN = ("tests/", "__init__.py")
EMPTY = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class NotJudged(NbsealError):
    """Nothing could be judged: there must be no results, since otter has no other way to say that than a zero."""


class SealedGrader(AbstractOtterPlugin):  # type: ignore[misc]
    """Replaces otter's execution and its tests by a scorecard of ours."""

    card: Scorecard | None = None

    def before_grading(self, config: Any) -> None:
        """Grade the submission, sealed, and take it away before otter opens anything of it."""
        submission = Path(self.submission_path).parent
        with grader_of(Path(config.autograder_dir).absolute() / "source") as grader:
            self.card = self.grade(grader, submission)
        take_away(submission, Path(self.submission_path).name)

    def before_execution(self, submission: Any) -> Any:
        """Have otter execute nothing of the student's."""
        submission.cells = []
        return submission

    def after_grading(self, results: GradingResults) -> None:
        """Put our marks in the place of otter's; NotJudged where there are none."""
        if self.card is None or results.has_catastrophic_failure():
            raise NotJudged("otter's own part of grading failed: this submission has no mark yet. Run it again.")
        results.results = as_test_files(self.card)
        results.set_output("\n".join(_summary(self.card)))

    @staticmethod
    def grade(grader: Grader, submission: Path) -> Scorecard:
        """The scorecard of a submission's folder; NotJudged when there is no mark in it."""
        card = grade_folder(grader, submission, OTTERS_OWN)
        if card.is_unjudged:
            reasons = "; ".join(printable(problem) for problem in card.problems)
            raise NotJudged(
                f"this submission could not be judged: it has no mark yet, which isn't a zero. A person must look at "
                f"it ({reasons})."
            )
        return card


def take_away(submission: Path, notebook: str) -> None:
    """Leave nothing of the student's in the folder that otter's kernel and otter's log reader look into."""
    for path in submission.iterdir():
        if path.name == "tests" and path.is_dir() and not path.is_symlink():
            continue  # placeholders, which otter has just put there
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            os.unlink(path)
    (submission / notebook).write_text(json.dumps(EMPTY), encoding="utf-8")


def as_test_files(card: Scorecard) -> dict[str, ExceptionTestFile]:
    """The questions that have a mark, as otter keeps them: one without a mark is left out, not counted as 0."""
    return {
        question.grade_id: _test_file(question)
        for question in card.questions
        if question.status is Status.GRADED and question.score is not None
    }


def _test_file(question: QuestionResult) -> ExceptionTestFile:
    tests = question.tests or (TestResult(question.grade_id, _outcome(question)),)
    whole = sum(test.weight for test in tests)
    found = [_case(test, question.max_score * test.weight / whole) for test in tests]
    file = ExceptionTestFile(
        question.grade_id, question.grade_id, [one.test_case for one in found], all_or_nothing=False
    )
    file.test_case_results = found
    file.update_score(question.score)
    return file


def _case(test: TestResult, points: float) -> TestCaseResult:
    case = TestCase(
        name=printable(test.name), body="", hidden=False, points=points, success_message=None, failure_message=None
    )
    outcome = f"{test.sign} {test.words}"
    message = f"{outcome}: {printable(test.message)}" if test.message else outcome
    return TestCaseResult(test_case=case, message=message, passed=test.outcome is Outcome.PASSED)


def _outcome(question: QuestionResult) -> Outcome:
    return Outcome.PASSED if question.score == question.max_score else Outcome.FAILED


def _summary(card: Scorecard) -> list[str]:
    lines = [f"Graded at seal level {card.seal}."]
    for status, text in ((Status.NOT_JUDGED, "Not judged, so without a mark"), (Status.MANUAL, "Marked by a person")):
        if names := [question.grade_id for question in card.questions if question.status is status]:
            lines.append(f"{text}: {', '.join(names)}.")
    lines += map(printable, card.told)
    return lines + [printable(problem) for problem in card.problems if not problem.startswith("not judged")]
