"""An assignment's notebooks are found among any files, and nothing that was handed in is lost or raises."""

import io
import json
import random
import zipfile
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbseal.grading.archives import MAX_FILES, is_junk, unpack
from nbseal.grading.recognition import Fingerprint, fingerprint, recognise
from nbseal.grading.submission import HandedIn, Submission
from tests.mini import code, notebook
from tests.samples import ROOT

MIB = 1 << 20
COURSE = sorted(path.stem for path in ROOT.glob("release/*/*.ipynb"))


def template(name: str) -> dict[str, Any]:
    """A notebook of this course as students get it."""
    nb = json.loads((ROOT / "release" / name / f"{name}.ipynb").read_text("utf-8"))
    for cell in nb["cells"]:
        cell["source"] = "".join(cell["source"])
    return nb


KNOWN = {name: fingerprint(template(name)) for name in COURSE}
GATES = {"01-gates": KNOWN["01-gates"]}


def tell(
    files: dict[str, Any], known: dict[str, Fingerprint] = GATES, support: dict[str, bytes] | None = None
) -> Submission:
    """What is made of files; notebooks are given as plain data."""
    data = {path: what if isinstance(what, bytes) else json.dumps(what).encode() for path, what in files.items()}
    return recognise(HandedIn(data), known, support or {}, 64 * MIB)


def answered(name: str = "01-gates", **answers: str) -> dict[str, Any]:
    """A release with answers in some cells (``-`` as ``_``)."""
    nb = template(name)
    for cell in nb["cells"]:
        cell["source"] = answers.get(str(cell["id"]).replace("-", "_"), cell["source"])
    return nb


def without_names(nb: dict[str, Any]) -> dict[str, Any]:
    """The notebook without ids and metadata."""
    keys = ("cell_type", "source")
    return {
        **nb,
        "nbformat_minor": 2,
        "cells": [{**{key: cell[key] for key in keys}, "metadata": {}} for cell in nb["cells"]],
    }


