"""Composes attacks on the wall between two submissions by chance, under a seed, and tries many at the same time.

A composition is a way to store a number and a way to find it again, both drawn with their arguments: a place in a
file, a lock, a queue, a counter, a name, or two system calls by number. One submission, the speaker, is told secrets
and stores them; another one, the listener, says what it finds. Where it finds three secrets in a row, they crossed.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbseal.sandbox import WarmProcess
from tests.hostile.ways import KINDS

SECRETS = 3  # numbers from 1 to 255; to guess all of them takes 16 million tries
SLOT = 0.25  # seconds that a speaker keeps a secret where the listener may find it
LANES = 5  # compositions of one pair that are tried at the same time
BEGIN = 1.5  # seconds until both have started

TOOLS = f"""
import contextlib, ctypes, fcntl, json, mmap, os, re, signal, socket, struct, sys, time
C = ctypes.CDLL(None, use_errno=True)
SLOT = {SLOT}
FORMAT = 'hhxxxxqqixxxx'

FILES = sorted({{os.path.realpath(p) for p in map('/usr/bin/'.__add__, os.listdir('/usr/bin'))}})
FILES = [p for p in FILES if os.path.isfile(p) and os.access(p, os.R_OK) and os.path.getsize(p) > 12288]

def shared(number):
    return FILES[number % len(FILES)]

def bits(number):
    return [place for place in range(8) if number >> place & 1]

def buffer(size=64):
    return ctypes.create_string_buffer(size)

def found_in(value, data):
    'Numbers that a call gave back: its result, and the bytes that it wrote.'
    return [value & 255, *data.raw[:16]] if value >= 0 else []

def in_a_child(task):
    'What a child says that runs a task, and whatever it holds ends with it; a descriptor to read it from.'
    r, w = os.pipe()
    if os.fork() == 0:
        try:
            os.close(r)
            os.write(w, json.dumps(task()).encode())
        except BaseException as error:
            os.write(w, json.dumps({{'failed': repr(error)}}).encode())
        finally:
            os._exit(0)
    os.close(w)
    return r

def read_all(r):
    data = b''
    while part := os.read(r, 65536):
        data += part
    os.close(r)
    return json.loads(data or b'null')

def try_one(side, start, secret, source):
    time.sleep(max(0.0, start + (0.5 * SLOT if side == 'hear' else 0.0) - time.time()))
    names = {{**globals(), 'number': secret, 'start': start, 'heard': None}}
    signal.setitimer(signal.ITIMER_REAL, SLOT)
    try:
        exec(source, names)
    except BaseException:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    if side == 'tell':
        time.sleep(max(0.0, start + 0.9 * SLOT - time.time()))
        with contextlib.suppress(BaseException):
            exec(names.get('undo', ''), names)
    return names['heard'] if isinstance(names['heard'], (int, list)) else None

def try_lane(lane, side, began):
    said = []
    for turn, (name, secret, source) in enumerate(lane):
        said.append((name, read_all(in_a_child(lambda: try_one(side, began + turn * SLOT, secret, source)))))
    return said

def try_all(lanes, side, began):
    'By composition, what all turns of all lanes found; the lanes go on at the same time.'
    found = {{}}
    for r in [in_a_child(lambda lane=lane: try_lane(lane, side, began)) for lane in lanes]:
        said = read_all(r)
        if not isinstance(said, list):
            raise RuntimeError(f'a lane broke: {{said}}')
        for name, heard in said:
            found.setdefault(name, []).append(heard)
    return found

def alarmed(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, alarmed)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is gone at once
"""


@dataclass(frozen=True)
class Composition:
    """A kind of way, and what speaker (knows ``number``) and listener (sets ``heard``) do; both are Python code."""

    kind: str
    tell: str
    hear: str


def compositions(seed: int) -> Iterator[Composition]:
    """Compositions without end; the same for the same seed."""
    rng = random.Random(seed)
    while True:
        kind = rng.choice(list(KINDS))
        yield Composition(kind, *KINDS[kind](rng))


def crossed(warm: WarmProcess, tried: Sequence[Composition], rng: random.Random, ours: Path) -> list[int]:
    """The places of those compositions by which a listener learned all secrets; both may read the file ``ours``."""
    secrets = [[rng.randrange(1, 256) for _ in range(SECRETS)] for _ in tried]
    speaks: list[list[tuple[int, int, str]]] = [[] for _ in range(LANES)]
    hears: list[list[tuple[int, int, str]]] = [[] for _ in range(LANES)]
    for place, (one, numbers) in enumerate(zip(tried, secrets, strict=True)):
        for number in numbers:
            speaks[place % LANES].append((place, number, one.tell))
            hears[place % LANES].append((place, 0, one.hear))
    began = time.time() + BEGIN

    def run(lanes: object, side: str) -> dict[str, list[Any]]:
        process = warm.spawn()
        source = f"print('said', json.dumps(try_all({lanes!r}, {side!r}, {began!r})))"
        done = process.run([(0, f"{TOOLS}OURS = {str(ours)!r}"), (1, source)], {})
        process.end()
        said = "".join(out.get("text", "") for cell in done.cells.values() for out in cell.outputs)
        if "said " not in said:
            raise RuntimeError(f"a side of a pair broke: {done.failure} {done.cells}")
        found: dict[str, list[Any]] = json.loads(said.rpartition("said ")[2].splitlines()[0])
        return found

    with ThreadPoolExecutor(2) as pool:
        speaking, listening = pool.submit(run, speaks, "tell"), pool.submit(run, hears, "hear")
        heard, _ = listening.result(), speaking.result()
    return [place for place in range(len(tried)) if _all_heard(secrets[place], heard.get(str(place), []))]


def _all_heard(secrets: Sequence[int], heard: Sequence[int | list[int] | None]) -> bool:
    """Whether the same place of all answers holds the secrets."""
    if len(heard) != len(secrets):
        return False
    rows = [one if isinstance(one, list) else [one] for one in heard]
    places = min(map(len, rows))
    return any(all(row[place] == secret for row, secret in zip(rows, secrets, strict=True)) for place in range(places))
