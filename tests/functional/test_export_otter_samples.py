"""Every sample submission has the same marks in otter's results and by `nbseal check`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbseal.grading import Grader
from tests.otters import ASSIGNMENT, SealedGrader, as_test_files, both_sides, export_gates, marks_of
from tests.samples import Sample, load_samples, some_of_each_kind


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Grader, Grader]]:
    """The plugin's grader and that of `nbseal check`."""
    with both_sides(export_gates(tmp_path_factory.mktemp("otter") / "course")) as graders:
        yield graders


QUICKLY = some_of_each_kind(ASSIGNMENT, 10)
EACH = [
    pytest.param(one, id=one.name, marks=[] if one.name in QUICKLY else pytest.mark.slow)
    for one in load_samples(ASSIGNMENT)
]


@pytest.mark.parametrize("one", EACH)
def test_the_plugin_gives_the_marks_of_nbseal_check(one: Sample, sides: tuple[Grader, Grader], tmp_path: Path):
    """Otter's questions have the engine's marks and points, and none that the engine has not made."""
    inside, outside = sides
    one.write(tmp_path)
    with ThreadPoolExecutor(1) as other:  # endless loops run into their limits on both sides at once
        ours = other.submit(outside.grade, "somebody", tmp_path)
        found = as_test_files(SealedGrader.grade(inside, tmp_path))
    card = ours.result().scorecard
    assert {name: test.score for name, test in found.items()} == marks_of(card)
    assert {name: test.possible for name, test in found.items()} == pytest.approx(
        {question.grade_id: question.max_score for question in card.questions if question.score is not None}
    )
