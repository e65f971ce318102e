"""Attacks by the notebook's form: flags, points, outputs, kinds, order, and files that are hardly notebooks.

None of them gets as far as the sandbox, so one level of sealing shows as much as all.
"""

from __future__ import annotations

import json
from typing import Any

from tests.hostile.attack import WRONG_DOUBLE, Attack, Lost, attack
from tests.mini import code

Notebook = dict[str, Any]


def cell_of(nb: Notebook, grade_id: str) -> dict[str, Any]:
    """The cell with a grade_id."""
    return next(cell for cell in nb["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def mark_of(nb: Notebook, grade_id: str) -> dict[str, Any]:
    """The nbgrader metadata of a cell."""
    return cell_of(nb, grade_id)["metadata"]["nbgrader"]


def edit_checks(nb: Notebook) -> None:
    for name in ("double", "number", "plain"):
        cell_of(nb, name)["source"] = "1000"


def delete_checks(nb: Notebook) -> None:
    nb["cells"] = [cell for cell in nb["cells"] if not cell["metadata"].get("nbgrader", {}).get("grade")]


def duplicate_checks(nb: Notebook) -> None:
    for name in ("double", "plain"):
        copy = json.loads(json.dumps(cell_of(nb, name)))
        copy.update(id=f"{name}-again", source="100.0")
        nb["cells"] = [copy, *nb["cells"], copy]


def reorder(nb: Notebook) -> None:
    nb["cells"].reverse()


def retype(nb: Notebook) -> None:
    for name in ("double", "plain", "number-answer"):
        cell = cell_of(nb, name)
        cell["cell_type"] = "markdown"
        del cell["outputs"], cell["execution_count"]


def flip_flags(nb: Notebook) -> None:
    for cell in nb["cells"]:
        if mark := cell["metadata"].get("nbgrader"):
            mark.update({name: not mark[name] for name in ("grade", "solution", "locked", "task")})
    cell_of(nb, "plain")["source"] = "1.0"


def more_points(nb: Notebook) -> None:
    for name in ("double", "plain", "number"):
        mark_of(nb, name)["points"] = 1000
    mark_of(nb, "double-answer").update(grade=True, points=500)


def forge_outputs(nb: Notebook) -> None:
    for name, points in (("double", "4.0"), ("plain", "1.0")):
        data = {"text/plain": points, "text/html": "<b>4 of 4</b>"}
        result = {"output_type": "execute_result", "execution_count": 7, "metadata": {}, "data": data}
        cell_of(nb, name).update(outputs=[result], execution_count=7)


def swap_kernel(nb: Notebook) -> None:
    nb["metadata"]["kernelspec"] = {
        "name": "../../../../tmp/@mark@",
        "argv": ["touch", "/tmp/@mark@"],
        "language": "bash",
        "display_name": "bash",
    }
    nb["metadata"]["language_info"] = {"name": "bash", "nbconvert_exporter": "os.system"}


def skip_checks(nb: Notebook) -> None:
    for cell in nb["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception", "remove-cell", "injected-parameters"]
        cell["metadata"]["deletable"] = True
    nb["metadata"]["nbgrader"] = {"score": 100, "course": "@course@"}


def swap_ids(nb: Notebook) -> None:
    for cell in nb["cells"]:
        cell["id"] = "double" if cell["id"] != "double" else "double-answer"


def collide(nb: Notebook) -> None:
    for number, source in enumerate(["1 / 0", "double.__doc__ = 'right'", "1000.0"]):
        extra = code("double-answer", source, solution=True)
        extra["id"] = f"extra-{number}"
        nb["cells"].append(extra)
    extra = code("plain", "1000.0", grade=True, solution=True, points=1000)
    extra["id"] = "extra"
    nb["cells"].insert(0, extra)


def damage(nb: Notebook) -> None:
    cell_of(nb, "double")["source"] = {"a": [1, 2]}
    cell_of(nb, "double-answer")["source"] = 7
    nb["cells"][0]["metadata"] = [1]
    nb["cells"] += [None, 7, [], {}, {"cell_type": {}}, {"cell_type": "code", "source": [1]}, {"id": []}]


def newer_schema(nb: Notebook) -> None:
    for cell in nb["cells"]:
        if mark := cell["metadata"].get("nbgrader"):
            mark.update(schema_version=999, checksum="0" * 32, cell_type="raw", comment="full marks")


def version(number: Any) -> Any:
    """An edit that claims another nbformat."""

    def edit(nb: Notebook) -> None:
        nb.update(nbformat=number, nbformat_minor=number)

    return edit


def version_3(nb: Notebook) -> None:
    for cell in nb["cells"]:
        cell["input"] = cell.pop("source")
        cell.update(language="python", prompt_number=1)
    nb.update(nbformat=3, nbformat_minor=0, worksheets=[{"cells": nb.pop("cells"), "metadata": {}}])


def with_text(find: str, replacement: str) -> Any:
    """An edit that changes the notebook's JSON text."""

    def edit(nb: Notebook) -> bytes:
        return json.dumps(nb).replace(find, replacement).encode()

    return edit


def as_bytes(content: bytes) -> Any:
    """An edit that hands in other bytes altogether."""
    return lambda nb: content


def invalid_utf8(nb: Notebook) -> bytes:
    return json.dumps(nb).encode().replace(b'"answer = 42', b'"# \xff\xfe\x80\\nanswer = 42')


def edit(name: str, sentence: str, how: Any, wrong: str = "double", lost: Lost = Lost.NOTHING) -> Attack:
    """An attack whose double() is wrong unless said otherwise, with a notebook changed by ``how``."""
    answers = {"double": WRONG_DOUBLE} if "double" in wrong else {}
    return attack(name, sentence, wrong=wrong, lost=lost, edit=how, **answers)


UNREADABLE = "is left for a person: nothing in it was judged."
ATTACKS = [
    edit("cannot_edit_a_grade_cell", "Edited checks are restored.", edit_checks),
    edit("cannot_delete_a_grade_cell", "Deleted checks come back.", delete_checks),
    edit("cannot_duplicate_a_grade_cell", "Copies of checks are nobody's checks.", duplicate_checks),
    edit("cannot_reorder_the_notebook", "Cells come in the instructor's order.", reorder),
    edit("cannot_retype_a_grade_cell", "A check that was made text is code again.", retype),
    edit("cannot_flip_flags", "Flags that say what is graded and locked are the instructor's.", flip_flags),
    edit("cannot_give_oneself_points", "Points are the instructor's.", more_points),
    edit("cannot_forge_saved_outputs", "What a notebook says it has printed is not believed.", forge_outputs),
    edit("cannot_swap_the_kernel", "The kernel that a notebook asks for is not started.", swap_kernel),
    edit("cannot_have_checks_skipped_by_tags", "Tags and metadata of the student's skip nothing.", skip_checks),
    edit("cannot_steal_another_cells_id", "Cell ids of other cells take nothing from them.", swap_ids),
    edit("cannot_answer_twice_under_one_name", "The first cell of a name counts.", collide),
    edit(
        "cannot_confuse_by_damaged_cells",
        "Sources and cells of the wrong type are empty ones.",
        damage,
        wrong="double",
    ),
    edit("cannot_confuse_by_a_newer_schema", "nbgrader's metadata in the file decides nothing.", newer_schema),
    edit("cannot_confuse_by_nbformat_3", "A notebook of the old format is graded as it stands.", version_3),
    edit("cannot_confuse_by_nbformat_5", "A format that doesn't exist is read as format 4.", version(5)),
    edit("cannot_confuse_by_nbformat_999", "A format of the far future is read as format 4.", version(999)),
    edit("cannot_confuse_by_a_format_that_is_no_number", "A format that is no number is format 4.", version([{}])),
    edit("cannot_confuse_by_nan", "NaN and huge numbers in the file are nothing.", with_text("null", "NaN")),
    edit("cannot_confuse_by_invalid_utf8", "Bytes that are no UTF-8 cost no marks and give none.", invalid_utf8),
    edit(
        "cannot_confuse_by_half_characters",
        "Half a character in a source stops nothing.",
        with_text("answer = 42", "answer = 42  # \\ud800 \\u202e \\u0000"),
        wrong="double number",
    ),
    edit(
        "cannot_confuse_by_keys_given_twice",
        "Of keys that are there twice the last one is read.",
        with_text('"nbformat": 4', '"nbformat": 4, "nbformat": 4'),
    ),
    *[
        edit(f"cannot_stop_the_class_by_{name}", f"{about} {UNREADABLE}", as_bytes(content), "", Lost.EVERYTHING)
        for name, about, content in [
            ("deep_nesting", "A hundred thousand brackets", b'{"cells": ' + b"[" * 100_000),
            ("deep_nesting_in_a_cell", "A cell full of brackets", b'{"cells": [' + b'{"a":' * 100_000),
            ("a_huge_notebook", "A notebook of 20 MB, over the limit,", b'{"cells": "' + b"x" * (20 << 20) + b'"}'),
            ("too_many_values", "A file of a million dictionaries", b'{"cells": [' + b"{}," * 1_100_000 + b"{}]}"),
            ("an_empty_file", "An empty file", b""),
            ("a_web_page", "A web page", b"<html>"),
            ("half_a_notebook", "Half a notebook", b'{"cells": [{"cell_type": "code", "sour'),
            ("a_list", "A list", b"[]"),
            ("binary_rubbish", "Rubbish", bytes(range(256)) * 20),
        ]
    ],
]
