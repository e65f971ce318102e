"""The pytest side of grading: collects hidden tests once, then runs them for one submission in each fork."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest

from nbseal.errors import SealError, StudentError
from nbseal.hidden_tests.case import SubmissionFacts
from nbseal.hidden_tests.conversation import Conversation, Timeout
from nbseal.hidden_tests.student import Student
from nbseal.results import TEST_ITSELF_FAILED, Outcome

MARKER = "question(grade_id, weight=1, requires=None, promise=''): the question that a hidden test belongs to"


class CollectionProblem(Exception):
    """A hidden test is not written as it must be."""


@dataclass(frozen=True)
class Check:
    """A hidden test as its author has marked it.

    ``requires`` names test functions that must pass first, ``promise`` is the phrase of the notebook that it enforces.
    """

    item: pytest.Item
    function: str
    question: str
    line: str
    weight: float
    requires: tuple[str, ...]
    promise: str = ""


class GraderPlugin:
    """Registered with pytest by the judge; ``serve`` is called once everything is collected.

    A grader may have a function ``depends_on(settings)``. It is called once, with what the course's settings say for
    this grader, and returns a text that is another one when marks may be others, though no file of the grader's is.
    """

    def __init__(
        self, serve: Callable[[GraderPlugin, list[Check]], None], settings: Mapping[str, Any] | None = None
    ) -> None:
        self._serve = serve
        self._settings = settings or {}
        self.depends_on = ""
        self.errors: list[str] = []
        self.facts = SubmissionFacts()
        self.conversation: Conversation | None = None
        self.check: Check | None = None
        self.results: dict[Check, Outcome] = {}
        self.asked: Student | None = None
        self.first_error: BaseException | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the marker known."""
        config.addinivalue_line("markers", MARKER)

    @pytest.fixture
    def student(self) -> Student:
        """The submission under test."""
        assert self.check is not None
        self.asked = Student(self.facts, self.conversation, self.check.question, self.check.item.nodeid)
        return self.asked

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what went wrong while collecting."""
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take over: answer the judge's requests instead of running each test once."""
        if not self.errors:
            try:
                checks = checks_of(session.items)
                self.depends_on = depends_on(checks, self._settings)
            except CollectionProblem as problem:
                self.errors.append(str(problem))
            else:
                self._serve(self, checks)
        return True

    def run(self, checks: Sequence[Check], report: Callable[[list[dict[str, Any]]], None]) -> None:
        """Run ``checks`` in order and report their outcomes, those of a question together."""
        self.results = {}
        followers = [*(check.item for check in checks[1:]), None]
        for _, group in groupby(zip(checks, followers, strict=True), key=lambda pair: pair[0].question):
            report([self._outcome_of(check, following) for check, following in group])

    def _outcome_of(self, check: Check, following: pytest.Item | None) -> dict[str, Any]:
        self.check, self.asked = check, None
        blocked = self._blocked(check)
        outcome, message = blocked or self._run_one(check.item, following)
        self.results[check] = outcome
        return {
            "test": check.item.nodeid,
            "outcome": str(outcome),
            "message": message,
            "measured": self.asked.measured if self.asked else {},
            "blocked": blocked is not None,
            "notes": self.asked.notes if self.asked else [],
            "credit": self.asked.earned if self.asked and outcome == Outcome.FAILED else 0.0,
            "unwritten": blocked is None and outcome is Outcome.FAILED and is_unwritten(self.first_error),
        }

    def _run_one(self, item: pytest.Item, following: pytest.Item | None) -> tuple[Outcome, str]:
        """Run one test by pytest's protocol, and judge it by the first exception of its three phases."""
        self.first_error = None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return judge_exception(self.first_error) if self.first_error else (Outcome.PASSED, "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Keep the exception; pytest's own report, with source lines for a developer, takes longer than most tests."""
        if call.excinfo and self.first_error is None:
            self.first_error = call.excinfo.value
        assert call.when != "collect"
        return pytest.TestReport(
            item.nodeid, item.location, {}, "failed" if call.excinfo else "passed", None, call.when
        )

    def _blocked(self, check: Check) -> tuple[Outcome, str] | None:
        for needed in check.requires:
            for other, outcome in self.results.items():
                if other.function != needed or outcome == Outcome.PASSED:
                    continue
                if outcome == Outcome.FAILED:
                    return outcome, f"Not run yet. Fix this first: “{other.line}”"
                return outcome, f"Not run, because it needs a test that could not be judged: “{other.line}”"
        return None


def judge_exception(error: BaseException) -> tuple[Outcome, str]:
    """What an exception in a hidden test means: the student's mistake, or a mark that could not be made."""
    if isinstance(error, AssertionError):
        return Outcome.FAILED, _assertion_text(error)
    if isinstance(error, pytest.fail.Exception):
        return Outcome.FAILED, str(error.msg or "This check did not pass.")
    if isinstance(error, (SealError, Timeout)):
        return Outcome.NOT_JUDGED, str(error) or "the student's process did not answer in time"
    if isinstance(error, pytest.skip.Exception):
        return Outcome.NOT_JUDGED, str(error.msg)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rsplit('/', 1)[-1]}, line {frames[-1].lineno})" if frames else ""
    return Outcome.NOT_JUDGED, f"{TEST_ITSELF_FAILED}: {type(error).__name__}: {error}{where}"


