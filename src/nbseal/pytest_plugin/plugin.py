"""The pytest side of grading: collects hidden tests once, then runs them for one submission in each fork."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from nbseal.errors import SealError
from nbseal.pytest_plugin.conversation import Conversation, Timeout
from nbseal.pytest_plugin.handin import WAITING, Handin
from nbseal.pytest_plugin.student import Student
from nbseal.results import Outcome

MARKER = "question(grade_id, weight=1, requires=None): the question that a hidden test belongs to"


class CollectionProblem(Exception):
    """A hidden test is not written as it must be."""


class GraderPlugin:
    """Registered with pytest by the judge; ``serve`` is called once everything is collected."""

    def __init__(self, serve: Callable[[GraderPlugin, list[pytest.Item]], None]) -> None:
        self._serve = serve
        self.errors: list[str] = []
        self.handin = Handin()
        self.conversation: Conversation | None = None
        self.item: pytest.Item | None = None
        self.results: dict[str, tuple[Outcome, str]] = {}
        self.measured: dict[str, dict[str, float]] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the marker known."""
        config.addinivalue_line("markers", MARKER)

    @pytest.fixture
    def student(self) -> Student:
        """The submission under test."""
        assert self.item is not None
        student = Student(self.handin, self.conversation, question_of(self.item), self.item.nodeid)
        self.measured[self.item.nodeid] = student.measured
        return student

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what went wrong while collecting."""
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take over: answer the judge's requests instead of running each test once."""
        if not self.errors:
            self._serve(self, session.items)
        return True

    def run(self, items: list[pytest.Item], report: Callable[[dict[str, Any]], None]) -> None:
        """Run ``items`` in order and report each one's outcome."""
        self.results, self.measured = {}, {}
        for index, item in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            self.item = item
            outcome, message = self._blocked(item) or _run_one(item, following)
            self.results[item.nodeid] = outcome, message
            measured = self.measured.get(item.nodeid, {})
            report({"test": item.nodeid, "outcome": str(outcome), "message": message, "measured": measured})

    def _blocked(self, item: pytest.Item) -> tuple[Outcome, str] | None:
        for needed in requirements_of(item):
            for nodeid, (outcome, _) in self.results.items():
                if nodeid.split("::")[-1].split("[")[0] != needed or outcome == Outcome.PASSED:
                    continue
                line = next((line_of(i) for i in item.session.items if i.nodeid == nodeid), needed)
                if outcome == Outcome.FAILED:
                    return outcome, f"Not tried yet, because this comes first: “{line}”"
                return outcome, f"{WAITING} “{line}”"
        return None


def _run_one(item: pytest.Item, following: pytest.Item | None) -> tuple[Outcome, str]:
    """Run one test through pytest's hooks, and judge it by the first exception of its three phases.

    pytest's own protocol would make three reports for a developer, which takes longer than most tests.
    """
    found: tuple[Outcome, str] | None = None
    if isinstance(item, pytest.Function) and not item._request:
        item._initrequest()
    for phase in ("setup", "call", "teardown"):
        if phase == "call" and found:
            continue
        more = {"nextitem": following} if phase == "teardown" else {}
        try:
            getattr(item.config.hook, f"pytest_runtest_{phase}")(item=item, **more)
        except (pytest.exit.Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            found = found or judge_exception(error)
    if isinstance(item, pytest.Function):
        item._request, item.funcargs = False, {}  # type: ignore[assignment]
    return found or (Outcome.PASSED, "")


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
    return Outcome.NOT_JUDGED, f"the hidden test itself failed: {type(error).__name__}: {error}{where}"


def _assertion_text(error: AssertionError) -> str:
    """The author's message; an assertion inside some library would print expected values, so it is replaced."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    module = frame.tb_frame.f_globals.get("__name__", "") if frame else ""
    foreign = bool(frame) and module.split(".")[0] in {"numpy", "pandas", "sklearn", "unittest", "pytest"}
    text = "" if foreign else str(error).strip()
    return text or "The result is not what was expected."


def marker_of(item: pytest.Item) -> pytest.Mark:
    """The question marker of a test; CollectionProblem if it is missing or malformed."""
    marker = item.get_closest_marker("question")
    if marker is None or len(marker.args) != 1 or not isinstance(marker.args[0], str):
        raise CollectionProblem(f'{item.nodeid} needs @pytest.mark.question("grade_id of its grade cell")')
    unknown = set(marker.kwargs) - {"weight", "requires"}
    if unknown:
        raise CollectionProblem(f"{item.nodeid}: @pytest.mark.question knows no {', '.join(sorted(unknown))}")
    weight = marker.kwargs.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
        raise CollectionProblem(f"{item.nodeid}: weight must be a number above 0, but it is {weight!r}")
    return marker


def question_of(item: pytest.Item) -> str:
    """The grade_id that a hidden test belongs to."""
    return str(marker_of(item).args[0])


def requirements_of(item: pytest.Item) -> list[str]:
    """Names of the test functions that must pass first."""
    requires = marker_of(item).kwargs.get("requires") or []
    return [requires] if isinstance(requires, str) else list(requires)


def line_of(item: pytest.Item) -> str:
    """The line that the student reads: first line of the docstring, with the parameters' id if there are any."""
    function = getattr(item, "function", None)
    lines = (getattr(function, "__doc__", None) or "").strip().splitlines()
    if not lines:
        raise CollectionProblem(f"{item.nodeid} needs a docstring: its first line is what the student reads")
    parameters = item.name.partition("[")[2].rstrip("]")
    return f"{lines[0].strip()} ({parameters})" if parameters else lines[0].strip()
