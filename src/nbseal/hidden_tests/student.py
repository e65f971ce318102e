"""The ``student`` fixture: a submission as a hidden grader sees it, by values only."""

from __future__ import annotations

import copy
import hashlib
import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbseal.checks import as_array, as_number, describe
from nbseal.errors import STUB, SealBroken, StudentError, StudentFunctionError, WireError
from nbseal.hidden_tests.case import SubmissionFacts
from nbseal.hidden_tests.conversation import ANSWER_SECONDS, Conversation, Remote, Timeout, export
from nbseal.hidden_tests.drawing import Drawing, read_drawing
from nbseal.wire import Opaque, Reference
from nbseal.wire.codec import pack
from nbseal.wire.npy import parse_npy

WAITING = 2  # a call may take this many times its processor time: marks must not hang on how busy the machine is
MEASURES = 20  # numbers that one test may put down
CALLS = ("call", "calls")
NOT_SHOWN = "What it says isn't shown here: it may hold what the hidden check gave to your function."


@dataclass(frozen=True)
class Trace:
    """What a watched call returned, how many steps Python's interpreter took, and ``module.function`` of all it ran."""

    value: Any
    steps: int
    calls: frozenset[str]


class Student:
    """One submission, for one hidden test. Every method raises StudentError with a sentence for the student."""

    def __init__(self, facts: SubmissionFacts, conversation: Conversation | None, question: str, test: str) -> None:
        self._facts = facts
        self._conversation = conversation
        self._question = question
        self._test = test
        self.measured: dict[str, float] = {}
        self.notes: list[str] = []  # for the instructor
        self.earned = 0.0  # share of the test's weight that is given even if it fails

    @cached_property
    def rng(self) -> np.random.Generator:
        """Random numbers of this submission and test: the same at every regrade, unknown to the student."""
        digest = hashlib.sha256(self._facts.seed + self._test.encode()).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))

    def value(self, name: str) -> Any:
        """Plain data (numbers, texts, lists, dicts, arrays, tables) that the notebook left under ``name``."""
        value = self._raw(name)
        if isinstance(value, (Opaque, Reference)):
            raise StudentError(f"`{name}` should be plain data, but it is {describe(value)}.")
        return value

    def number(self, name: str) -> float | int:
        """One finite real number."""
        return as_number(self._raw(name), f"`{name}`")

    def array(self, name: str, shape: tuple[int | None, ...] | None = None, dtype: str | None = None) -> NDArray[Any]:
        """An array of finite numbers; ``shape`` may hold None, ``dtype`` is float (default), int, bool or str."""
        return as_array(self._raw(name), f"`{name}`", shape, dtype)

    def frame(self, name: str) -> Any:
        """A pandas DataFrame."""
        value = self._raw(name)
        if type(value).__name__ != "DataFrame":
            raise StudentError(f"`{name}` should be a table (a pandas DataFrame), but it is {describe(value)}.")
        return value

    def call(self, function: str, *args: Any, timeout: float = 2.0, **kwargs: Any) -> Any:
        """Call a function of the notebook in the sealed process.

        ``timeout`` is in seconds of processor time; a call that waits may take twice as long on the clock. A function
        that returns what `remote` handed out, or what that handed out in turn, returns the grader's own object.
        """
        callbacks: dict[int, Any] = {}
        wait = WAITING * timeout
        request = {
            "do": "call",
            "function": function,
            "args": [export(value, callbacks) for value in args],
            "kwargs": {key: export(value, callbacks) for key, value in kwargs.items()},
            "timeout": timeout,
            "wait": wait,
        }
        try:
            reply = self._ask(request, wait, callbacks)
        except Timeout:
            reply = {"timeout": True}
        return _own(self._returned(function, reply, timeout), callbacks)

    def calls(self, function: str, cases: Iterable[Sequence[Any]], timeout: float = 2.0) -> Iterator[Any]:
        """Call a function with each case's arguments, which is quicker than one call after the other.

        The results come in the order of ``cases``; a call that failed raises when its turn comes. ``timeout`` is in
        seconds for each call, as in `call`, and nothing is called after one that took longer.
        """
        for reply in self._replies(function, cases, timeout):
            yield self._returned(function, reply, timeout)

    def _replies(self, function: str, cases: Iterable[Sequence[Any]], timeout: float) -> list[dict[str, Any]]:
        """What each case's call came to; a call that wasn't made because of a slow one before it is late, too."""
        cases = [list(case) for case in cases]
        wait = WAITING * timeout
        request = {"do": "calls", "function": function, "cases": cases, "timeout": timeout, "wait": wait}
        try:
            reply = self._ask(request, wait * len(cases))
        except Timeout:
            reply = {"timeout": True}
        found = reply.get("replies")
        replies = [one if isinstance(one, dict) else {} for one in (found if isinstance(found, list) else [reply])]
        return (replies + [{"timeout": True}] * len(cases))[: len(cases)]

    def _returned(self, function: str, reply: dict[str, Any], timeout: float) -> Any:
        if reply.get("timeout"):
            raise StudentError(f"`{function}` did not return within {timeout:g} seconds.")
        self._must_exist(reply, function)
        if reply.get("not_callable"):
            raise StudentError(f"`{function}` should be a function, but it is {describe(reply.get('value'))}.")
        if "raised" in reply:
            raise self._function_error(function, reply["raised"])
        return reply.get("value")

    def raises(self, function: str, *args: Any, error: str = "ValueError", timeout: float = 2.0, **kwargs: Any) -> None:
        """Demand that the call raises ``error`` (the name of an exception class) or a subclass of it."""
        self._must_raise(function, error, partial(self.call, function, *args, timeout=timeout, **kwargs))

    def leaves_alone(self, function: str, *args: Any, timeout: float = 2.0) -> Any:
        """Demand that a call changes none of its arguments; return what it returns, as `call` does."""
        callbacks: dict[int, Any] = {}
        given = [export(value, callbacks) for value in args]
        reply = self._reply(function, given, timeout, callbacks, show_arguments=True)
        value, after = _own(self._returned(function, reply, timeout), callbacks), reply.get("arguments")
        after = after if isinstance(after, list) else []
        changed = [n for n, (old, new) in enumerate(zip_longest(given, after), 1) if pack(old) != pack(new)]
        if changed:
            which = f"argument {changed[0]}" if len(args) > 1 else "argument"
            raise StudentError(f"`{function}` changed its {which}. Work on a copy instead.")
        return value

    def drawing(self, function: str, *args: Any, timeout: float = 2.0) -> Drawing:
        """Call a function that draws on matplotlib's axes, which it is given before ``args``; return what is there."""
        reply = self._reply(function, args, timeout, draws=True)
        self._returned(function, reply, timeout)
        return read_drawing(reply.get("drawn"), function)

    def traced(self, function: str, *args: Any, timeout: float = 2.0) -> Trace:
        """Call a function and watch it: a loop in Python takes more steps for more data, and libraries are named."""
        reply = self._reply(function, args, timeout, traced=True)
        value, steps, calls = self._returned(function, reply, timeout), reply.get("steps"), reply.get("calls")
        called = calls if isinstance(calls, list) else []
        return Trace(value, steps if type(steps) is int else 0, frozenset(map(str, called)))

    def _reply(
        self,
        function: str,
        args: Sequence[Any],
        timeout: float,
        callbacks: dict[int, Any] | None = None,
        **options: bool,
    ) -> dict[str, Any]:
        """What a call with plain arguments came to, with what ``options`` ask for besides."""
        request = {"do": "call", "function": function, "args": list(args), "kwargs": {}, "timeout": timeout, **options}
        try:
            reply: dict[str, Any] = self._ask({**request, "wait": WAITING * timeout}, WAITING * timeout, callbacks)
        except Timeout:
            return {"timeout": True}
        return reply

    def all_raise(
        self, function: str, cases: Iterable[Sequence[Any]], error: str = "ValueError", timeout: float = 2.0
    ) -> None:
        """Demand of every case's call what ``raises`` demands of one, as quickly as ``calls``."""
        for reply in self._replies(function, cases, timeout):
            self._must_raise(function, error, partial(self._returned, function, reply, timeout))

    def _must_raise(self, function: str, error: str, call: Callable[[], Any]) -> None:
        try:
            value = call()
        except StudentFunctionError as raised:
            if error in raised.error_bases:
                return
            sentence = f"`{function}` should raise {error} here, but it raised {raised.error_type}."
            raise StudentError(sentence, unwritten=raised.unwritten) from None
        raise StudentError(f"`{function}` should raise {error} here, but it returned {describe(value)}.")

    def remote(self, target: Any) -> Remote:
        """Let student code use an object of the grader: calls are carried out here, so they can't be forged."""
        return Remote(target)

    def file(self, name: str) -> bytes:
        """Bytes of a file: as submitted, or else as the notebook left it."""
        if name in self._facts.files:
            return self._facts.files[name]
        reply = self._ask({"do": "file", "name": name}, ANSWER_SECONDS)
        data = reply.get("value")
        if not isinstance(data, bytes):
            raise StudentError(f"The file `{name}` is missing: submit it together with the notebook.")
        return data

    def npz(self, name: str) -> dict[str, NDArray[Any]]:
        """Arrays of an ``.npz`` file, read without pickle and without believing any length it claims."""
        return read_npz(self.file(name), name)

    def source(self, grade_id: str) -> str:
        """The student's source of a cell."""
        return self._facts.sources.get(grade_id, "")

    def outputs(self, grade_id: str) -> list[dict[str, Any]]:
        """What a cell put out when it was run for grading (nbformat outputs)."""
        return list(self._facts.outputs.get(grade_id, []))

    def measure(self, name: str, value: Any) -> None:
        """Put down a number for the instructor's report; what isn't finite, or is one too many, is left out.

        The student doesn't see it. Call it before an assertion that may fail.
        """
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return
        if math.isfinite(number) and (name in self.measured or len(self.measured) < MEASURES):
            self.measured[str(name)] = number

    def credit(self, share: float) -> None:
        """Give this share of the test's weight, from 0 to 1, even if the test fails; a test that passes earns all."""
        self.earned = min(max(float(share), 0.0), 1.0)

    def _function_error(self, function: str, raised: Any) -> StudentFunctionError:
        """What a function raised, in words that hold nothing which it was given."""
        raised = raised if isinstance(raised, dict) else {}
        words, said = self._facts.words, str(raised.get("message", ""))
        bases = [str(base) for base in raised.get("bases") or []]
        kind = words.kind(raised.get("type"), bases)
        own = self._conversation.own_words if self._conversation else ()
        text, line = words.message(said, own), words.line(raised.get("line"))
        where = f" (in the line `{line}`)" if line else ""
        if kind == STUB:
            sentence = f"`{function}` is not written yet: it raised NotImplementedError."
        elif said and not text:
            sentence = f"`{function}` raised {kind}{where}. {NOT_SHOWN}"
        else:
            sentence = f"`{function}` raised {kind}{f': {text}' if text else ''}{where}."
        return StudentFunctionError(sentence, kind, bases, said)

    def _raw(self, name: str) -> Any:
        """What a name stood for behind the question's check cell; at the notebook's end, if it was missing there."""
        if self._conversation is not None:
            self._conversation.note({"do": "get", "name": name, "question": self._question})
        fixed, at_the_end = self._facts.values.get(self._question, {}), self._facts.values[""]
        if fixed.get(name) is not None:
            return copy.deepcopy(fixed[name])
        if not self._can_be_asked() and name in at_the_end:
            self._note_end(name)
            return copy.deepcopy(at_the_end[name])
        reply = self._ask({"do": "get", "name": name}, ANSWER_SECONDS)
        self._must_exist(reply, name)
        return reply.get("value")

    def _can_be_asked(self) -> bool:
        """Whether there is a process that came as far as the question."""
        return self._conversation is not None and self._facts.was_reached(self._question)

    def _note_end(self, name: str) -> None:
        """Tell the instructor that an answer was finished below its check cell."""
        note = (
            f"{self._question}: `{name}` is taken from the notebook's end, for it isn't there at the question's check"
        )
        if note not in self.notes:
            self.notes.append(note)

    def _ask(self, request: dict[str, Any], seconds: float, callbacks: dict[int, Any] | None = None) -> Any:
        if self._conversation is None or not self._can_be_asked():
            raise SealBroken(self._facts.failure or "there is no process to ask")
        request["question"] = self._question
        try:
            if request["do"] == "get":
                reply = self._conversation.value_of(self._question, request["name"])
            elif request["do"] == "file":
                reply = self._conversation.file(request["name"])
            else:
                self._conversation.enter(self._question, calling=request["do"] in CALLS)
                reply = self._conversation.ask(request, seconds, callbacks)
        except Timeout:
            if request["do"] in CALLS:
                raise
            raise SealBroken("the student's process did not answer in time") from None
        except SealBroken as error:
            raise SealBroken(self._facts.failure or str(error)) from error
        for one in reply["replies"] if isinstance(reply.get("replies"), list) else [reply]:
            if isinstance(one, dict) and one.get("from_end"):
                self._note_end(request.get("function") or request.get("name", ""))
        if reply.get("too_large"):
            what = f"What `{request['function']}` returns" if request["do"] in CALLS else f"`{request['name']}`"
            raise StudentError(f"{what} is too large to be checked.")
        if request["do"] not in CALLS and ("raised" in reply or "timeout" in reply):
            raise StudentError(f"`{request['name']}` can't be read: reading it runs code that fails.")
        return reply

    def _must_exist(self, reply: dict[str, Any], name: str) -> None:
        if not reply.get("missing"):
            return
        error = self._why_missing()
        _, over, limit = error.partition(": this cell ")  # the sandbox's own sentence about the time limit
        stopped = (
            f"The cell that should define it {limit}."
            if over
            else f"The cell that should define it stopped with {error}"
        )
        why = f" {stopped}" if error else self._guess(reply.get("near"))
        raise StudentError(f"`{name}` is not defined.{why}", unwritten=error.partition(":")[0] == STUB)

    def _guess(self, near: Any) -> str:
        """The nearest name that the question's own answer has: another question's would lead astray."""
        own = [text for grade_id, text in self._facts.sources.items() if grade_id.startswith(f"{self._question}-")]
        for name in near if isinstance(near, list) else []:
            if isinstance(name, str) and name.isidentifier() and re.search(rf"\b{name}\b", "\n".join(own)):
                return f" Did you mean `{name}`?"
        return ""

    def _why_missing(self) -> str:
        """The error with which the question's answer cell stopped; "" if it didn't."""
        for grade_id, error in self._facts.errors.items():
            if grade_id.startswith(f"{self._question}-"):
                return error
        return ""


