"""Attacks on the reply channel: forged, broken, endless and enormous messages from the student's process."""

from __future__ import annotations

from tests.hostile.attack import WRONG_DOUBLE, Attack, Lost, attack

CHANNEL = """
import gc, os, socket, struct, sys, threading, time
from nbseal.wire import Channel
channels = [one for one in gc.get_objects() if type(one) is Channel and one.sock.fileno() >= 0]
"""
WRONG = {
    "double": WRONG_DOUBLE,
    "number": "answer = 41",
    "reverse": "def reverse(text):\n    return text",
    "spied": "def ask(model, rows):\n    return []",
}


def forgery(name: str, sentence: str, source: str, lost: Lost = Lost.PERHAPS) -> Attack:
    """An attack that answers everything wrongly, and forges messages in a last cell."""
    return attack(name, sentence, wrong=" ".join(WRONG), lost=lost, after=CHANNEL + source, **WRONG)


def answering(reply: str) -> str:
    """A cell that makes the process answer everything with ``reply``: as the whole answer, or as a part of it."""
    return f"""
import itertools
import nbseal.worker.answers as answers
turns = itertools.count()
def forge(self, message):
    reply = {reply}
    return {{"replies": [reply] * 9}} if next(turns) % 2 else reply
answers.Answers.answer = forge
"""


def result(index: str = "0", outputs: str = "[]", **more: str) -> str:
    """A forged result of a cell, as source text."""
    fields = {"index": index, "outputs": outputs, "execution_count": "1", "seconds": "0.1", "cpu": "0.1"} | more
    inner = ", ".join(f"{name!r}: {value}" for name, value in fields.items())
    return f"{{{inner}, 'timed_out': False}}"


