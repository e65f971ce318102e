"""The trusted warm process: pytest with the hidden tests collected; its forks take the cases."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nbseal.errors import WireError
from nbseal.hidden_tests import messages
from nbseal.hidden_tests.case import SubmissionFacts
from nbseal.hidden_tests.conversation import Conversation
from nbseal.hidden_tests.question import Check, GraderPlugin
from nbseal.wire import Channel, EndOfStream

SLACK_SECONDS = 10.0
# pytest's own parts that a hidden test has no use for: most would run before and after every test
LEFT_OUT = (
    "cacheprovider", "capture", "debugging", "doctest", "faulthandler", "junitxml", "legacypath", "logging", "pastebin",
    "setuponly", "setupplan", "stepwise", "subtests", "terminal",
    "threadexception", "unittest", "unraisableexception", "warnings",
)  # fmt: skip
INI = Path(__file__).with_name("pytest.ini")


def main(descriptor: int) -> None:
    """Wait for the name of a grader, collect it, and serve on ``descriptor`` until the other side hangs up."""
    sys.dont_write_bytecode = True  # our own modules have theirs; nothing shall appear beside a course's
    channel = Channel(socket.socket(fileno=descriptor))
    try:
        message = channel.receive()
        grader = str(message["grader"])
    except EndOfStream:
        return
    plugin = GraderPlugin(lambda plugin, checks: _serve(channel, plugin, checks), message["settings"])
    folder = os.path.dirname(grader)
    os.chdir(folder)
    pytest.main(
        [
            grader, "-c", str(INI), f"--rootdir={folder}", f"--confcutdir={folder}", "--import-mode=importlib",
            *(word for name in LEFT_OUT for word in ("-p", f"no:{name}")), "--assert=plain",
        ],
        plugins=[plugin],
    )  # fmt: skip
    if plugin.errors:
        with contextlib.suppress(WireError):
            channel.send({"errors": plugin.errors})


def _serve(channel: Channel, plugin: GraderPlugin, checks: list[Check]) -> NoReturn:
    # made at first use otherwise: in every fork anew
    importlib.import_module("numpy.random")
    messages.sentences()
    gc.freeze()  # a collection in a fork would otherwise touch, and so copy, everything that was loaded
    channel.send({"tests": [_describe(check) for check in checks], "depends_on": plugin.depends_on})
    copies: set[int] = set()
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel.sock, 1, 1)
        copies = {copy for copy in copies if os.waitpid(copy, os.WNOHANG)[0] == 0}
        if not request:
            break
        copy = os.fork()
        if copy == 0:
            channel.close()
            _serve_copy(plugin, checks, Channel(socket.socket(fileno=descriptors[0])))
        copies.add(copy)
        os.close(descriptors[0])
    for copy in copies:
        os.kill(copy, signal.SIGKILL)
        os.waitpid(copy, 0)
    os._exit(0)  # pytest would take everything down in order


def _describe(check: Check) -> dict[str, Any]:
    return {
        "nodeid": check.item.nodeid,
        "question": check.question,
        "line": check.line,
        "weight": check.weight,
        "promise": check.promise,
    }


def _serve_copy(plugin: GraderPlugin, checks: list[Check], copy: Channel) -> NoReturn:
    """In a fork: run the hidden tests of one case after the other. A hang ends by the alarm's default action."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        while True:
            message = copy.receive()
            _, descriptors, _, _ = socket.recv_fds(copy.sock, 1, 2)
            signal.alarm(int(message["seconds"] + SLACK_SECONDS))
            _judge_one(plugin, checks, message, descriptors, copy)
            signal.alarm(0)
    finally:
        os._exit(0)


def _judge_one(
    plugin: GraderPlugin, checks: list[Check], message: dict[str, Any], descriptors: list[int], copy: Channel
) -> None:
    with socket.socket(fileno=descriptors[0]) as dialogue, socket.socket(fileno=descriptors[1]) as control:
        plugin.facts = SubmissionFacts(**message["facts"])
        plugin.conversation = Conversation(
            Channel(dialogue, greedy=True), Channel(control, greedy=True), time.monotonic() + message["seconds"]
        )
        questions, without = set(message["questions"]), set(message["without"])
        wanted = [check for check in checks if check.question in questions and check.item.nodeid not in without]
        done: dict[str, Any] = {"done": True}
        plugin.conversation.asked = [] if message["recorded"] else None
        plugin.conversation.patience = message["patience"]
        plugin.run(wanted, lambda tests: copy.send({"tests": tests}))
        if message["rehearsal"]:
            plugin.conversation.leave()
        if message["recorded"]:
            done["asked"] = plugin.conversation.asked
        plugin.facts, plugin.conversation = SubmissionFacts(), None
    copy.send(done)
