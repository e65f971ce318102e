"""The trusted warm process: pytest with the hidden tests collected, forked once for each submission."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbseal.errors import GraderError, SealError, WireError
from nbseal.pytest_plugin.conversation import Conversation
from nbseal.pytest_plugin.plugin import (
    CollectionProblem,
    GraderPlugin,
    line_of,
    marker_of,
    question_of,
    requirements_of,
)
from nbseal.pytest_plugin.student import Handin
from nbseal.results import Outcome, TestResult
from nbseal.wire import Channel, EndOfStream, Late

START_SECONDS = 300.0
SLACK_SECONDS = 10.0
PASSED_ON = ("HOME", "PATH", "LANG", "SCIKIT_LEARN_DATA", "XDG_CACHE_HOME")
# pytest's own parts that a hidden test has no use for: each would run before and after every test
LEFT_OUT = (
    "cacheprovider", "doctest", "junitxml", "pastebin", "stepwise", "faulthandler", "threadexception",
    "unraisableexception", "logging", "warnings", "setuponly", "setupplan", "debugging",
)  # fmt: skip
INI = Path(__file__).with_name("pytest.ini")


@dataclass(frozen=True)
class HiddenTest:
    """One collected hidden test."""

    nodeid: str
    question: str
    line: str
    weight: float


@dataclass(frozen=True)
class Case:
    """One submission to judge: what is known of it, and which questions to ask."""

    handin: Handin
    questions: frozenset[str]
    seconds: float


class Judge:
    """Owns the trusted warm process of one grader file; use as a context manager."""

    def __init__(self, grader: Path) -> None:
        self._grader = grader
        self.tests: tuple[HiddenTest, ...] = ()
        self._lock = threading.Lock()
        self._launch()

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MPLBACKEND": "Agg",
        }
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-B",
                    "-m",
                    "nbseal.pytest_plugin.judge",
                    str(theirs.fileno()),
                    str(self._grader),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=self._grader.parent,
            )
        self._control = Channel(ours)

    def start(self) -> tuple[HiddenTest, ...]:
        """Wait until the tests are collected; GraderError when they can't be."""
        try:
            reply = self._control.receive(time.monotonic() + START_SECONDS)
        except WireError as error:
            self.close()
            raise GraderError(f"{self._grader}: pytest ended while it collected the hidden tests") from error
        if "errors" in reply:
            self.close()
            raise GraderError(f"{self._grader} can't be used:\n" + "\n".join(reply["errors"]))
        self.tests = tuple(HiddenTest(**test) for test in reply["tests"])
        return self.tests

    def judge(self, case: Case, job: socket.socket, leash: socket.socket) -> dict[str, TestResult]:
        """Run the hidden tests of ``case`` against a sealed process; returns results by test.

        SealError when this process of ours fails; the next call then starts another one.
        """
        wanted = {test.nodeid: test for test in self.tests if test.question in case.questions}
        results: dict[str, TestResult] = {}
        failure = "the hidden tests ended early"
        deadline = time.monotonic() + case.seconds + 2 * SLACK_SECONDS
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._hand_over(job, leash, theirs)
            channel = Channel(ours, greedy=True)
            try:
                channel.send(_message(case), deadline)
                while not (reply := channel.receive(deadline)).get("done"):
                    test = wanted[reply["test"]]
                    outcome = Outcome(reply["outcome"])
                    results[test.nodeid] = TestResult(test.line, outcome, reply["message"], test.weight)
            except Late:
                failure = "the hidden tests took too long"
            except EndOfStream:
                pass  # the time limit ended the fork, or it failed: what it had reported counts
        for nodeid, test in wanted.items():
            if nodeid not in results:
                results[nodeid] = TestResult(test.line, Outcome.NOT_JUDGED, failure, test.weight)
        return results

    def _hand_over(self, *sockets: socket.socket) -> None:
        """Have the process fork, and give the fork ``sockets``; start another process if this one is gone."""
        with self._lock:
            try:
                socket.send_fds(self._control.sock, [b"F"], [one.fileno() for one in sockets])
            except OSError as error:
                self._restart()
                raise SealError(f"the judge is gone: {error}") from error
        sockets[-1].close()

    def _restart(self) -> None:
        self._process.kill()
        self.close()
        self._launch()
        self.start()

    def close(self) -> None:
        """End the process."""
        self._control.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _message(case: Case) -> dict[str, Any]:
    handin = {**vars(case.handin), "seed": bytes(case.handin.seed)}
    return {"handin": handin, "questions": sorted(case.questions), "seconds": case.seconds}


def main(descriptor: int, grader: str) -> None:
    """Collect ``grader`` and serve the trusted process on ``descriptor`` until it hangs up."""
    gc.disable()  # until everything is imported
    channel = Channel(socket.socket(fileno=descriptor))
    plugin = GraderPlugin(lambda plugin, items: _serve(channel, plugin, items))
    folder = os.path.dirname(grader)
    pytest.main(
        [
            grader, "-c", str(INI), f"--rootdir={folder}", f"--confcutdir={folder}", "--import-mode=importlib",
            *(word for name in LEFT_OUT for word in ("-p", f"no:{name}")), "--assert=plain", "--capture=no", "-q",
        ],
        plugins=[plugin],
    )  # fmt: skip
    if plugin.errors:
        with contextlib.suppress(WireError):
            channel.send({"errors": plugin.errors})


def _serve(channel: Channel, plugin: GraderPlugin, items: list[pytest.Item]) -> None:
    try:
        tests = [_describe(item, items) for item in items]
    except CollectionProblem as problem:
        plugin.errors.append(str(problem))
        return
    importlib.import_module("numpy.random")  # loaded at first use otherwise: in every fork anew
    gc.enable()
    gc.freeze()  # a collection in a fork would otherwise touch, and so copy, everything that was loaded
    channel.send({"tests": tests})
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel.sock, 1, 3)
        if not request:
            return
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if os.fork() == 0:
            channel.close()
            _judge_one(plugin, items, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _describe(item: pytest.Item, items: Iterable[pytest.Item]) -> dict[str, Any]:
    marker = marker_of(item)
    names = [other.name.split("[")[0] for other in items]
    own = item.name.split("[")[0]
    for needed in requirements_of(item):
        if needed not in names or names.index(needed) >= names.index(own):
            raise CollectionProblem(
                f"{item.nodeid} requires {needed!r}: name a test function of the same file that stands before it"
            )
    return {
        "nodeid": item.nodeid,
        "question": question_of(item),
        "line": line_of(item),
        "weight": float(marker.kwargs.get("weight", 1)),
    }


def _judge_one(plugin: GraderPlugin, items: list[pytest.Item], descriptors: list[int]) -> None:
    """In a fork: run one submission's hidden tests and leave. A hang ends by the alarm's default action."""
    try:
        job, leash, results = (Channel(socket.socket(fileno=number), greedy=True) for number in descriptors)
        message = results.receive(time.monotonic() + SLACK_SECONDS)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(message["seconds"] + SLACK_SECONDS))
        plugin.handin = Handin(**message["handin"])
        plugin.conversation = Conversation(job, leash, time.monotonic() + message["seconds"])
        questions = set(message["questions"])
        plugin.run([item for item in items if question_of(item) in questions], results.send)
        results.send({"done": True})
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
