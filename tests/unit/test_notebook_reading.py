"""What students hand in is read, or refused with one kind of error."""

import json
from typing import Any

import nbformat
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbseal.errors import SubmissionError
from nbseal.notebook import read

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def code(source: Any = "x = 1", **fields: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "id": "one",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    return {**cell, **fields}


def notebook(*cells: Any, **fields: Any) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **fields}).encode()


def sources(data: bytes) -> list[str]:
    return [cell["source"] for cell in read(data).nb["cells"]]


def refusal(data: bytes, **settings: Any) -> str:
    with pytest.raises(SubmissionError) as caught:
        read(data, **settings)
    return str(caught.value)


def test_reads_a_sound_notebook_without_remarks() -> None:
    """A notebook as Jupyter saves it gives its cells and no problems."""
    reading = read(notebook(code(["x = 1\n", "y = 2"]), {**code("# Hi"), "cell_type": "markdown", "id": "two"}))
    assert [cell["source"] for cell in reading.nb["cells"]] == ["x = 1\ny = 2", "# Hi"]
    assert reading.problems == ()


@pytest.mark.parametrize("data", [b"", b"  \n\t ", b"\0\0\0\0"])
def test_an_empty_file_is_named_so(data: bytes) -> None:
    """Nothing, or nothing but blanks, is refused as empty."""
    assert refusal(data) == "the notebook is empty."


def test_a_truncated_notebook_is_named_with_its_last_line() -> None:
    """A file that was cut off says where it ends."""
    lines = json.dumps(json.loads(notebook(code(), code("y = 2"))), indent=1).splitlines()
    assert "is cut off at line 7" in refusal("\n".join(lines[:7]).encode())
    assert "is cut off at line 9" in refusal("\n".join(lines[:9]).encode()[:-3])


def test_a_saved_web_page_is_named_so() -> None:
    """A login page saved under the notebook's name is recognised."""
    assert "web page" in refusal(b"<!DOCTYPE html><html></html>")


@pytest.mark.parametrize("data", [b"print('hello')", b"\x89PNG\r\n\x1a\n", b"[1, 2", b"{'cells': []}"])
def test_what_is_not_json_is_named_so(data: bytes) -> None:
    """Programs and pictures are refused as not being JSON."""
    assert "is not JSON" in refusal(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04\x00", "is a zip."),
        (b"%PDF-1.7", "is a PDF."),
        (b"Rar!\x1a", "is an archive, but no zip: unpack it."),
    ],
)
def test_what_students_hand_in_by_mistake_is_named(data: bytes, words: str) -> None:
    """Archives and documents are called what they are."""
    assert refusal(data) == f"the notebook {words}"


@pytest.mark.parametrize("data", [b"[]", b"3", b'"cells"', b"null", b"{}", b'{"cells": 3}'])
def test_json_that_is_no_notebook_is_named_so(data: bytes) -> None:
    """JSON of another kind is refused."""
    assert "is JSON, but not a notebook" in refusal(data)


def test_a_file_over_the_limit_is_not_parsed() -> None:
    """Size is checked before anything else."""
    assert "too large" in refusal(b" " * 1001, limit=1000)


def printed(*texts: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": list(texts)}


def test_saved_outputs_do_not_count() -> None:
    """Of a file whose outputs are larger than the limit, the rest is read; what isn't an output does count."""
    cells = [code("x = 1", outputs=[printed("y" * 2000, '"]}\\')]), code("z = 2", id="two", outputs=[printed("a")])]
    assert [cell["source"] for cell in read(notebook(*cells), limit=1000).nb["cells"]] == ["x = 1", "z = 2"]
    state = {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": ["]", {"}": "y" * 2000}]}}}
    assert sources_within(notebook(code(), metadata=state)) == ["x = 1"]
    assert "MiB without saved outputs" in refusal(notebook(code("x" * 1000), *cells), limit=1000)


def sources_within(data: bytes) -> list[str]:
    return [cell["source"] for cell in read(data, limit=1000).nb["cells"]]


