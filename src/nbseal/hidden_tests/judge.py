"""The trusted side's handle on hidden tests: what was collected, and a verdict for each submission."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nbseal.errors import GraderError, SealError, WireError
from nbseal.hidden_tests.case import SubmissionFacts
from nbseal.results import Outcome, TestResult
from nbseal.sandbox.launch import Adoptable, Forking, Launched, launch_judge
from nbseal.wire import Channel, EndOfStream, Late

START_SECONDS = 300.0
SLACK_SECONDS = 10.0
PATIENCE = 0.003  # seconds: many tests take less
CASES_PER_COPY = 500  # then a fresh fork takes over, whatever a hidden test may have left in memory


@dataclass(frozen=True)
class HiddenTest:
    """One collected hidden test."""

    nodeid: str
    question: str
    line: str
    weight: float
    promise: str = ""


@dataclass(frozen=True)
class Case:
    """One submission to judge: what is known of it, and which questions to ask.

    ``without`` are tests that aren't run. A ``rehearsal`` leaves the sealed process ready for another one; if it is
    ``recorded``, the verdict tells what was asked. With ``patience``, no call of the student's functions may take more
    seconds of processor time, even where its test would wait for longer.
    """

    facts: SubmissionFacts
    questions: frozenset[str]
    seconds: float
    without: frozenset[str] = frozenset()
    rehearsal: bool = False
    recorded: bool = False
    patience: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Results by test, and notes for the instructor; ``broken`` when the process that made them ended too early.

    ``asked`` are the requests, as they were sent, if they were to be recorded.
    """

    results: dict[str, TestResult]
    broken: bool = False
    notes: tuple[str, ...] = ()
    asked: tuple[dict[str, Any], ...] = ()


@dataclass
class JudgeCopy:
    """A fork of the judge that takes one case after the other."""

    channel: Channel
    cases: int = 0


