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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from nbseal.errors import WireError
from nbseal.pytest_plugin.conversation import Conversation
from nbseal.pytest_plugin.handin import Handin
from nbseal.pytest_plugin.plugin import (
    CollectionProblem,
    GraderPlugin,
    line_of,
    marker_of,
    question_of,
    requirements_of,
)
from nbseal.wire import Channel, EndOfStream

SLACK_SECONDS = 10.0
# pytest's own parts that a hidden test has no use for: each would run before and after every test
LEFT_OUT = (
    "cacheprovider", "doctest", "junitxml", "pastebin", "stepwise", "faulthandler", "threadexception",
    "unraisableexception", "logging", "warnings", "setuponly", "setupplan", "debugging",
)  # fmt: skip
INI = Path(__file__).with_name("pytest.ini")


def main(descriptor: int) -> None:
    """Wait for the name of a grader, collect it, and serve on ``descriptor`` until the other side hangs up."""
    gc.disable()  # until everything is imported
    channel = Channel(socket.socket(fileno=descriptor))
    try:
        grader = str(channel.receive()["grader"])
    except EndOfStream:
        return
    plugin = GraderPlugin(lambda plugin, items: _serve(channel, plugin, items))
    folder = os.path.dirname(grader)
    os.chdir(folder)
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
    lanes: set[int] = set()
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel.sock, 1, 1)
        lanes = {lane for lane in lanes if os.waitpid(lane, os.WNOHANG)[0] == 0}
        if not request:
            break
        lane = os.fork()
        if lane == 0:
            channel.close()
            _serve_lane(plugin, items, Channel(socket.socket(fileno=descriptors[0])))
        lanes.add(lane)
        os.close(descriptors[0])
    for lane in lanes:
        os.kill(lane, signal.SIGKILL)
        os.waitpid(lane, 0)
    os._exit(0)  # pytest would take everything down in order


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


def _serve_lane(plugin: GraderPlugin, items: list[pytest.Item], lane: Channel) -> None:
    """In a fork: run the hidden tests of one case after the other. A hang ends by the alarm's default action."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        while True:
            message = lane.receive()
            _, descriptors, _, _ = socket.recv_fds(lane.sock, 1, 2)
            signal.alarm(int(message["seconds"] + SLACK_SECONDS))
            _judge_one(plugin, items, message, descriptors, lane)
            signal.alarm(0)
    finally:
        os._exit(0)


def _judge_one(
    plugin: GraderPlugin, items: list[pytest.Item], message: dict[str, Any], descriptors: list[int], lane: Channel
) -> None:
    with socket.socket(fileno=descriptors[0]) as job, socket.socket(fileno=descriptors[1]) as leash:
        plugin.handin = Handin(**message["handin"])
        plugin.conversation = Conversation(
            Channel(job, greedy=True), Channel(leash, greedy=True), time.monotonic() + message["seconds"]
        )
        questions = set(message["questions"])
        plugin.run([item for item in items if question_of(item) in questions], lane.send)
        plugin.handin, plugin.conversation = Handin(), None
    lane.send({"done": True})


if __name__ == "__main__":
    main(int(sys.argv[1]))