@pytest.mark.parametrize(
    "source",
    ['"outputs": [', '{"outputs": ["]"]}', "x = '\\\\\"outputs\": ['", '\\"outputs": [', '"widgets": {', "\\\\"],
)
def test_texts_that_look_like_outputs_stay(source: str) -> None:
    """What a student writes about outputs is not taken for one, however it is quoted."""
    data = notebook(code(source, outputs=[printed(source, "]")]), code(source, id="two"))
    assert sources(data) == [source, source]
    assert sources(json.dumps(json.loads(data), indent=1).encode()) == [source, source]


def test_lines_are_counted_with_the_outputs() -> None:
    """A damage behind saved outputs is named with its line in the file."""
    text = json.dumps(json.loads(notebook(code(outputs=[printed(*"abc")]), code("y = 2", id="two"))), indent=1)
    lines = text.splitlines()
    place = next(number for number, line in enumerate(lines) if '"two"' in line)
    lines[place] += " oops"
    assert f"(line {place + 1}, column" in refusal("\n".join(lines).encode())


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> origin/main", "<<<<<<< Updated upstream\r"])
def test_conflict_markers_of_git_are_named_with_their_line(marker: str) -> None:
    """A notebook that git has left with a conflict says so, where it is, and what to do."""
    lines = json.dumps(json.loads(notebook(code(), code("y = 2"))), indent=1).splitlines()
    said = refusal("\n".join([*lines[:6], marker, *lines[6:]]).encode())
    assert f"has conflict markers of git at line 7 ({marker.strip()})" in said
    assert "conflict markers" in refusal("\n".join([marker, *lines]).encode())


def test_two_notebooks_in_one_file_are_refused_and_remains_are_not_read() -> None:
    """Nobody knows which of two counts; what a program has left behind a whole notebook does no harm."""
    assert "holds two notebooks, the second one after line 1" in refusal(notebook(code()) + notebook(code("y = 2")))
    reading = read(notebook(code()) + b'\n "nbformat": 4}\n')
    assert [cell["source"] for cell in reading.nb["cells"]] == ["x = 1"]
    assert reading.problems == ("what comes after its end in line 1 was not read",)
    assert read(notebook(code()) + b"\0" * 512).problems == ()


@pytest.mark.parametrize(
    "data",
    [
        b'{"outputs":[' + b"[" * 1_100_000 + b"]" * 1_100_000 + b"]}",
        b"{" + b'"outputs":[],' * 1_100_000 + b"}",
        b'{"outputs":[' + b'"outputs":["' * 1_100_000,
    ],
)
def test_outputs_cannot_take_long_to_skip(data: bytes) -> None:
    """A file of nothing but brackets is refused after a million steps."""
    assert "more values than can be read" in refusal(data)


def test_few_bytes_cannot_ask_for_much_memory() -> None:
    """A file that is nothing but millions of lists is refused before it is parsed."""
    assert "more values than can be read" in refusal(b'{"cells": [' + b"[]," * 1_500_000 + b"[]]}")