def archive(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("change", [dict, without_names], ids=["as saved", "without names"])
@pytest.mark.parametrize("name", COURSE)
def test_a_notebook_is_its_own_assignment_s_and_no_other_s(name, change):
    """Told apart from all others of the course by what is in it, with nbgrader's names and without."""
    found = tell({"Untitled.ipynb": change(template(name))}, KNOWN)
    assert set(found.notebooks) == {name}
    others = tell({f"{other}.ipynb": change(template(name)) for other in COURSE if other != name}, KNOWN)
    assert set(others.notebooks) == {name}


def test_names_that_every_week_has_are_not_enough():
    """Where each assignment calls its questions q1 and q2, the text around them tells them apart."""
    weeks = {}
    for week in (1, 2):
        cells = [code(f"w{week}-{n}", f"print('week {week}, part {n}')") for n in range(6)]
        for cell, name in zip(cells, ["", "q1-answer", "q1", "", "q2-answer", "q2"], strict=True):
            if name:
                mark = {"grade": not name.endswith("answer"), "solution": name.endswith("answer"), "grade_id": name}
                cell["metadata"] = {"nbgrader": mark}
        weeks[week] = notebook(cells)
    known = {"week2": fingerprint(weeks[2])}
    assert set(tell({"x.ipynb": weeks[2]}, known).notebooks) == {"week2"}
    assert "isn't recognised as this assignment's" in tell({"week2.ipynb": weeks[1]}, known).not_judged["week2"]


def test_a_notebook_without_any_text_is_told_by_its_name():
    """An assignment may have an empty notebook beside the others: handed in as it is, nothing is said of it."""
    empty = notebook([code("only", "")])
    known = {**GATES, "index": fingerprint(empty)}
    told = tell({"01-gates.ipynb": template("01-gates"), "index.ipynb": empty}, known)
    assert set(told.notebooks) == {"01-gates", "index"}
    assert not told.problems
    assert not told.not_judged


def test_answers_alone_are_recognised():
    """Of a notebook whose other cells were deleted, the answers are still graded."""
    nb = answered()
    nb["cells"] = [cell for cell in nb["cells"] if cell["id"].endswith("-answer")]
    assert set(tell({"answers.ipynb": nb}).notebooks) == {"01-gates"}


TWO = {"01-gates": KNOWN["01-gates"], "02-xor": KNOWN["02-xor"]}


def test_each_of_several_notebooks_goes_where_it_belongs():
    """Two notebooks under each other's names are told by what is in them, and that is said."""
    found = tell({"01-gates.ipynb": template("02-xor"), "02-xor.ipynb": template("01-gates")}, TWO)
    assert {name: reading.nb["cells"][0]["id"] for name, reading in found.notebooks.items()} == {
        name: template(name)["cells"][0]["id"] for name in TWO
    }
    assert found.problems == (
        "`02-xor.ipynb` was taken for 01-gates.ipynb",
        "`01-gates.ipynb` was taken for 02-xor.ipynb",
    )


@pytest.mark.parametrize(
    ("beside", "is_missing"),
    [
        ({}, True),
        ({"notes.txt": b"x", "data.npz": b"PK\x03\x04", "plot.png": b"\x89PNG"}, True),
        ({"scratch.ipynb": notebook([code("x", "1")])}, False),
        ({"02-xor.html": b"<html>"}, False),
        ({"02-xor.pdf": b"%PDF"}, False),
        ({"rest.zip": b"PK\x03\x04"}, False),
        ({"rest.rar": b"Rar!"}, False),
        ({"xor.ipynb": b"{"}, False),
    ],
)
def test_one_of_several_is_missing_only_if_nothing_else_could_be_it(beside, is_missing):
    """Files that no notebook could be leave a zero; a web page, an archive or an unknown notebook leave a question."""
    found = tell({"01-gates.ipynb": template("01-gates"), **beside}, TWO)
    assert set(found.notebooks) == {"01-gates"}
    assert set(found.not_judged) == (set() if is_missing else {"02-xor"})
    for path in () if is_missing else beside:
        assert f"`{path}`" in found.not_judged["02-xor"]


def test_files_beside_the_notebook_come_with_it_and_the_time_stamp_does_not():
    """A folder's or an archive's files lie beside the notebook; nobody can bring a time stamp of their own."""
    inside = {"w/x.ipynb": json.dumps(template("01-gates")).encode(), "w/net.npz": b"n", "w/d/a.txt": b"a"}
    inside |= {"w/timestamp.txt": b"2001", "other/b.txt": b"b", "w/more.zip": archive({"c.txt": b"c"})}
    stamp = {"timestamp.txt": b"2026"}
    found = tell({"w.zip": archive(inside), "top.txt": b"t", **stamp})
    assert set(found.files) == {"net.npz", "d/a.txt", "more.zip", "top.txt", "timestamp.txt"}
    assert found.files["timestamp.txt"] == b"2026"
    found = tell({**inside, **stamp})
    assert set(found.files) == {"net.npz", "d/a.txt", "more.zip", "other/b.txt", "w/timestamp.txt", "timestamp.txt"}


def test_a_file_and_a_folder_of_one_name_do_not_meet():
    """What an archive brings can't make a path that no disk could hold."""
    inside = {"x.ipynb": json.dumps(template("01-gates")).encode(), "a/b": b"1"}
    assert set(tell({"w.zip": archive(inside), "a": b"2"}).files) == {"a"}


def test_the_same_answers_are_one_candidate_and_more_answers_are_another():
    """Of copies with the same answers the first counts; one that says more makes it unsure; an older one is named."""
    one, two = {"or_answer": "or_weights = 1"}, {"or_answer": "or_weights = 1", "and_answer": "and_weights = 2"}
    found = tell({"a.ipynb": answered(**one), "b.ipynb": {**answered(**one), "metadata": {"x": 1}}})
    assert (found.problems, found.not_judged) == (("`a.ipynb` was taken for 01-gates.ipynb",), {})
    found = tell({"01-gates.ipynb": answered(**two), "old.ipynb": answered(or_answer="or_weights = 3")})
    assert "`old.ipynb` with other answers" in found.problems[0]
    found = tell({"01-gates.ipynb": answered(**one), "b.ipynb": answered(**two)})
    assert "`b.ipynb` answers and-answer" in found.not_judged["01-gates"]


@pytest.mark.parametrize(
    ("path", "junk"),
    [
        ("01-gates.ipynb", False),
        (".DS_Store", True),
        ("a/.git/x", True),
        ("__MACOSX/a/b", True),
        ("a/__pycache__/b.pyc", True),
        ("a/Thumbs.db", True),
        ("a/b.txt", False),
    ],
)
def test_what_programs_leave_about_is_nobody_s_work(path, junk):
    """Dot files, caches and what macOS and Windows add count for nothing."""
    assert is_junk(path) is junk


def test_a_dot_file_counts_where_there_is_nothing_else():
    """Who saves a notebook without a name has handed it in all the same."""
    assert set(tell({".ipynb": template("01-gates")}).notebooks) == {"01-gates"}


def test_support_files_as_released_are_no_work_and_changed_ones_are():
    """Whoever hands in nothing but the files that were given has handed in nothing."""
    support = {"self_check.py": b"given"}
    assert tell({"self_check.py": b"given"}, support=support).not_judged == {}
    assert "01-gates" in tell({"self_check.py": b"changed"}, support=support).not_judged


def nested(depth: int, inside: bytes) -> bytes:
    """An archive in archives."""
    for _ in range(depth):
        inside = archive({"a.zip": inside})
    return inside


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive({"a": bytes(65 * MIB)}), "more than a submission may"),
        (archive({f"{n}": b"" for n in range(MAX_FILES + 1)}), "more than a submission may"),
        (archive({f"{n}.zip": archive({f"{m}": b"x" for m in range(60)}) for n in range(60)}), ""),
        (archive({"a": b"x" * 1000}, zipfile.ZIP_BZIP2), "is packed in a way"),
        (archive({"a": b"x" * 1000}, zipfile.ZIP_LZMA), "is packed in a way"),
        (archive({"a": b"x"})[:-30], "is damaged"),
        (b"PK\x03\x04" + b"PK\x01\x02" * 4 * MAX_FILES, "more than a submission may"),
    ],
    ids=["large", "many", "many inside", "bzip2", "lzma", "cut off", "many promised"],
)
def test_archives_are_opened_within_limits(data, words):
    """What holds too much, lies about it or is damaged stays closed, with the reason; nothing is written."""
    found = unpack({"w.zip": data}, 64 * MIB)
    assert len(found.files) <= MAX_FILES + 1
    assert sum(map(len, found.files.values())) <= 64 * MIB + len(data)
    assert words in found.unopened.get("w.zip", "")


