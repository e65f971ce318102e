"""Asks a sealed process for values, one question's fork at a time, and survives whatever it answers."""

from __future__ import annotations

import copy
import dis
import sysconfig
import time
from collections.abc import Callable, Iterable
from typing import Any

from nbseal.errors import SealBroken, WireError
from nbseal.wire import Channel, Late, Reference, check_time

Message = dict[str, Any]
ANSWER_SECONDS = 10.0
GRACE_SECONDS = 1.5
TIME_IS_UP = "the time for the hidden tests of this notebook is used up"
OWN_WORDS_KEPT = 20
MAX_KNOWN = 100
KNOWN_NAMES: dict[tuple[str, str], None] = {}  # questions and names that tests have asked of earlier submissions
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
CALLBACK_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    ZeroDivisionError,
)


class Timeout(Exception):
    """The student's code did not answer in time; its fork is gone."""


class Conversation:
    """Requests and replies over the dialogue channel; ``control`` ends a fork that doesn't answer."""

    def __init__(self, dialogue: Channel, control: Channel, deadline: float) -> None:
        self._dialogue = dialogue
        self._control = control
        self._deadline = deadline
        self._question: str | None = None
        self._forked = False
        self._broken: str | None = None
        self._called = False
        self._values: dict[tuple[str, str], Message] = {}
        self._files: dict[str, Message] = {}
        self._foreseen: tuple[list[tuple[str, str]], list[str]] = [], []
        self._not_noted: set[tuple[str, str]] = set()  # values that no test has asked for yet
        self.own_words: list[str] = []  # what the grader's objects have said of the last call
        self.asked: list[Message] | None = None  # requests, where somebody wants to know them
        self.patience: float | None = None  # seconds of processor time that any call may take at most

    def note(self, request: Message) -> None:
        """Keep a request for who wants to know what was asked."""
        if self.asked is not None:
            self.asked.append(request)

    def enter(self, question: str, calling: bool) -> None:
        """Make sure that what ``question`` calls is called in a fork of its own, which the first call makes.

        Other questions' forks end.
        """
        if self._question == question:
            return
        self.leave()
        if not calling:
            return
        if not self._called:  # what a call is told must not come back as a value, or in a file
            self._fetch_foreseen()
            for known in KNOWN_NAMES.keys() - self._values.keys():
                self._fetch(*known)
        self._called = True
        self._question = question

    def foresee(self, names: Iterable[tuple[str, str]], files: Iterable[str]) -> None:
        """Say what will be asked for: names, each with its question, and files. It is fetched before the first call."""
        self._foreseen = sorted(set(names)), sorted(set(files))

    def _fetch_foreseen(self) -> None:
        asked, self.asked = self.asked, None
        try:
            for known in self._foreseen[0]:
                if known in self._values:
                    continue
                try:
                    self._fetch(*known)
                except SealBroken:
                    if self._broken:
                        raise
                    self._values[known] = {"timeout": True}
                self._not_noted.add(known)
            for name in self._foreseen[1]:
                if name not in self._files:
                    self._files[name] = self._file(name)
        finally:
            self.asked = asked

    def _file(self, name: str) -> Message:
        try:
            return self.ask({"do": "file", "name": name}, ANSWER_SECONDS)
        except Timeout:
            raise SealBroken("the student's process did not answer in time") from None

    def file(self, name: str) -> Message:
        """What the notebook's own process, which has not been called, says of a file."""
        if name not in self._files:
            self.leave()
            self._files[name] = self._file(name)
        return self._files[name]

    def leave(self) -> None:
        """Let the current fork end, and wait for word of its end."""
        if self._question is None or self._broken is not None:
            return
        forked = self._forked
        self._forget_fork()
        if not forked:
            return
        try:
            self._dialogue.send({"do": "end"}, time.monotonic() + GRACE_SECONDS)
            self._await_end(time.monotonic() + GRACE_SECONDS)
        except Late:
            self._end_fork()
        except (WireError, TypeError) as error:
            self._broken = f"the student's process no longer answers properly ({error})"

    def value_of(self, question: str, name: str) -> Message:
        """What the notebook's own process, which has not been called, says of a name at a question's moment."""
        if (question, name) not in self._values:
            self.leave()
            self._fetch(question, name)
        elif (question, name) in self._not_noted:
            self.note({"do": "get", "name": name, "question": question})
        self._not_noted.discard((question, name))
        if len(KNOWN_NAMES) < MAX_KNOWN and name.isidentifier():  # a part of an object may be made when it's looked at
            KNOWN_NAMES[question, name] = None
        return copy.deepcopy(self._values[question, name])

    def _fetch(self, question: str, name: str) -> None:
        try:
            self._values[question, name] = self.ask({"do": "get", "name": name, "question": question}, ANSWER_SECONDS)
        except Timeout:
            raise SealBroken("the student's process did not answer in time") from None

    def ask(self, request: Message, seconds: float, callbacks: dict[int, Any] | None = None) -> Message:
        """Send one request to the current fork; Timeout or SealBroken when no proper answer comes."""
        self.own_words = []
        self.note(request)
        if self.patience is not None and "timeout" in request:
            request = {**request, "timeout": min(request["timeout"], self.patience)}
        if self._question is not None and not self._forked:
            request, self._forked = {"do": "fork", "first": request}, True
        limit = time.monotonic() + seconds + GRACE_SECONDS
        reply = self._exchange(request, seconds + GRACE_SECONDS)
        if "waiting" in reply:  # for a process that it may fork
            limit += ANSWER_SECONDS
            reply = self._exchange(None, limit - time.monotonic())
        while "callback" in reply:
            began = time.monotonic()
            answer = self._call_back(reply, callbacks or {})
            limit += time.monotonic() - began  # the grader's own object took it
            reply = self._exchange(answer, limit - time.monotonic())
        if "no_fork" in reply:
            self._forget_fork()
            raise SealBroken("the student's process can't start another process: it has used up its limits")
        if "ended" in reply:
            self._forget_fork()
            raise SealBroken(f"the student's process ended while it was asked ({_code(reply['ended'])})")
        return reply

    def _call_back(self, request: Message, callbacks: dict[int, Any]) -> Message:
        """Carry out a call that student code made on one of the grader's objects."""
        try:
            target = callbacks[request["callback"]]
            method = request["method"]
            if method and method not in handed_out(target):
                raise AttributeError("this method was not handed out")
            function: Callable[..., Any] = getattr(target, method) if method else target
            return {"value": export(function(*request["args"], **request["kwargs"]), callbacks)}
        except CALLBACK_ERRORS as error:
            if _in_own_words(error):
                self.own_words = [*self.own_words[1 - OWN_WORDS_KEPT :], str(error)]
            return {"error": str(error), "type": type(error).__name__}

    def _exchange(self, request: Message | None, seconds: float) -> Message:
        """Send ``request``, if there is one, and return what comes next."""
        if self._broken:
            raise SealBroken(self._broken)
        now = time.monotonic()
        if now > self._deadline:
            self._broken = TIME_IS_UP
            raise SealBroken(self._broken)
        try:
            check_time(now + seconds)  # also where something waits already: it may be one callback after the other
            if request is not None:
                self._dialogue.send(request, now + seconds)
            reply = self._dialogue.receive(min(now + seconds, self._deadline + GRACE_SECONDS))
        except Late:
            self._end_fork()
            if time.monotonic() > self._deadline:  # not this call's doing alone
                self._broken = TIME_IS_UP
                raise SealBroken(self._broken) from None
            raise Timeout from None
        except WireError as error:
            self._broken = f"the student's process no longer answers properly ({error})"
            raise SealBroken(self._broken) from error
        if not isinstance(reply, dict):
            self._broken = "the student's process sent something that is not an answer"
            raise SealBroken(self._broken)
        return reply

    def _end_fork(self) -> None:
        """Have the supervisor end a fork that ignores everything else, and wait for word of its end."""
        self._forget_fork()
        until = time.monotonic() + GRACE_SECONDS
        try:
            self._control.send({"do": "end_question"}, until)
            self._await_end(until)
        except (WireError, TypeError) as error:
            self._broken = f"the student's process could not be stopped in time ({error})"

    def _forget_fork(self) -> None:
        self._question, self._forked = None, False

    def _await_end(self, until: float) -> None:
        while "ended" not in self._dialogue.receive(until):
            check_time(until)


def _in_own_words(error: BaseException) -> bool:
    """Whether somebody has written down this error's text: its ``raise`` stands in no library."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    raised = code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raised and not code.co_filename.startswith(LIBRARIES)


class Remote:
    """Marks an object of the grader that student code may use from afar."""

    def __init__(self, target: Any) -> None:
        self.target = target


def export(value: Any, callbacks: dict[int, Any]) -> Any:
    """Replace a Remote by a reference that the sealed side can call."""
    if not isinstance(value, Remote):
        return value
    number = len(callbacks)
    callbacks[number] = value.target
    return Reference(number, handed_out(value.target), callable(value.target))


def handed_out(target: Any) -> tuple[str, ...]:
    """Names of the methods that student code may call: any other would open the grader's memory to it.

    Those by which scikit-learn asks estimators about themselves, such as ``__sklearn_clone__``, are among them.
    """
    names = (name for name in dir(target) if not name.startswith("_") or name.startswith("__sklearn_"))
    return tuple(name for name in names if callable(getattr(target, name)))


def _code(code: Any) -> str:
    return f"signal {-code}" if isinstance(code, int) and code < 0 else f"exit code {code}"
