"""Inside the walls, after the cells have run: answers the trusted side's questions with plain data."""

from __future__ import annotations

import difflib
import linecache
import os
import socket
import sys
import time
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy

from nbseal.errors import WireError
from nbseal.wire import Channel, TooLarge
from nbseal.worker import figures, tracing
from nbseal.worker.kernel.alarms import alarm
from nbseal.worker.moments import END, Moments
from nbseal.worker.relatives import RelativesEncoder
from nbseal.worker.stand_ins import revived

Message = dict[str, Any]
MAX_FILE = 64 << 20  # bytes
LOOK_UP_SECONDS = 5.0
FORK_SECONDS = 8.0  # less than the other side waits for an answer


class CallTimeout(BaseException):
    """The student's function took longer than the question allows."""


class Answers:
    """Serves ``get``, ``call`` and ``file`` requests on the student's names, each question in a fork of its own.

    What a question asks for is looked up in its moment; what is missing there, or still a stub, at the notebook's end.
    """

    def __init__(self, channel: Channel, moments: Moments) -> None:
        self.channel = channel
        self.moments = moments
        self._there: str | None = None  # whose moment was put back in this process
        self._stubs: set[tuple[str, str]] = set()  # functions, by question, that were finished below its check

    def serve(self) -> None:
        """Answer until the other side hangs up.

        Values are handed out by this process; a call, which is told hidden inputs, is made in a fork that ends with
        its question.
        """
        while True:
            message = self.channel.receive()
            if message.get("do") != "fork":
                self._reply(self.answer(message))
                continue
            pid = self._fork()
            if pid is None:
                self.channel.send({"no_fork": True})
                continue
            if pid == 0:
                self._serve_question(message["first"])
            _, status = os.waitpid(pid, 0)
            self.channel.send({"ended": os.waitstatus_to_exitcode(status)})

    def _serve_question(self, message: Message) -> None:
        """Answer one question's requests, the first of which is ``message``, in a process of its own; then leave it."""
        try:
            while message.get("do") != "end":
                self._reply(self.answer(message))
                message = self.channel.receive()
        except WireError:
            pass
        finally:
            os._exit(0)

    def _fork(self) -> int | None:
        """Fork; where there may be no more processes, wait for some to end: they may be another submission's."""
        until = time.monotonic() + FORK_SECONDS
        said = False
        while True:
            try:
                return os.fork()
            except OSError:
                if time.monotonic() > until:
                    return None
            if not said:
                self.channel.send({"waiting": True})
                said = True
            time.sleep(0.02)

    def _reply(self, answer: Message) -> None:
        """Send an answer, or say that it is too large to be sent."""
        try:
            self.channel.send(answer)
        except (TooLarge, MemoryError):
            del answer
            self.channel.send({"too_large": True})

    def answer(self, message: Message) -> Message:
        """Answer one request, or several calls of one function."""
        if message["do"] == "calls":
            return self._calls(message)
        return self._in_time(message)

    def _calls(self, message: Message) -> Message:
        """Answer one call after the other; after one that took too long, no more."""
        replies: list[Message] = []
        for case in message["cases"]:
            replies.append(self._in_time({**message, "do": "call", "args": case, "kwargs": {}}))
            if "timeout" in replies[-1]:
                break
        return {"replies": replies}

    def _in_time(self, message: Message) -> Message:
        """Answer one request; looking a value up may run the student's code too, so that is bounded as well."""
        try:
            with alarm(message.get("timeout", LOOK_UP_SECONDS), message.get("wait", LOOK_UP_SECONDS), _too_late):
                match message["do"]:
                    case "get":
                        return self._get(message["name"], message.get("question", END))
                    case "call":
                        return self._call(message, message.get("question", END))
                    case "file":
                        return self._file(message["name"])
        except CallTimeout:
            return {"timeout": True}
        except BaseException as error:  # sys.exit and friends included: the student's code, the student's error
            return {"raised": describe_error(error)}
        return {"unknown": True}

    def _get(self, name: str, question: str) -> Message:
        found, value = _look_up(self.moments.names_at(question), name)
        if not found or value is None or value is ...:
            later, other = _look_up(self.moments.names_at(END), name)
            if later and question != END:
                return {"value": other, "callable": callable(other), "from_end": True}
        return {"value": value, "callable": callable(value)} if found else self._missing(name)

    def _missing(self, name: str) -> Message:
        names = [one for one in self.moments.names_at(END) if not one.startswith("_")]
        return {"missing": True, "near": difflib.get_close_matches(name, names, n=5, cutoff=0.75)}

    def _call(self, message: Message, question: str) -> Message:
        """Call a function as it was at the question's moment; one that was a stub then as it is at the end."""
        name = message["function"]
        now, function = _look_up(self.moments.names_at(question), name)
        later, other = _look_up(self.moments.names_at(END), name)
        if not now and not later:
            return self._missing(name)
        changed = later and other is not function and question != END
        if not now or (changed and (not callable(function) or (question, name) in self._stubs)):
            return {**self._call_at(END, other, message), "from_end": True}
        try:
            return self._call_at(question, function, message)
        except NotImplementedError:
            if not changed:
                raise
            self._stubs.add((question, name))  # its globals are those of the end from now on, and keep what calls do
        return {**self._call_at(END, other, message), "from_end": True}

    def _call_at(self, moment: str, function: Any, message: Message) -> Message:
        """Call a function where its global names are those of a moment."""
        if not callable(function):
            return {"not_callable": True, "value": function}
        if self._there != moment:
            self.moments.put_back(moment)
            self._there = moment
        arguments = [revived(self.channel, value) for value in message["args"]]
        keywords = {name: revived(self.channel, value) for name, value in message["kwargs"].items()}
        if message.get("draws"):
            axes = figures.new_axes()
            function(axes, *arguments, **keywords)
            return {"value": None, "drawn": figures.contents(axes)}
        if message.get("traced"):
            return tracing.traced(function, arguments)
        answer = {"value": function(*arguments, **keywords)}
        return {**answer, "arguments": arguments} if message.get("show_arguments") else answer

    def _file(self, name: str) -> Message:
        path = Path(name)
        if not path.is_file() or path.is_symlink():
            return {"missing": True, "near": []}
        if path.stat().st_size > MAX_FILE:
            return {"too_large": True}
        return {"value": path.read_bytes()}