class Judge(Adoptable):
    """Owns the trusted warm process of one grader file; a context manager that any number of threads may use."""

    def __init__(self, grader: Path, settings: Mapping[str, Any] | None = None) -> None:
        self._grader = grader
        self._settings = dict(settings or {})
        self.tests: tuple[HiddenTest, ...] = ()
        self.depends_on = ""  # what marks hang on besides the grader's files, in the grader's own words
        self._lock = threading.Lock()
        self._free: list[JudgeCopy] = []
        self._closed = self._is_adopted = False
        self._launched = self._launch()
        self._forking: Forking = self._launched

    def _launch(self) -> Launched:
        """Start the process, which begins to collect the tests."""
        launched = launch_judge()
        with suppress(WireError):  # which is explained by `start`
            launched.control.send({"grader": str(self._grader), "settings": self._settings})
        return launched

    def start(self) -> tuple[HiddenTest, ...]:
        """Wait for the tests to be collected; GraderError when they can't be."""
        try:
            reply = self._launched.control.receive(time.monotonic() + START_SECONDS)
        except WireError as error:
            why = self._launched.complaint()
            self._end()
            raise GraderError(f"{self._grader}: pytest ended while it collected the hidden tests: {why}") from error
        if "errors" in reply:
            self._end()
            raise GraderError(f"{self._grader} can't be used:\n" + "\n".join(reply["errors"]))
        self.tests = tuple(HiddenTest(**test) for test in reply["tests"])
        self.depends_on = reply["depends_on"]
        return self.tests

    def judge(self, case: Case, dialogue: socket.socket, control: socket.socket) -> Verdict:
        """Run the hidden tests of ``case`` against a sealed process.

        SealError when our own process is gone and another one can't be started.
        """
        wanted = {test.nodeid: test for test in self.tests if test.question in case.questions}
        wanted = {nodeid: test for nodeid, test in wanted.items() if nodeid not in case.without}
        results: dict[str, TestResult] = {}
        notes: list[str] = []
        asked: tuple[dict[str, Any], ...] = ()
        failure, broken = "the hidden tests ended early", False
        time_is_up = time.monotonic() + case.seconds
        deadline = time_is_up + 2 * SLACK_SECONDS
        copy = self._begin(case, dialogue, control, deadline)
        try:
            while not (reply := copy.channel.receive(deadline)).get("done"):
                for one in reply["tests"]:
                    notes += one["notes"]
                    test, outcome = wanted[one["test"]], Outcome(one["outcome"])
                    results[test.nodeid] = TestResult(
                        test.line,
                        outcome,
                        one["message"],
                        test.weight,
                        one["measured"],
                        one["blocked"],
                        one["credit"],
                        one["unwritten"],
                    )
            asked = tuple(reply.get("asked", ()))
            self._give_back(copy)
        except Late:
            failure = "the hidden tests took too long"
            copy.channel.close()
        except (EndOfStream, OSError):
            # the time limit ended the fork, or it failed: what it had reported counts
            broken = time.monotonic() < time_is_up
            copy.channel.close()
        for nodeid, test in wanted.items():
            if nodeid not in results:
                results[nodeid] = TestResult(test.line, Outcome.NOT_JUDGED, failure, test.weight)
        return Verdict(results, broken, tuple(dict.fromkeys(notes)), asked)

    def _begin(self, case: Case, dialogue: socket.socket, control: socket.socket, deadline: float) -> JudgeCopy:
        """Hand the case to a copy; one that was killed while it was idle is passed over."""
        while True:
            copy = self._take_copy()
            try:
                copy.channel.send(_message(case), deadline)
                socket.send_fds(copy.channel.sock, [b"F"], [dialogue.fileno(), control.fileno()])
                return copy
            except (WireError, OSError) as error:
                copy.channel.close()
                if not copy.cases or isinstance(error, Late):
                    raise SealError(f"the judge takes no case: {error}") from error

    def _take_copy(self) -> JudgeCopy:
        """A fork of the warm process that is free, or a new one."""
        with self._lock:
            if self._closed:
                raise SealError("the judge is closed")
            if self._free:
                return self._free.pop()
            try:
                return self._new_copy()
            except OSError as error:
                if self._is_adopted:
                    raise SealError(f"the judge is gone: {error}") from error
                self._restart()
            try:
                return self._new_copy()
            except OSError as error:
                raise SealError(f"the judge is gone: {error}") from error

    def _new_copy(self) -> JudgeCopy:
        return JudgeCopy(Channel(self._forking.fork(), greedy=True, patience=PATIENCE))

    def _give_back(self, copy: JudgeCopy) -> None:
        copy.cases += 1
        with self._lock:
            if copy.cases < CASES_PER_COPY and not self._closed:
                self._free.append(copy)
                return
        copy.channel.close()

    def __getstate__(self) -> dict[str, Any]:
        """What another process of ours needs besides the descriptor: see `adopt`."""
        return {"tests": self.tests, "depends_on": self.depends_on}

    def adopt(self, descriptor: int) -> None:
        """In another process of ours: have the process fork, use our own copies, and never start it again."""
        super().adopt(descriptor)
        self._free, self._closed, self._is_adopted = [], False, True

    def renew(self) -> None:
        """Start the process again; SealError if that fails."""
        with self._lock:
            self._restart()

    def _restart(self) -> None:
        self._end()
        self._launched = self._forking = self._launch()
        try:
            self.start()
        except GraderError as error:
            raise SealError(f"the judge is gone and can't be started again: {error}") from error

    def close(self) -> None:
        """End the process and its forks."""
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        for copy in self._free:
            copy.channel.close()
        self._free.clear()
        self._launched.close()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _message(case: Case) -> dict[str, Any]:
    facts = {one.name: getattr(case.facts, one.name) for one in fields(case.facts)}
    return {
        "facts": facts,
        "questions": sorted(case.questions),
        "seconds": case.seconds,
        "without": sorted(case.without),
        "rehearsal": case.rehearsal,
        "recorded": case.recorded,
        "patience": case.patience,
    }