def test_deep_nesting_does_not_break_the_reader() -> None:
    """JSON nested a hundred thousand deep is refused, not a crash."""
    assert "nested too deeply" in refusal(b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_too_many_cells_are_refused() -> None:
    """A notebook of more cells than anybody writes is refused."""
    assert "20000 cells" in refusal(b'{"nbformat": 4, "cells": [' + b"{}," * 19_999 + b"{}]}")


def test_nan_is_read_as_nothing() -> None:
    """NaN, Infinity and absurdly long numbers in metadata don't matter."""
    data = b'{"cells": [], "metadata": {"a": NaN, "b": -Infinity, "c": %s}, "nbformat": 4}' % (b"9" * 10_000)
    assert read(data).nb["cells"] == []


def test_invalid_utf8_is_replaced_and_noted() -> None:
    """A stray byte costs one character, not the submission."""
    reading = read(notebook(code("x = 'A'")).replace(b"'A'", b"'\xff'"))
    assert reading.nb["cells"][0]["source"] == "x = '\ufffd'"
    assert reading.problems == ("some characters are not valid UTF-8 and were replaced",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_byte_order_marks_and_wide_encodings_are_understood(encoding: str) -> None:
    """Files saved by editors that prefer other encodings are read."""
    assert sources(notebook(code("naïve = 1")).decode().encode(encoding)) == ["naïve = 1"]


def test_lone_surrogates_cannot_poison_what_is_written_later() -> None:
    """Half a character, which JSON can spell and no file can hold, is replaced."""
    source = sources(notebook(code("x = '?'")).replace(b"'?'", b"'\\ud800'"))[0]
    assert source.encode() == b"x = '?'"


def test_duplicate_keys_are_noted() -> None:
    """Of two sources of one cell the last is read, as Jupyter does, and it is noted."""
    data = notebook(code()).replace(b'"source": "x = 1"', b'"source": "shown", "source": "x = 1"')
    reading = read(data)
    assert reading.nb["cells"][0]["source"] == "x = 1"
    assert "twice" in reading.problems[0]


def test_format_3_is_converted() -> None:
    """An old notebook gives its code, headings and texts."""
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Part"], "metadata": {}},
        {"cell_type": "code", "input": ["x = ", "1"], "language": "python", "outputs": [], "prompt_number": 3},
    ]
    reading = read(json.dumps({"worksheets": [{"cells": cells}], "metadata": {}, "nbformat": 3}).encode())
    assert [cell["source"] for cell in reading.nb["cells"]] == ["## Part", "x = 1"]
    assert [cell["cell_type"] for cell in reading.nb["cells"]] == ["markdown", "code"]


@pytest.mark.parametrize("version", [5, 999, -1, None, "4", True, 4.5, [4]])
def test_other_format_numbers_are_read_as_four(version: Any) -> None:
    """What a file claims about its format doesn't matter if its cells look right."""
    reading = read(notebook(code(), nbformat=version))
    assert reading.nb["nbformat"] == 4
    assert "read as format 4" in reading.problems[0]


@pytest.mark.parametrize("source", [3, None, {"a": 1}, ["x", 3], [["x"]], True])
def test_a_source_that_is_no_text_is_empty(source: Any) -> None:
    """A source of another type is taken as empty and noted."""
    reading = read(notebook(code(source)))
    assert reading.nb["cells"][0]["source"] == ""
    assert reading.problems == ("cell 1 has no readable source and was taken as empty",)


@pytest.mark.parametrize("cell", [None, 3, "x = 1", ["x"], True])
def test_a_cell_that_is_none_is_left_out(cell: Any) -> None:
    """What isn't a cell at all is dropped and noted; the others stay."""
    reading = read(notebook(cell, code("y = 2")))
    assert [cell["source"] for cell in reading.nb["cells"]] == ["y = 2"]
    assert reading.problems == ("cell 1 is damaged and was left out",)


def test_missing_cells_give_an_empty_notebook() -> None:
    """A notebook without cells is read as such: the rest of the batch, and its marks, don't depend on it."""
    reading = read(b'{"metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert reading.nb["cells"] == []
    assert reading.problems == ("it has no cells",)


@pytest.mark.parametrize("metadata", [None, 3, "x", []])
def test_metadata_that_is_no_dict_does_no_harm(metadata: Any) -> None:
    """Damaged metadata, of notebook or cell, is not read."""
    assert sources(notebook(code(metadata=metadata), metadata=metadata)) == ["x = 1"]


@pytest.mark.parametrize("cell_type", ["python", None, 3, ["code"]])
def test_an_unknown_cell_type_is_plain_text(cell_type: Any) -> None:
    """A cell of no known type is kept as raw text and noted."""
    reading = read(notebook(code(cell_type=cell_type)))
    assert reading.nb["cells"][0]["cell_type"] == "raw"
    assert "unknown type" in reading.problems[0]


@pytest.mark.parametrize("cell_id", [None, 3, "", "a b", "é", "x" * 65, "one\n", "one"])
def test_bad_and_repeated_ids_are_made_anew(cell_id: Any) -> None:
    """Ids come out valid, unique and the same at every reading."""
    data = notebook(code(), code(id=cell_id), code(id="added-2"))
    ids = [cell["id"] for cell in read(data).nb["cells"]]
    assert ids == ["one", "added-2-2", "added-2"]
    assert [cell["id"] for cell in read(data).nb["cells"]] == ids


def test_ids_that_colab_keeps_in_the_metadata_are_found() -> None:
    """A cell's id is also looked for where Google Colab puts it."""
    assert read(notebook(code(id=None, metadata={"id": "nand-answer"}))).nb["cells"][0]["id"] == "nand-answer"


def test_nothing_is_believed_but_sources_and_grade_ids() -> None:
    """Saved outputs, counts, tags, flags, points and the kernelspec don't get past reading."""
    mark = {"grade_id": "nand", "grade": True, "points": 1e9, "locked": False, "solution": True}
    cell = code(
        metadata={"nbgrader": mark, "tags": ["skip-execution"]},
        outputs=[{"output_type": "execute_result", "data": {"text/plain": "20"}, "metadata": {}, "execution_count": 1}],
        execution_count=7,
    )
    nb = read(notebook(cell, metadata={"kernelspec": {"name": "mine", "display_name": "mine"}})).nb
    assert nb["metadata"] == {}
    assert nb["cells"][0]["metadata"] == {"nbgrader": {"grade_id": "nand"}}
    assert nb["cells"][0]["outputs"] == []
    assert nb["cells"][0]["execution_count"] is None


def test_attachments_are_kept_only_as_pictures() -> None:
    """Of a text cell's attachments, base64 pictures stay; pages, scripts and what isn't base64 go."""
    attachments = {
        "good.png": {"image/png": [PIXEL[:40] + "\n", PIXEL[40:]]},
        "page.html": {"text/html": PIXEL},
        "drawing.svg": {"image/svg+xml": "<svg onload='alert(1)'/>"},
        "bad.png": {"image/png": '"><script>'},
        "odd.png": "text",
    }
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "", "attachments": attachments}
    assert read(notebook(cell)).nb["cells"][0]["attachments"] == {"good.png": {"image/png": PIXEL}}


def test_remarks_are_bounded() -> None:
    """A thousand damaged cells give a short list of remarks."""
    reading = read(notebook(*[3] * 1000))
    assert len(reading.problems) == 21
    assert reading.problems[-1] == "… and 980 more of this kind"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
odd_cells = st.dictionaries(
    st.sampled_from(["cell_type", "source", "id", "metadata", "outputs", "attachments", "input", "level"]),
    anything | st.sampled_from(["code", "markdown", "heading", "html", {"nbgrader": {"grade_id": "q"}}]),
)
odd_notebooks = st.fixed_dictionaries(
    {},
    optional={
        "cells": anything | st.lists(anything | odd_cells, max_size=5),
        "worksheets": anything | st.lists(st.fixed_dictionaries({"cells": st.lists(odd_cells)}), max_size=2),
        "metadata": anything,
        "nbformat": anything,
        "nbformat_minor": anything,
    },
)


def check_reading(data: bytes) -> None:
    try:
        reading = read(data)
    except SubmissionError:
        return
    nbformat.validate(nbformat.from_dict(reading.nb))
    json.dumps(reading.nb, allow_nan=False).encode()


@given(st.binary(max_size=200))
@example(b"\x00\x00\xfe\xff\x00\x11\x00\x00")
@example(b"\xff\xfe{")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever the bytes: a valid notebook comes out, or a SubmissionError, and nothing else."""
    check_reading(data)


@given(odd_notebooks | anything)
def test_any_json_is_read_or_refused(tree: Any) -> None:
    """Whatever the JSON: a valid notebook comes out, or a SubmissionError, and nothing else."""
    check_reading(json.dumps(tree).encode())


@given(st.data())
def test_any_damage_to_a_notebook_is_survived(data: st.DataObject) -> None:
    """A sound notebook with a stretch of bytes cut out, doubled or replaced is read or refused."""
    whole = notebook(code(), code("y = [1, 2]", id="two"), metadata={"kernelspec": {"name": "python3"}})
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    middle = data.draw(st.binary(max_size=8) | st.just(whole[start:end] * 2))
    check_reading(whole[:start] + middle + whole[end:])