ATTACKS = [
    forgery(
        "cannot_send_verdicts",
        "Verdicts on the channel are no answers.",
        """
for one in channels:
    for message in ({"done": True}, {"test": "test_doubles", "outcome": "passed", "message": ""}, {"value": True},
                    {"finished": True, "changed": {}, "score": 13}):
        one.send(message)
""",
    ),
    forgery(
        "cannot_answer_with_verdicts",
        "An answer that says that it is right is wrong.",
        answering('{"value": True, "outcome": "passed", "passed": True, "score": 4, "callable": True}'),
    ),
    *[
        forgery(f"cannot_{name}", f"{about} is not a right answer.", answering(reply))
        for name, about, reply in [
            ("answer_with_nothing", "An answer without a value", "{}"),
            ("answer_with_an_end", "The news that the process has ended", '{"ended": 0}'),
            ("answer_with_a_wrong_end", "An end that is no number", '{"ended": [[]]}'),
            ("answer_with_a_list", "A list", '["ended", "value"]'),
            (
                "answer_with_broken_errors",
                "An error of the wrong form",
                '{"raised": {"type": [], "bases": 5, "message": {}}}',
            ),
            (
                "answer_with_errors_of_every_kind",
                "An error of every kind",
                '{"raised": {"bases": ["ValueError"] * 10 ** 5}}',
            ),
            ("answer_with_a_missing_name", "A name that is missing", '{"missing": True, "near": "x" * 10 ** 6}'),
            (
                "answer_with_endless_callbacks",
                "A question in return",
                '{"callback": 0, "method": "", "args": [], "kwargs": {}}',
            ),
            ("answer_with_callbacks_to_nothing", "A call of nothing", '{"callback": [], "method": 5}'),
            ("answer_with_huge_numbers", "A huge number", '{"value": 10 ** 1200, "ended": 10 ** 1200}'),
            ("answer_with_not_a_number", "What is not a number", '{"value": float("nan")}'),
            ("answer_with_infinity", "Infinity", '{"value": float("inf")}'),
        ]
    ],
    forgery(
        "cannot_pass_by_arrays_of_lies",
        "Arrays that claim a length, and tables that don't fit together, are no answers.",
        """
import nbseal.wire.codec as codec, numpy as np
header = b"{'descr': '<U0', 'fortran_order': False, 'shape': (2000000000,)}"
codec.pack_npy = lambda array, header=header: b"\\x93NUMPY\\x01\\x00" + len(header).to_bytes(2, "little") + header
double = lambda x: np.ones(3)
answer = np.ones(3)
""",
    ),
    forgery(
        "cannot_pass_by_forged_tables",
        "Tables of enormous length are no answers.",
        """
import json, nbseal.wire.codec as codec
tree = {"d": [["value", {"p": [[0], ["abc"], 3]}]]}
import nbseal.wire.channel as channel
channel.pack = lambda message, json=json, tree=tree: (json.dumps({"v": tree, "b": []}).encode(), [])
""",
    ),
    *[
        forgery(
            f"cannot_stop_the_class_by_{name}",
            f"{about} ends this submission's run and nothing else.",
            f"""
for one in channels:
    one.send({message})
""",
        )
        for name, about, message in [
            ("a_result_of_no_cell", "A result for a cell that isn't there", result("-1000")),
            ("a_result_beyond_the_end", "A result beyond the last cell", result("10 ** 9")),
            ("a_huge_time", "A time of 10 to the 600 seconds", result("0", seconds="10 ** 600")),
            ("a_time_that_is_no_time", "A time that is no number", result("0", cpu="float('nan')", seconds="'1e999'")),
            ("outputs_that_are_no_outputs", "A list of rubbish", result("0", "[7, None, [], {'output_type': {}}]")),
            ("a_huge_count", "A huge count", result("0", execution_count="10 ** 1200")),
            ("updates_of_no_cell", "An update for a cell that isn't there", "{'finished': True, 'changed': {99: []}}"),
            ("updates_that_are_no_updates", "An update of the wrong form", "{'finished': True, 'changed': 5}"),
            ("a_message_that_is_none", "A message that is a number", "5"),
            ("a_broken_seal", "A report that the walls are broken", "{'sealing_failed': 'x' * 100}"),
        ]
    ],
    forgery(
        "cannot_forge_the_result_of_a_check",
        "A forged result for a check that has a hidden test gives no mark.",
        f"""
for one in channels:
    for index in range(-20, 20):
        data = {{"text/plain": "4.0"}}
        output = {{"output_type": "execute_result", "metadata": {{}}, "data": data, "execution_count": 1}}
        one.send({result("index", "[output]")})
    one.send({{"finished": True, "changed": {{2: [output]}}}})
""",
    ),
    *[
        forgery(
            f"cannot_stop_the_class_by_{name}",
            f"{about} on the channel ends this submission's run alone.",
            f"""
raw = socket.socket(fileno=os.dup(channels[0].sock.fileno()))
raw.setblocking(True)
raw.send({data})
time.sleep(0.1)
os._exit(0)
""",
        )
        for name, about, data in [
            ("rubbish", "Rubbish", "bytes(range(256)) * 4"),
            ("half_a_frame", "Half a frame", "struct.pack('>IQ', 1000, 0) + b'{'"),
            ("a_huge_length", "A length of 16 exabytes", "b'\\xff' * 12"),
            ("an_empty_frame", "An empty frame", "bytes(12)"),
            ("nan_in_a_frame", "NaN", "struct.pack('>IQ', 3, 0) + b'NaN'"),
            ("deep_nesting_in_a_frame", "A deeply nested frame", "struct.pack('>IQ', 90000, 0) + b'[' * 90000"),
        ]
    ],
    forgery(
        "cannot_flood_the_channel_with_results",
        "Results without end are stopped, and take no memory outside.",
        f"""
def flood():
    output = {{"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}}
    for number in range(10 ** 9):
        for one in channels:
            one.send({result("number % 5 + 7", "[output]")})
flood()
""",
    ),
    forgery(
        "cannot_flood_the_channel_with_ends",
        "News of ends without end are stopped.",
        """
import nbseal.worker.answers as answers
def flood(self):
    while True:
        self.channel.send({"waiting": True})
answers.Answers.serve = flood
""",
    ),
    forgery(
        "cannot_keep_the_channel_silent",
        "A process that never answers leaves its questions unjudged.",
        """
import nbseal.worker.answers as answers
answers.Answers.serve = lambda self: time.sleep(600)
""",
    ),
    forgery(
        "cannot_send_more_output_than_a_cell_may_have",
        "Output that didn't pass the limit inside doesn't pass outside either.",
        f"""
output = {{"output_type": "stream", "name": "stdout", "text": "y" * 20_000_000}}
for one in channels:
    one.send({result("len(In)", "[output]")})
""",
    ),
    attack(
        "cannot_answer_in_place_of_the_process",
        "A thread that steals questions and answers them itself can only answer rightly or wrongly.",
        wrong="double",
        lost=Lost.OWN_FAULT,
        double=WRONG_DOUBLE,
        after=CHANNEL
        + """
def steal():
    while True:
        for one in channels:
            try:
                message = one.receive(time.monotonic() + 0.01)
                one.send({"value": True, "waiting": True, "passed": True})
            except Exception:
                pass
threading.Thread(target=steal, daemon=True).start()
""",
    ),
    *[
        attack(
            f"cannot_{name}",
            f"{about} can't be reached through an object of the grader's.",
            wrong="spied",
            lost=Lost.PERHAPS,
            spied=f"def ask(model, rows):\n    steal = lambda name, *args: model._ask(name, args, {{}})\n{body}",
            **known,
        )
        for name, about, body, known in [
            (
                "read_the_attributes_of_a_spy",
                "What a spy keeps for itself",
                """    kept = steal("__getattribute__", "__dict__")
    steal("__setattr__", "asked", rows)
    return [sum(a * b for a, b in zip(kept["weights"], row)) for row in rows]""",
                {},
            ),
            (
                "forge_the_records_of_a_spy",
                "A forged record",
                """    answers = [steal("_answer", row) for row in rows]
    steal("__getattribute__", "asked")
    steal("__init__", type("", (), {}))
    return answers""",
                {},
            ),
            (
                "copy_a_spy",
                "A copy of all that a spy keeps",
                """    raise ValueError(steal("__reduce_ex__", 2), steal("__dir__"), steal("__repr__"))""",
                {},
            ),
            (
                "call_what_was_not_handed_out",
                "A method that begins with an underscore",
                """    raise ValueError(steal("_secret"))""",
                {},
            ),
        ]
    ],
]
