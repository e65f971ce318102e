"""How long a conversation with a sealed process may take, whatever that process does meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from nbseal.errors import SealBroken, WireError
from nbseal.hidden_tests.conversation import GRACE_SECONDS, Conversation, Timeout
from nbseal.wire import Channel
from nbseal.wire.channel import frame

CALL = {"do": "call", "function": "f", "args": [], "kwargs": {}}
SECONDS = 0.2


@contextmanager
def conversation(answer: Callable[[Channel], object]) -> Iterator[Conversation]:
    """A conversation in which the student's side does ``answer`` again and again."""
    (ours, theirs), (control, end_of_control) = socket.socketpair(), socket.socketpair()

    def go_on() -> None:
        with suppress(WireError, OSError):
            while True:
                answer(Channel(theirs))

    student = threading.Thread(target=go_on)
    student.start()
    with end_of_control, control, theirs:
        try:
            yield Conversation(Channel(ours, greedy=True), Channel(control), time.monotonic() + 60)
        finally:
            ours.close()
            student.join()


def call_back(channel: Channel) -> None:
    """Take one message and answer it by a call of the grader's object."""
    channel.receive()
    channel.send({"callback": 0, "method": "", "args": [], "kwargs": {}})


def test_a_function_that_calls_back_for_ever_is_late() -> None:
    """Calls of the grader's object don't put off the time that the student's function has."""
    with conversation(call_back) as asked:
        before = time.monotonic()
        with pytest.raises(Timeout):
            asked.ask(CALL, SECONDS, {0: lambda: None})
        assert time.monotonic() - before < SECONDS + 3 * GRACE_SECONDS


def test_the_time_of_the_graders_own_object_is_not_the_students() -> None:
    """What the grader's object takes to answer a call is added to the time that the student's function has."""
    slow = SECONDS + GRACE_SECONDS + 0.2
    answers = iter([{"callback": 0, "method": "", "args": [], "kwargs": {}}, {"value": 5}])

    def answer(channel: Channel) -> None:
        channel.receive()
        channel.send(next(answers))

    with conversation(answer) as asked:
        assert asked.ask(CALL, SECONDS, {0: lambda: time.sleep(slow)}) == {"value": 5}


def test_messages_without_end_do_not_hold_up_the_next_question() -> None:
    """A fork that is to end and sends something else for ever is given up in time."""
    many = frame({"value": 1}) * 500  # so that the next one always waits
    with conversation(lambda channel: channel.sock.sendall(many)) as asked:
        asked.enter("first", calling=True)
        asked.ask(CALL, SECONDS)
        before = time.monotonic()
        asked.leave()
        assert time.monotonic() - before < 4 * GRACE_SECONDS
        with pytest.raises(SealBroken, match="could not be stopped in time"):
            asked.ask(CALL, SECONDS)