def test_overlapping_entries_do_not_multiply():
    """A directory that names the same bytes again and again promises more than deflate can pack, and isn't believed."""
    data = archive({"a": bytes(10 * MIB)})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, tail = data[start:end], data[end:]
    count = 5
    tail = tail[:8] + count.to_bytes(2, "little") * 2 + (len(entry) * count).to_bytes(4, "little") + tail[16:]
    found = unpack({"w.zip": data[:start] + entry * count + tail}, 1 << 40)
    assert "more than a submission may" in found.unopened["w.zip"]


def test_archives_are_opened_two_deep():
    """A zip in a zip is opened, and one more isn't."""
    inside = json.dumps(template("01-gates")).encode()
    assert set(tell({"w.zip": archive({"v.zip": archive({"x.ipynb": inside})})}).notebooks) == {"01-gates"}
    deeper = tell({"w.zip": nested(3, archive({"x.ipynb": inside}))})
    assert "`w.zip/a.zip/a.zip` lies in too many other archives" in deeper.not_judged["01-gates"]


def test_arrays_and_documents_are_no_archives_of_work():
    """Files that are zips by their format stay what they are."""
    files = {f"a{ending}": archive({"x": b"y"}) for ending in (".npz", ".docx", ".pt", ".XLSX")}
    assert unpack(files, MIB).files == files