def _own(value: Any, callbacks: dict[int, Any]) -> Any:
    """The grader's own object where a function returned a stand-in for it."""
    return callbacks.get(value.number, value) if isinstance(value, Reference) else value


MAX_MEMBERS = 200
MAX_BYTES = 128 << 20
KINDS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # what np.savez and np.savez_compressed write


def read_npz(data: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz``; StudentError for pickles, bombs and broken archives."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise StudentError(f"`{name}` holds {len(members)} arrays; at most {MAX_MEMBERS} are read.")
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise StudentError(f"`{name}` unpacks to more than {MAX_BYTES >> 20} MiB.")
            if any(member.compress_type not in KINDS for member in members):
                raise zipfile.BadZipFile  # a dictionary of lzma's can ask for gigabytes
            return _read_members(archive, members, name)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
        LookupError,
        OverflowError,
        struct.error,
    ) as error:
        raise StudentError(f"`{name}` can't be read as a file written by np.savez ({type(error).__name__}).") from None


def _read_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for member in members:
        with archive.open(member) as file:
            raw = file.read(member.file_size)  # unpacks no more than the directory says, which is within the limit
        key = member.filename.removesuffix(".npy")
        try:
            arrays[key] = parse_npy(raw)
        except WireError as error:
            raise StudentError(
                f"`{name}` holds something under {key!r} that is not a plain array of numbers: {error}."
            ) from None
    return arrays