def is_unwritten(error: BaseException | None) -> bool:
    """Whether an exception, or one that it stands for, says that there is only a stub."""
    while error is not None:
        if isinstance(error, StudentError) and error.unwritten:
            return True
        error = error.__cause__ or error.__context__
    return False


def _assertion_text(error: AssertionError) -> str:
    """The author's message; an assertion inside some library would print expected values, so it is replaced."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    module = frame.tb_frame.f_globals.get("__name__", "") if frame else ""
    foreign = bool(frame) and module.split(".")[0] in {"numpy", "pandas", "sklearn", "unittest", "pytest"}
    text = "" if foreign else str(error).strip()
    return text or "The result is not what was expected."


def checks_of(items: Sequence[pytest.Item]) -> list[Check]:
    """The hidden tests among ``items``, all of which must be some; CollectionProblem for one that isn't."""
    checks: list[Check] = []
    for item in items:
        check = _check_of(item)
        for needed in check.requires:
            if needed == check.function or needed not in (other.function for other in checks):
                raise CollectionProblem(
                    f"{item.nodeid} requires {needed!r}: name a test function above it in the same file"
                )
        checks.append(check)
    return checks


def depends_on(checks: Sequence[Check], settings: Mapping[str, Any]) -> str:
    """What the grader's own ``depends_on`` returns, if it has one; CollectionProblem when that fails."""
    function = getattr(getattr(checks[0].item, "module", None), "depends_on", None) if checks else None
    if function is None:
        return ""
    try:
        found = function(settings)
    except Exception as error:
        raise CollectionProblem(f"depends_on(...) raised {type(error).__name__}: {error}") from error
    if not isinstance(found, str):
        raise CollectionProblem(f"depends_on(...) should return a text, but it returned {type(found).__name__}")
    return found


def _check_of(item: pytest.Item) -> Check:
    marker = item.get_closest_marker("question")
    if marker is None or len(marker.args) != 1 or not isinstance(marker.args[0], str):
        raise CollectionProblem(f'{item.nodeid} needs @pytest.mark.question("grade_id of its grade cell")')
    unknown = set(marker.kwargs) - {"weight", "requires", "promise"}
    if unknown:
        raise CollectionProblem(f"{item.nodeid}: @pytest.mark.question knows no {', '.join(sorted(unknown))}")
    weight = marker.kwargs.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
        raise CollectionProblem(f"{item.nodeid}: weight must be a number above 0, but it is {weight!r}")
    requires = marker.kwargs.get("requires") or ()
    return Check(
        item=item,
        function=item.name.partition("[")[0],
        question=marker.args[0],
        line=_line_of(item),
        weight=float(weight),
        requires=(requires,) if isinstance(requires, str) else tuple(requires),
        promise=str(marker.kwargs.get("promise", "")),
    )


def _line_of(item: pytest.Item) -> str:
    """The line that the student reads: first line of the docstring, with the parameters' id if there are any."""
    function = getattr(item, "function", None)
    lines = (getattr(function, "__doc__", None) or "").strip().splitlines()
    if not lines:
        raise CollectionProblem(f"{item.nodeid} needs a docstring: its first line is what the student reads")
    parameters = item.name.partition("[")[2].rstrip("]")
    return f"{lines[0].strip()} ({parameters})" if parameters else lines[0].strip()
