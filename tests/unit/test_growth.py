"""What strangers wrote costs a time that grows with its length and no faster, whatever it is."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nbseal.errors import SubmissionError, WireError
from nbseal.grading.submission import read_folder
from nbseal.notebook.matching import code_in, match
from nbseal.notebook.outputs import safe_name, safe_outputs
from nbseal.notebook.rendering import rendered
from nbseal.notebook.sanitising import GROWTH, GROWTH_FREE, is_harmless, sanitise_html, sanitise_svg, sanitise_text
from nbseal.wire.codec import unpack
from nbseal.wire.npy import pack_npy
from tests.mini import code

MOST_TIMES = 2.5  # at twice the length
NOTICED = 0.25  # seconds of processor time; what costs less at its worst keeps nobody waiting
LONGEST = 1 << 18  # bytes
MANY = 4000  # keys whose hashes are the same
ATTEMPTS = 3


@pytest.fixture(autouse=True)
def without_collections() -> Iterator[None]:
    """Garbage of other tests is not collected at this one's cost."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def costs(reader: Callable[[str], object], text: str) -> float:
    """Seconds of this thread's processor time, at best of three, that reading takes or refusing."""
    best = 99.0
    for _ in range(3):
        started = time.thread_time()
        try:
            reader(text)
        except (WireError, SubmissionError, RecursionError):
            pass
        best = min(best, time.thread_time() - started)
        if best < NOTICED:
            break
    return best