def test_too_much_to_look_through_is_not_judged():
    """Hundreds of files that could be notebooks are not all parsed: a person is asked."""
    many = {f"{n}.ipynb": b'{"cells": [' + b"[]," * 120_000 + b"[]]}" + str(n).encode() for n in range(20)}
    assert (
        "more than can be looked through"
        in tell({**many, "01-gates.ipynb": template("01-gates")}).not_judged["01-gates"]
    )


def test_many_versions_are_not_compared_and_many_notes_are_cut():
    """Hundreds of versions of one notebook wait for a person; what is said about files stays readable."""
    many = {f"{n}.ipynb": answered(or_answer=f"or_weights = {n}") for n in range(51)}
    assert "51 files are versions of it" in tell(many).not_judged["01-gates"]
    beside = {f"{n}.ipynb": notebook([code("x", f"{n}")]) for n in range(9)}
    found = tell({"01-gates.ipynb": template("01-gates"), **beside})
    assert len(found.problems) == 1
    assert found.problems[0].endswith("and 4 more (isn't recognised as this assignment's)")


def test_a_hidden_link_is_nobody_s_work():
    """A link that a program has left about says nothing about the student's work; one in the notebook's place does."""
    for path, is_work in ((".venv", False), ("01-gates.ipynb", True)):
        found = recognise(HandedIn({}, {path: "is a link"}), GATES, {}, MIB)
        assert bool(found.not_judged) is is_work


names = st.sampled_from(
    ["01-gates.ipynb", "Copy of 01-gates.ipynb", "w.zip", "a/b.ipynb", "01-gates", "x.txt", ".x", "a"]
)
WHOLE = [
    json.dumps(template("01-gates")).encode(),
    archive({"01-gates.ipynb": json.dumps(template("01-gates")).encode()}),
]
WHOLE += [archive({"w.zip": WHOLE[1], "../x": b"", "b": b"x"}), b'{"cells": []}', b""]


def damaged(draw: st.DrawFn) -> bytes:
    """Something whole with a stretch of bytes cut out, doubled or replaced."""
    whole = draw(st.sampled_from(WHOLE))
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, len(whole)))
    return whole[:start] + draw(st.binary(max_size=8) | st.just(whole[start:end] * 2)) + whole[end:]


contents = st.binary(max_size=60) | st.sampled_from(WHOLE) | st.composite(damaged)()


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(names, contents, max_size=4))
@example({"w.zip": b"PK\x05\x06" + bytes(18)})
@example({"01-gates.ipynb": b"\xff\xfe{"})
def test_any_files_are_told_and_none_is_lost(files):
    """Whatever the bytes: no error, and a notebook is graded, or waits, or nothing was handed in but junk."""
    found = tell(dict(files))
    assert set(found.notebooks) | set(found.not_judged) <= {"01-gates"}
    assert not set(found.notebooks) & set(found.not_judged)
    if any(not is_junk(path) for path in files):
        assert set(found.notebooks) | set(found.not_judged) == {"01-gates"}


def test_recognition_is_the_same_in_any_order():
    """Which file counts doesn't hang on the order in which a disk lists them."""
    files = {f"{n}.ipynb": answered(or_answer="or_weights = 1") for n in range(5)} | {"x.ipynb": template("01-gates")}
    shuffled = list(files.items())
    random.Random(1).shuffle(shuffled)
    assert tell(dict(shuffled)).problems == tell(files).problems
