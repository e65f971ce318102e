"""What the student hands in can't change what is graded: attacks on the notebook's structure, and honest work."""

import copy
import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbseal.notebook import read, rebuild, with_chosen_cells
from tests.work import counted_calls

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
STUB = "raise NotImplementedError('Your turn')"
CHECK = "print(x)\nassert x == 1"
PIXEL = "iVBORw0KGgo="


def make(cell_id: str, source: str, cell_type: str = "code", **metadata: Any) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": cell_type, "id": cell_id, "metadata": metadata, "source": source}
    return {**cell, "outputs": [], "execution_count": None} if cell_type == "code" else cell


def mark(grade_id: str, **flags: Any) -> dict[str, Any]:
    return {"grade": False, "solution": False, "locked": False, "task": False, "grade_id": grade_id, **flags}


TEMPLATE: dict[str, Any] = {
    "cells": [
        make("title", "# Title", "markdown"),
        make("imports", "import math"),
        make("q-answer", STUB, nbgrader=mark("q-answer", solution=True), deletable=False),
        make("training", "train()", tags=["skip-execution"]),
        make("q", CHECK, nbgrader=mark("q", grade=True, locked=True, points=3)),
        make("why", "*Your turn*", "markdown", nbgrader=mark("why", grade=True, solution=True, points=2)),
        make("end", "Well done", "markdown"),
    ],
    "metadata": KERNEL,
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def work() -> dict[str, Any]:
    """An honest student's notebook: the release with two answers."""
    nb = copy.deepcopy(TEMPLATE)
    nb["cells"][2]["source"] = "x = 1"
    nb["cells"][5]["source"] = "Because."
    return nb


def graded(nb: dict[str, Any], template: dict[str, Any] = TEMPLATE) -> tuple[dict[str, Any], list[str]]:
    """Rebuild what is read from the file of ``nb``, as grading does."""
    made = rebuild(template, read(json.dumps(nb).encode()).nb)
    rebuilt, problems = made.nb, made.problems
    nbformat.validate(nbformat.from_dict(rebuilt))
    return rebuilt, problems


def ids(nb: dict[str, Any]) -> list[str]:
    return [cell["id"] for cell in nb["cells"]]


def by_id(nb: dict[str, Any], cell_id: str) -> dict[str, Any]:
    return next(cell for cell in nb["cells"] if cell["id"] == cell_id)


def expect_graded_cells_intact(nb: dict[str, Any]) -> None:
    """The graded cells are there once, in order, with the template's source, type and metadata."""
    managed = [cell for cell in nb["cells"] if "nbgrader" in cell["metadata"]]
    wanted = [cell for cell in TEMPLATE["cells"] if "nbgrader" in cell["metadata"]]
    assert [(cell["id"], cell["cell_type"], cell["metadata"]) for cell in managed] == [
        (cell["id"], cell["cell_type"], cell["metadata"]) for cell in wanted
    ]
    assert by_id(nb, "q")["source"] == CHECK


def test_honest_work_comes_through_whole(work: dict[str, Any]) -> None:
    """Answers are taken, nothing else changes, and there is nothing to remark."""
    rebuilt, problems = graded(work)
    assert rebuilt == work
    assert problems == []


def test_an_edited_check_does_not_count(work: dict[str, Any]) -> None:
    """A graded cell whose assert was taken out is graded with the assert."""
    work["cells"][4]["source"] = "print(x)\nx == 1"
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert problems == ["the cell 'q' was edited; the original was used (not: x == 1)"]


def test_a_deleted_check_comes_back(work: dict[str, Any]) -> None:
    """A graded cell that was deleted is graded all the same."""
    del work["cells"][4]
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert ids(rebuilt) == ids(TEMPLATE)
    assert problems == ["the cell 'q' is missing"]


def test_a_duplicated_check_counts_once(work: dict[str, Any]) -> None:
    """A copy of a graded cell carries no points: it's a plain cell behind the original."""
    fake = {**work["cells"][4], "id": "fake", "source": "print('20 points')"}
    work["cells"].insert(5, fake)
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert by_id(rebuilt, "fake")["metadata"] == {}
    assert problems == ["the cell 'q' is there 2 times; the original was used"]


def test_a_duplicate_in_front_cannot_replace_the_check(work: dict[str, Any]) -> None:
    """Being first doesn't help a forged check: it gives way to the template's."""
    work["cells"].insert(0, {**work["cells"][4], "id": "fake", "source": "pass"})
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert "the cell 'q' was edited; the original was used (not: pass)" in problems


def test_reordered_cells_return_to_their_places(work: dict[str, Any]) -> None:
    """A check moved before its answer, where it may find another value, stands behind it again."""
    work["cells"].reverse()
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert ids(rebuilt) == ids(TEMPLATE)
    assert problems == []


@pytest.mark.parametrize("cell_type", ["markdown", "raw"])
def test_a_retyped_check_still_runs(work: dict[str, Any], cell_type: str) -> None:
    """A graded cell turned into text, which would not fail, is code again."""
    work["cells"][4] = {**make("q", CHECK, cell_type), "metadata": work["cells"][4]["metadata"]}
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert problems == [f"the cell 'q' was turned into a {cell_type} cell; it was read as code"]


def test_a_retyped_answer_is_still_an_answer(work: dict[str, Any]) -> None:
    """An answer whose cell was turned into text by mistake is read as code."""
    work["cells"][2] = {**make("q-answer", "x = 1", "markdown"), "metadata": work["cells"][2]["metadata"]}
    rebuilt, problems = graded(work)
    assert by_id(rebuilt, "q-answer")["cell_type"] == "code"
    assert by_id(rebuilt, "q-answer")["source"] == "x = 1"
    assert len(problems) == 1


def test_a_flipped_solution_flag_does_not_make_a_check_editable(work: dict[str, Any]) -> None:
    """Declaring a check to be a solution cell, so that its new text is kept, has no effect."""
    work["cells"][4]["metadata"]["nbgrader"].update(solution=True, locked=False)
    work["cells"][4]["source"] = "pass"
    rebuilt, _ = graded(work)
    expect_graded_cells_intact(rebuilt)


def test_a_flipped_grade_flag_does_not_hide_a_check(work: dict[str, Any]) -> None:
    """Declaring a check to be no check, or a task, has no effect."""
    work["cells"][4]["metadata"]["nbgrader"].update(grade=False, task=True)
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert problems == []


def test_edited_points_do_not_count(work: dict[str, Any]) -> None:
    """Points are the template's, whatever the notebook says."""
    work["cells"][4]["metadata"]["nbgrader"]["points"] = 1e6
    rebuilt, _ = graded(work)
    assert by_id(rebuilt, "q")["metadata"]["nbgrader"]["points"] == 3


def test_forged_outputs_are_dropped(work: dict[str, Any]) -> None:
    """A saved output that looks like partial credit is gone before the cell runs."""
    output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "3"}}
    for cell in work["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[output], execution_count=1)
    rebuilt, _ = graded(work)
    code = [cell for cell in rebuilt["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_the_kernel_cannot_be_swapped(work: dict[str, Any]) -> None:
    """Kernelspec and language are the template's; nothing else of the notebook's metadata is kept."""
    work["metadata"] = {"kernelspec": {"name": "evil", "display_name": "Python 3"}, "widgets": {"state": {}}}
    rebuilt, _ = graded(work)
    assert rebuilt["metadata"] == KERNEL


def test_a_stolen_grade_id_does_not_turn_a_cell_into_a_graded_one(work: dict[str, Any]) -> None:
    """An added cell with nbgrader metadata of the student's own making is a plain cell."""
    work["cells"].append(make("bonus", "x = 2", nbgrader=mark("bonus", grade=True, points=100)))
    rebuilt, _ = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert by_id(rebuilt, "bonus")["metadata"] == {}


def test_tags_of_students_do_not_steer_the_run(work: dict[str, Any]) -> None:
    """No tag gets through, so no cell can be skipped or be expected to fail; the template's own tags stay."""
    for cell in work["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
    work["cells"].insert(4, make("mine", "y = 2", tags=["skip-execution"]))
    rebuilt, _ = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert by_id(rebuilt, "mine")["metadata"] == {}
    assert by_id(rebuilt, "imports")["metadata"] == {}
    assert by_id(rebuilt, "training")["metadata"] == {"tags": ["skip-execution"]}


def test_an_added_cell_cannot_take_a_template_cells_id(work: dict[str, Any]) -> None:
    """Ids stay unique, and the template's cells keep theirs."""
    work["cells"][4] = make("q", "pass")  # no nbgrader metadata any more
    work["cells"].append(make("q-answer", "y = 2"))
    rebuilt, _ = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert len(set(ids(rebuilt))) == len(rebuilt["cells"])


def test_a_missing_answer_is_named_and_left_unanswered(work: dict[str, Any]) -> None:
    """A deleted answer cell comes back as the stub, and the student is told."""
    del work["cells"][2]
    rebuilt, problems = graded(work)
    assert by_id(rebuilt, "q-answer")["source"] == STUB
    assert problems == ["the cell 'q-answer' is missing"]


def test_an_empty_submission_is_the_unanswered_notebook() -> None:
    """A notebook without cells is graded as the release."""
    made = rebuild(TEMPLATE, read(b'{"cells": [], "nbformat": 4}').nb)
    rebuilt, problems = made.nb, made.problems
    assert rebuilt == TEMPLATE
    assert len(problems) == 3


def test_of_two_answers_the_first_counts_and_the_second_follows(work: dict[str, Any]) -> None:
    """A split answer cell still runs in order: first part in place, second part right behind it."""
    work["cells"].insert(5, {**work["cells"][2], "id": "second", "source": "y = 2"})
    work["cells"].insert(3, make("own", "z = 3"))
    rebuilt, problems = graded(work)
    assert ids(rebuilt)[2:5] == ["q-answer", "second", "own"]
    assert by_id(rebuilt, "second")["metadata"] == {}
    why = "they run one after the other, so where two define the same, the last one counts"
    assert problems == [f"the cell 'q-answer' is there 2 times; {why}"]


@pytest.mark.parametrize(
    ("place", "source", "words"),
    [
        (2, STUB, "the others are as released or empty"),
        (4, "assert True", "the original was used"),
        (5, "Or so.", "the first one that was changed is the answer, the others stand below it"),
    ],
)
def test_it_is_said_which_of_several_counts(work: dict[str, Any], place: int, source: str, words: str) -> None:
    """Of a copied cell, the note says what becomes of the copies."""
    work["cells"].insert(place + 1, {**work["cells"][place], "id": "second", "source": source})
    assert words in " ".join(graded(work)[1])


def test_added_cells_stay_where_they_were(work: dict[str, Any]) -> None:
    """A student's own cells, of every type, stay behind the cell that they followed."""
    work["cells"].insert(0, make("first", "import numpy"))
    work["cells"].insert(4, make("helper", "def help(): ..."))
    work["cells"].insert(5, make("note", "My note", "markdown"))
    work["cells"].append(make("scrap", "…", "raw"))
    rebuilt, problems = graded(work)
    assert rebuilt == work
    assert problems == []


def test_edited_plain_cells_are_the_students(work: dict[str, Any]) -> None:
    """An edited plain cell keeps its new source and the template's metadata."""
    work["cells"][1]["source"] = "import math, numpy"
    work["cells"][3]["source"] = "train(longer=True)"
    rebuilt, _ = graded(work)
    assert rebuilt == work


def test_deleted_plain_cells_stay_deleted(work: dict[str, Any]) -> None:
    """A student may remove what isn't graded."""
    del work["cells"][3], work["cells"][0]
    rebuilt, problems = graded(work)
    assert ids(rebuilt) == ids(work)
    assert problems == []


def test_plain_text_turned_into_code_runs_as_code(work: dict[str, Any]) -> None:
    """A plain cell that the student retyped is theirs, with their type."""
    work["cells"][0] = make("title", "y = 5")
    rebuilt, _ = graded(work)
    assert rebuilt["cells"][0]["cell_type"] == "code"
    assert rebuilt["cells"][0]["source"] == "y = 5"


def without_ids(nb: dict[str, Any]) -> dict[str, Any]:
    cells = [{key: value for key, value in cell.items() if key != "id"} for cell in nb["cells"]]
    return {**nb, "cells": cells, "nbformat_minor": 4}


def test_a_notebook_without_ids_is_matched_by_what_it_says(work: dict[str, Any]) -> None:
    """Saved by a program that knows no cell ids, the same work is the same."""
    rebuilt, problems = graded(without_ids(work))
    assert rebuilt == work
    assert problems == []


def test_edited_plain_cells_without_ids_are_matched_by_place(work: dict[str, Any]) -> None:
    """An edited training cell is still the one that isn't to be run again."""
    work["cells"][3]["source"] = "train(longer=True)"
    rebuilt, _ = graded(without_ids(work))
    assert rebuilt == work


def test_without_ids_a_given_cell_is_not_taken_for_deleted(work: dict[str, Any]) -> None:
    """Where ids can't tell what was deleted, the template's plain cells are there, the student's own too."""
    work["cells"].insert(2, make("helper", "import numpy"))
    work["cells"][1]["source"] = "import math as m"
    rebuilt, _ = graded(without_ids(work))
    sources = [cell["source"] for cell in rebuilt["cells"]]
    assert sources[:4] == ["# Title", "import math as m", "import numpy", "import math"]


def test_answers_are_found_by_id_when_their_metadata_is_lost(work: dict[str, Any]) -> None:
    """An editor that drops nbgrader's metadata costs no marks."""
    for cell in work["cells"]:
        cell["metadata"] = {}
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert by_id(rebuilt, "q-answer")["source"] == "x = 1"
    assert problems == []


def test_hidden_tests_missing_from_the_students_copy_are_not_an_edit() -> None:
    """What was cut out for the release isn't held against the student."""
    template = copy.deepcopy(TEMPLATE)
    template["cells"][4]["source"] = f"{CHECK}\n### BEGIN HIDDEN TESTS\nassert x is not True\n### END HIDDEN TESTS"
    assert rebuild(template, TEMPLATE).problems == []


def test_pictures_in_text_answers_are_kept(work: dict[str, Any]) -> None:
    """A photo of a derivation, pasted into a text answer or a cell of one's own, reaches the person who marks."""
    pictures = {"photo.png": {"image/png": PIXEL}}
    work["cells"][5]["attachments"] = pictures
    work["cells"].append({**make("note", "see ![](attachment:photo.png)", "markdown"), "attachments": pictures})
    rebuilt, _ = graded(work)
    assert by_id(rebuilt, "why")["attachments"] == by_id(rebuilt, "note")["attachments"] == pictures


def test_running_a_rebuilt_notebook_does_not_change_the_template(work: dict[str, Any]) -> None:
    """The template serves a whole class, so nothing of it is shared with what is run."""
    before = copy.deepcopy(TEMPLATE)
    rebuilt, _ = graded(work)
    rebuilt["metadata"]["kernelspec"]["name"] = "changed"
    for cell in rebuilt["cells"]:
        cell["source"] = "changed"
        cell["metadata"].setdefault("nbgrader", {})["points"] = 0
        cell["metadata"].setdefault("tags", []).append("changed")
        cell.setdefault("outputs", []).append("changed")
    assert before == TEMPLATE


@given(st.lists(st.integers(0, 6), max_size=12), st.lists(st.sampled_from(["cell_type", "source", "metadata", "id"])))
def test_no_shuffling_of_cells_changes_what_is_graded(order: list[int], swapped: list[str]) -> None:
    """Whatever is dropped, repeated, moved or swapped between cells, the graded cells are the template's."""
    cells = [copy.deepcopy(TEMPLATE["cells"][index]) for index in order]
    for key, cell in zip(swapped, cells, strict=False):
        cell[key] = cells[-1][key]
    rebuilt, _ = graded({**TEMPLATE, "cells": cells})
    expect_graded_cells_intact(rebuilt)
    assert len(set(ids(rebuilt))) == len(rebuilt["cells"])


def calls_to_rebuild(questions: int) -> int:
    """How many calls it takes to read and rebuild a notebook of three cells a question, with its saved outputs."""
    cells = []
    for number in range(questions):
        cells.append(make(f"text-{number}", "Some words about the question.\n" * 8, "markdown"))
        cells.append(make(f"a{number}", STUB * 6, nbgrader=mark(f"a{number}", solution=True)))
        cells.append(make(f"q{number}", CHECK * 6, nbgrader=mark(f"q{number}", grade=True, points=1)))
    template = {**TEMPLATE, "cells": cells}
    submission = copy.deepcopy(template)
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": PIXEL * 1000}}
    for cell in submission["cells"][1::3]:
        cell["outputs"] = [picture]
    data = json.dumps(submission, indent=1).encode()
    with counted_calls() as calls:
        rebuild(template, read(data).nb)
    return calls.total()


def test_reading_and_rebuilding_are_linear() -> None:
    """A notebook of sixty cells takes some thousand calls, and one of four times as many four times as many calls."""
    few, many = calls_to_rebuild(20), calls_to_rebuild(80)
    assert few < 10_000
    assert many < 4.5 * few


def sources(nb: dict[str, Any]) -> list[str]:
    return [cell["source"] for cell in nb["cells"]]


TWO_ANSWERS: dict[str, Any] = {
    **TEMPLATE,
    "cells": [
        make("start", "import math"),
        make("f-answer", "def f(x):\n    raise NotImplementedError", nbgrader=mark("f-answer", solution=True)),
        make("g-answer", "raise NotImplementedError", nbgrader=mark("g-answer", solution=True)),
        make("f", "print(f(1))", nbgrader=mark("f", grade=True, locked=True, points=1)),
        make("g", "print(g)", nbgrader=mark("g", grade=True, locked=True, points=1)),
        make("why", "*Your turn*", "markdown", nbgrader=mark("why", grade=True, solution=True, points=2)),
    ],
}


def test_an_answer_that_was_typed_anew_takes_the_place_of_the_stub(work: dict[str, Any]) -> None:
    """The student's own cell between the neighbours of a deleted answer is the answer; no stub comes behind it."""
    work["cells"][2] = make("own", "x = 1")
    rebuilt, problems = graded(work)
    assert by_id(rebuilt, "q-answer")["source"] == "x = 1"
    assert STUB not in sources(rebuilt)
    assert problems == ["the cell 'q-answer' was retyped: the student's own cell in its place was taken"]


def test_answers_typed_anew_in_one_place_are_told_by_what_they_define() -> None:
    """Two deleted answers side by side get each the cell that gives its names, in whatever order they stand."""
    nb = copy.deepcopy(TWO_ANSWERS)
    nb["cells"][1:3] = [make("one", "g = 4"), make("helper", "import os"), make("two", "def f(x):\n    return x")]
    made = rebuild(TWO_ANSWERS, read(json.dumps(nb).encode()).nb)
    assert by_id(made.nb, "f-answer")["source"].startswith("def f(x)")
    assert by_id(made.nb, "g-answer")["source"] == "g = 4"
    assert "import os" in sources(made.nb)
    assert made.unsure == {}


def test_answers_that_cannot_be_told_apart_are_not_judged() -> None:
    """Where one own cell stands for two deleted answers and gives neither's names, both questions wait for a person."""
    nb = copy.deepcopy(TWO_ANSWERS)
    nb["cells"][1:3] = [make("own", "%run my_answers.py")]
    made = rebuild(TWO_ANSWERS, read(json.dumps(nb).encode()).nb)
    assert set(made.unsure) == {"f", "g"}
    assert "can't be told" in made.unsure["f"]


def test_an_answer_given_in_another_cell_is_not_overwritten_by_its_stub() -> None:
    """A deleted answer whose names other cells give comes back as a comment, not as a stub that would undo them."""
    nb = copy.deepcopy(TWO_ANSWERS)
    nb["cells"][0]["source"] += "\ndef f(x):\n    return x"
    del nb["cells"][1]
    made = rebuild(TWO_ANSWERS, read(json.dumps(nb).encode()).nb)
    assert by_id(made.nb, "f-answer")["source"].startswith("#")
    assert "the cell 'f-answer' was deleted; other cells give its answer" in made.problems


def test_an_answer_that_is_nowhere_is_the_stub_again(work: dict[str, Any]) -> None:
    """A deleted answer that nothing in the notebook gives is what was released: unanswered."""
    del work["cells"][2]
    rebuilt, problems = graded(work)
    assert by_id(rebuilt, "q-answer")["source"] == STUB
    assert problems == ["the cell 'q-answer' is missing"]


@pytest.mark.parametrize("place", ["above", "below", "copy"])
def test_a_text_beside_its_untouched_cell_is_the_answer(work: dict[str, Any], place: str) -> None:
    """A text typed above or below the stub, or into a copy of it, is read by a person as the answer."""
    stub = copy.deepcopy(TEMPLATE["cells"][5])
    own = {**stub, "id": "own", "source": "Because."} if place == "copy" else make("own", "Because.", "markdown")
    work["cells"][5:6] = [own, stub] if place == "above" else [stub, own]
    rebuilt, problems = graded(work)
    assert by_id(rebuilt, "why")["source"] == "Because."
    assert len(problems) == 1


def test_a_code_answer_in_a_copy_counts(work: dict[str, Any]) -> None:
    """Where the first cell of a name is untouched, the copy that isn't is the answer."""
    work["cells"].insert(2, {**TEMPLATE["cells"][2], "id": "first"})
    rebuilt, _ = graded(work)
    assert by_id(rebuilt, "q-answer")["source"] == "x = 1"


def test_lines_added_to_a_locked_cell_run_before_it(work: dict[str, Any]) -> None:
    """The locked cell is the original; what the student added runs in a cell of its own, and both are said."""
    work["cells"][4]["source"] = "x = 1\n" + CHECK + "\nprint('mine')"
    rebuilt, problems = graded(work)
    expect_graded_cells_intact(rebuilt)
    assert by_id(rebuilt, "q-added")["source"] == "x = 1\nprint('mine')"
    assert problems == ["the cell 'q' was edited; the original was used; lines that were added run before it"]


def test_a_notebook_without_names_and_ids_is_told_by_texts_and_order(work: dict[str, Any]) -> None:
    """A notebook whose cells were pasted into a fresh one is graded as if nothing had been lost."""
    for number, cell in enumerate(work["cells"]):
        cell["id"], cell["metadata"] = f"fresh-{number}", {}
    rebuilt, problems = graded(work)
    assert sources(rebuilt) == ["# Title", "import math", "x = 1", "train()", CHECK, "Because.", "Well done"]
    expect_graded_cells_intact(rebuilt)
    assert problems == ["its cells have lost their names: they were told by their texts and order"]


def test_a_notebook_that_has_no_names_has_lost_none() -> None:
    """Of a notebook without questions, whose cells have other ids than the release, nothing is said."""
    cells = [{**TEMPLATE["cells"][place], "metadata": {}} for place in (0, 1)]
    handed_in = {**TEMPLATE, "cells": [{**cell, "id": f"fresh-{place}"} for place, cell in enumerate(cells)]}
    rebuilt, problems = graded(handed_in, {**TEMPLATE, "cells": cells})
    assert sources(rebuilt) == ["# Title", "import math"]
    assert problems == []


FUNCTION = "def double(x):\n    raise NotImplementedError('Your turn')"
ANSWER = "def double(x):\n    return 2 * x"


def with_function(*sources: str) -> list[str]:
    """The sources of the answer cell and the student's own cells before the check, of a question for a function."""
    template = copy.deepcopy(TEMPLATE)
    template["cells"][2]["source"] = FUNCTION
    nb = copy.deepcopy(template)
    nb["cells"][2:3] = [
        {**nb["cells"][2], "id": f"cell-{n}"} if source == "the stub" else make(f"own-{n}", source)
        for n, source in enumerate(sources)
    ]
    found = rebuild(template, read(json.dumps(nb).encode()).nb).nb["cells"]
    return [cell["source"] for cell in found[2 : ids({"cells": found}).index("training")]]


def test_a_stub_does_not_undo_the_answer_above_it() -> None:
    """A stub as it was released isn't run where the student's own cell above it defines the same; else it is."""
    answer, stub = with_function(ANSWER, "the stub")
    assert answer == ANSWER
    assert "stands in a cell above" in stub
    assert with_function("y = 1", "the stub") == ["y = 1", FUNCTION]
    assert with_function("the stub", ANSWER) == [FUNCTION, ANSWER]


def test_a_copy_of_the_stub_behind_the_answer_is_left_out(work: dict[str, Any]) -> None:
    """An untouched copy of an answer cell would undo the answer: it isn't run."""
    copied = {**TEMPLATE["cells"][2], "id": "copied"}
    work["cells"].insert(3, copied)
    rebuilt, _ = graded(work)
    assert "copied" not in ids(rebuilt)
    assert by_id(rebuilt, "q-answer")["source"] == "x = 1"


@pytest.mark.parametrize("place", ["imports", "p-answer", "own", "p"])
def test_answers_in_one_cell_are_not_undone_by_stubs_below(place: str) -> None:
    """Whoever wrote all answers into one cell left stubs below, which would take the functions back."""
    stub = f"def f(x):\n    {STUB}"
    first = make("p-answer", STUB, nbgrader=mark("p-answer", solution=True))
    check = make("p", "assert g", nbgrader=mark("p", grade=True, locked=True, points=1))
    second = make("q-answer", stub, nbgrader=mark("q-answer", solution=True))
    template = {**TEMPLATE, "cells": [*TEMPLATE["cells"][:2], first, check, second, *TEMPLATE["cells"][3:]]}
    nb = copy.deepcopy(template)
    nb["cells"].insert(2, make("own", ""))
    by_id(nb, place)["source"] += "\ndef g(x):\n    return x\n\ndef f(x):\n    return g(x)"
    made = rebuild(template, read(json.dumps(nb).encode()).nb)
    assert stub not in [cell["source"] for cell in made.nb["cells"]]
    assert "the cell 'q-answer' is as it was released; the answer above it counts" in made.problems


def test_a_chosen_cell_for_text_runs_as_code() -> None:
    """Where a person takes a Markdown cell for an answer in code, what stands between its fences is the answer."""
    nb = copy.deepcopy(TEMPLATE)
    nb["cells"].append(make("own", "So:\n\n~~~py\nx = 1\n~~~\n\nand\n\n```\ny = 2\n```", "markdown"))
    given = read(json.dumps(nb).encode()).nb
    assert set(rebuild(TEMPLATE, given).unsure) == {"q"}
    made = rebuild(TEMPLATE, with_chosen_cells(TEMPLATE, given, {"q": 8}))
    assert by_id(made.nb, "q-answer")["source"].split() == ["x", "=", "1", "y", "=", "2"]
    assert not made.unsure