def _look_up(names: dict[str, Any], path: str) -> tuple[bool, Any]:
    """Whether there is something under a dotted name, and what it is."""
    first, *rest = path.split(".")
    if first not in names:
        return False, None
    value = names[first]
    for part in rest:
        if not hasattr(value, part):
            return False, None
        value = getattr(value, part)
    return True, value


def rehearse() -> None:
    """Answer a few requests before the first fork: Python runs code faster that it has run before."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        asking, answering = Channel(ours, greedy=True), Channel(theirs, greedy=True, encoder=RelativesEncoder)
        names = {"same": lambda value: value, "numbers": [1.0, 2], "pairs": [(0, 1)], "array": numpy.ones(2), "t": ""}
        moments = Moments(names)
        for number in range(20):
            names["t"] = str(number)
            moments.take(str(number))
        answers = Answers(answering, moments)
        call = {"do": "call", "function": "same", "kwargs": {}, "timeout": 2.0}
        vectors = [numpy.ones(count, kind) for count in range(1, 9) for kind in (float, int)]
        for value in [*([1.0, 2], "text", numpy.float64(1), (1, None)) * 5, *vectors]:
            for request in ({**call, "args": [value]}, {"do": "get", "name": "numbers"}):
                asking.send(request)
                answering.send(answers.answer(answering.receive()))
                asking.receive()


def _too_late(signum: int, frame: FrameType | None) -> None:
    raise CallTimeout


def describe_error(error: BaseException) -> Message:
    """Type, base classes, message and the last line of student code of the exception that is being handled."""
    try:
        return _description(error, sys.exc_info()[2])
    except BaseException:  # the student's own exception class may refuse to be looked at
        return {"type": "BaseException", "bases": ["BaseException"], "message": "", "line": None}


def _description(error: BaseException, trace: TracebackType | None) -> Message:
    try:
        text = str(error)[:500]
    except BaseException:  # or to be printed
        text = ""
    own = None
    for frame, number in traceback.walk_tb(trace):
        if "ipykernel_" in frame.f_code.co_filename:
            own = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
    return {
        "type": type(error).__name__,
        "bases": [base.__name__ for base in type(error).__mro__],
        "message": text,
        "line": own,
    }