def assert_linear(reader: Callable[[str], object], made: Callable[[int], str], start: int = 500) -> None:
    """Double what is read until it takes long; the last step must not have taken much more than twice as long."""
    number, before = start, 0.0
    while len(text := made(number)) <= LONGEST:
        now = costs(reader, text)
        for _ in range(ATTEMPTS):  # a busy machine makes single measurements longer
            if now < NOTICED or now <= MOST_TIMES * before:
                break
            before, now = max(before, costs(reader, made(number // 2))), min(now, costs(reader, text))
        assert now < NOTICED or now <= MOST_TIMES * max(before, NOTICED / MOST_TIMES), (len(text), before, now)
        if now >= 2 * NOTICED:
            return
        number, before = 2 * number, now


def as_frame(text: str) -> object:
    """Read a frame's header."""
    return unpack(text.encode(), b"")


HEADERS: dict[str, Callable[[int], str]] = {
    "quotes that are never closed": lambda n: "," * 4_000_001 + '"' + '\\"' * n,
    "line breaks behind backslashes": lambda n: "," * 4_000_001 + '"' + "\\\n" * n,
    "lists": lambda n: '{"v":[' + "[]," * n + '0],"b":[]}',
    "brackets": lambda n: "[" * n,
    "digits": lambda n: '{"v":[' + "9" * n + '],"b":[]}',
    "decimals": lambda n: '{"v":[0.' + "1" * n + '],"b":[]}',
    "the same key": lambda n: '{"v":{"s":[' + ",".join(['{"t":[1,2]}'] * n) + ']},"b":[]}',
    "names": lambda n: '{"v":{"o":{' + ",".join(f'"{i}":1' for i in range(n)) + '}},"b":[]}',
    "tables": lambda n: '{"v":[' + ",".join(['{"p":[[],[],0]}'] * n) + '],"b":[]}',
    "columns": lambda n: f'{{"v":{{"p":[{list(range(n))},{[[]] * n},0]}},"b":[]}}',
}


@pytest.mark.parametrize("made", HEADERS.values(), ids=list(HEADERS))
def test_frames_cost_what_their_length_costs(made: Callable[[int], str]) -> None:
    """A header of twice the length takes about twice the time, or is refused."""
    as_frame('{"v":{"p":[[],[],0]},"b":[]}')  # pandas is loaded with the first table
    crowded = made(1).startswith(",,")
    if crowded:
        _assert_frames_with_a_crowd_are_linear(made)
    else:
        assert_linear(as_frame, made)


def _assert_frames_with_a_crowd_are_linear(made: Callable[[int], str]) -> None:
    """Beside a crowd of four million commas, which is looked at anyway."""
    few, many = costs(as_frame, made(1000)), costs(as_frame, made(400_000))
    assert many < few + NOTICED


def equal_hashes(count: int) -> list[tuple[int, int]]:
    """Pairs of numbers whose hash is the same; at most as many as a test asks for."""
    return _equal_hashes()[:count]


@cache
def _equal_hashes(count: int = 2 * MANY) -> list[tuple[int, int]]:
    """The hash of a tuple (xxHash) is solved for its second member."""
    first, second, last = 11400714785074694791, 14029467366897019727, 2870177450012600261
    back = pow(second, -1, 1 << 64)
    found: list[tuple[int, int]] = []
    start = 1
    with np.errstate(over="ignore"):
        while len(found) < count:
            numbers = np.arange(start, start + 1_000_000, dtype=np.uint64)
            start += 1_000_000
            state = np.uint64(last) + numbers * np.uint64(second)
            state = ((state << np.uint64(31)) | (state >> np.uint64(33))) * np.uint64(first)
            others = (np.uint64(12345678901234567) - state) * np.uint64(back)
            small = np.flatnonzero(others < 2**53)
            found += [(int(numbers[k]), int(others[k])) for k in small]
    assert len({hash(pair) for pair in found[:100]}) == 1
    return found


KEYS: dict[str, Callable[[int], tuple[list[str], bytes]]] = {
    "tuples": lambda n: ([f'{{"t":[{a},{b}]}}' for a, b in equal_hashes(n)], b""),
    "large integers": lambda n: ([f'{{"i":"{hex(k * (2**61 - 1) + 5)}"}}' for k in range(1, n + 1)], b""),
    "tuples of tuples": lambda n: ([f'{{"t":[{{"t":[{a},{b}]}},1]}}' for a, b in equal_hashes(n)], b""),
    "complex numbers of numpy": lambda n: (
        [f'{{"n":{k}}}' for k in range(n)],
        b"".join(pack_npy(np.array(complex(1000003 * (n - k), k))) for k in range(n)),
    ),
    "references": lambda n: ([f'{{"r":[{k},["m"],true]}}' for k in range(n)], b""),
}


@pytest.mark.parametrize("form", ["set", pytest.param("dict", marks=pytest.mark.slow)])
@pytest.mark.parametrize("made", KEYS.values(), ids=list(KEYS))
def test_keys_with_equal_hashes_cost_what_others_cost(
    made: Callable[[int], tuple[list[str], bytes]], form: str
) -> None:
    """Sets and dicts whose keys a stranger has chosen take no longer than their length says, or are refused."""

    def message(number: int) -> tuple[bytes, bytes]:
        keys, blobs = made(number)
        lengths = [len(blobs) // number] * number if blobs else []
        body = f'{{"s":[{",".join(keys)}]}}' if form == "set" else f'{{"d":[{",".join(f"[{k},0]" for k in keys)}]}}'
        return f'{{"v":{body},"b":{lengths}}}'.encode(), blobs

    if len(made(2)[1]) % 2:
        pytest.fail("blobs of one length are wanted")
    few, many = message(MANY), message(2 * MANY)
    before = costs(lambda _: unpack(*few), "")
    now = costs(lambda _: unpack(*many), "")
    assert now < 2 * NOTICED or now <= MOST_TIMES * before


def test_few_keys_with_equal_hashes_are_taken() -> None:
    """Points with coordinates of -1 and -2, whose hashes are the same, are honest keys."""
    points = [(a, b, c, d, e) for a in (-1, -2) for b in (-1, -2) for c in (-1, -2) for d in (-1, -2) for e in (-1, -2)]
    keys = ",".join(f'{{"t":{list(point)}}}' for point in points)
    assert unpack(f'{{"v":{{"s":[{keys}]}},"b":[]}}'.encode(), b"") == set(points)


PAGES: dict[str, Callable[[int], str]] = {
    "emphasis in paragraphs": lambda n: "<p>" + "".join(f"<b title={i}>" for i in range(n)) + "<p>x" * n,
    "emphasis behind tables": lambda n: (
        "".join(f"<b title={i}><table><td></b></td></table>" for i in range(n)) + "<p>x" * n
    ),
    "emphasis of all kinds": lambda n: "".join(f"<font color=a{i}>" for i in range(n)) + "</i><p>x" * n,
    "emphasis and unknown tags": lambda n: "".join(f"<b title={i}>" for i in range(n)) + "<foo>x</foo>" * n,
    "emphasis that differs for readers": lambda n: "".join(f'<b a"={i}>' for i in range(n)) + "<p>x" * n,
    "lines in a table": lambda n: "<table>" + "<br>x" * n,
    "tables in a table": lambda n: "<table>x" * n,
    "cells": lambda n: "<table><tr>" + "<td>x" * n,
    "rows": lambda n: "<table>" + "<tr><td>x</td></tr>" * n,
    "styles in a drawing": lambda n: "<svg>" + "<style" * n,
    "spans in a drawing": lambda n: "<svg>" + "<span>x</span>" * n,
    "tags that are never closed": lambda n: "<p " * n,
    "attributes": lambda n: "<p " + " ".join(f"a{i}=1" for i in range(n)) + ">",
    "blanks behind a picture": lambda n: '<img src="data:image/png;base64,A' + " " * n + '!">',
    "pictures in a description": lambda n: '<img alt="' + "<img " * n + '">',
    "ampersands": lambda n: "&" * n,
    "comments": lambda n: "<!--" * n,
    "open divisions": lambda n: "<div>" * n,
    "paragraphs": lambda n: "<p>x" * n,
    "declarations": lambda n: '<p style="' + "color:url(" * n + '">',
}


@pytest.mark.parametrize("sanitiser", [sanitise_html, sanitise_svg, is_harmless])
@pytest.mark.parametrize("made", PAGES.values(), ids=list(PAGES))
def test_sanitising_costs_what_its_length_costs(made: Callable[[int], str], sanitiser: Callable[[str], object]) -> None:
    """Markup of twice the length takes about twice the time."""
    assert_linear(sanitiser, made)


@pytest.mark.parametrize("made", PAGES.values(), ids=list(PAGES))
def test_sanitising_makes_nothing_much_longer(made: Callable[[int], str]) -> None:
    """What is recorded of an output is bounded by what came."""
    html = made(3000)
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": html, "text/markdown": html}}
    kept = safe_outputs([output])[0]["data"]
    assert sum(map(len, kept.values())) <= 2 * (GROWTH * len(html) + 6 * GROWTH_FREE + 120_000)


TEXTS: dict[str, Callable[[int], str]] = {
    "titles for a terminal": lambda n: "\x1b]" * n,
    "other beginnings": lambda n: "\x9d\x90" * n,
    "colours": lambda n: "\x1b[0;" * n + "1" * n,
}


@pytest.mark.parametrize("made", TEXTS.values(), ids=list(TEXTS))
def test_texts_cost_what_their_length_costs(made: Callable[[int], str]) -> None:
    """Escapes that never end are looked at once."""
    assert_linear(sanitise_text, made)


MARKDOWN: dict[str, Callable[[int], str]] = {
    "environments": lambda n: "\\begin{a}" * n,
    "formulas": lambda n: "\\\\(" * n,
    "displayed formulas": lambda n: "\\\\[" * n,
    "blanks": lambda n: "a" + " " * n + "b",
    "brackets": lambda n: "[" * n,
    "emphasis": lambda n: "*a " * n,
    "dollars": lambda n: "$$a " * n,
    "links": lambda n: "[a](" * n,
    "comments": lambda n: "<!--" * n,
    "lists": lambda n: "- a\n" * n,
    "headings": lambda n: "# a\n" * n,
}


@pytest.mark.parametrize("made", MARKDOWN.values(), ids=list(MARKDOWN))
def test_markdown_keeps_nobody_waiting(made: Callable[[int], str]) -> None:
    """Markdown that would take long is shown as it was written."""
    longest = max((made(500 << k) for k in range(8)), key=lambda text: len(text) if len(text) <= 50_000 else 0)
    assert costs(rendered, longest) < 4 * NOTICED
    assert rendered(made(60_000)) is None


def test_fences_are_looked_for_once() -> None:
    """Fences that nobody closes don't send the reader to the end of the text again and again."""
    assert_linear(lambda text: code_in({"cell_type": "markdown", "source": text}), lambda n: "~" * n + "\n" + "a\n" * n)
    assert_linear(
        lambda text: code_in({"cell_type": "markdown", "source": text}),
        lambda n: "".join("`" * k + "a\n" for k in range(3, int(n**0.5) + 3)) + "x\n" * n,
    )


def test_cells_without_names_are_compared_no_more_than_honest_ones_need() -> None:
    """A crowd of cells that look nearly like locked ones doesn't make matching slow."""
    locked = "\n".join(f"line {k % 7}" for k in range(40))
    ours = [code(f"c{k}", f"{locked}\n{k}", grade=True, locked=True, points=1.0) for k in range(30)]

    def matched(text: str) -> object:
        count = len(text)
        theirs = [
            {**code("x", "\n".join(f"line {k % 7}" for k in range(400))), "id": f"own-{n}", "metadata": {}}
            for n in range(count)
        ]
        return match(ours, theirs)

    assert costs(matched, "x" * 1900) < 20 * NOTICED


def test_nested_folders_cost_their_own_submission_alone(tmp_path: Path) -> None:
    """Folders that lie deep in one another are refused with a word about it, not with an error of Python's."""
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1100):
            os.mkdir("d")
            os.chdir("d")
        with pytest.raises(SubmissionError, match="more than 50 folders one in the other"):
            read_folder(tmp_path, 100)
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # deeper than pytest goes when it tidies up


@pytest.mark.parametrize("name", ["a" * 250 + ".html", "é" * 125 + ".html", "b/" + "c" * 251 + ".svg", "short.html"])
def test_names_that_get_an_ending_stay_names(name: str) -> None:
    """A page's name with .txt behind it is no longer than a name may be."""
    renamed = safe_name(name)
    assert renamed.endswith(".txt")
    assert len(renamed.rpartition("/")[2].encode()) <= 255
