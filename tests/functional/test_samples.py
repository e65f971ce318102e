"""Every sample submission gets the marks and the words that it should, from both faces."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.grading import ClassOptions, grade_class
from nbseal.results import Outcome, QuestionResult, Scorecard, Status
from tests.courses import command, copy_course, end, environment, grades, run
from tests.samples import Sample, load_samples

ENDLESS_LOOPS_STOP_SOONER = "c.Seal.cell_seconds = 2"
TRAINS = "05-mnist"  # has no endless loop, and training that takes seconds on a busy machine
SAMPLES = load_samples()
ASSIGNMENTS = sorted({sample.assignment for sample in SAMPLES})
RIGHT_ANSWERS, MISTAKES = 3, 5  # at least, of each question that is graded by itself


@dataclass(frozen=True)
class GradedClass:
    """All samples of an assignment, handed in and graded by both faces."""

    root: Path
    cards: dict[str, Scorecard]
    other_root: Path
    other_face: subprocess.Popen


@pytest.fixture(scope="session")
def class_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], GradedClass]]:
    """Grades an assignment's samples as one class: here, and by nbgrader's own command in another course."""
    started: list[subprocess.Popen] = []

    @cache
    def attempt(assignment: str) -> Future[GradedClass]:
        outcome: Future[GradedClass] = Future()
        try:
            outcome.set_result(grade(assignment))
        except Exception as error:  # kept, so that it isn't tried again for each sample
            outcome.set_exception(error)
        return outcome

    def grade(assignment: str) -> GradedClass:
        folder = tmp_path_factory.mktemp(assignment)
        root = copy_course(folder / "course", [assignment], "" if assignment == TRAINS else ENDLESS_LOOPS_STOP_SOONER)
        for sample in load_samples(assignment):
            sample.write(root / "submitted" / sample.name / assignment)
        registered = run("nbgrader", "generate_assignment", assignment, cwd=root)
        assert registered.returncode == 0, registered.stderr
        other = shutil.copytree(root, folder / "other")
        autograde = command("nbgrader", "autograde", assignment)
        with (folder / "autograde.log").open("w") as log:
            started.append(subprocess.Popen(autograde, cwd=other, env=environment(), stdout=log, stderr=log))
        result = grade_class(Course(root), assignment, ClassOptions(jobs=2))
        assert result.troubles == []
        return GradedClass(root, {card.student: card for card in result.scorecards}, other, started[-1])

    yield lambda assignment: attempt(assignment).result()
    for process in started:
        end(process)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.assignment}-{sample.name}")
def test_a_sample_gets_its_marks_and_its_words(sample: Sample, class_of: Callable[[str], GradedClass]) -> None:
    """The named questions get the expected marks and words, all others full marks, and a text waits for a person."""
    card = class_of(sample.assignment).cards[sample.name]
    for question in card.questions:
        if question.grade_id in sample.expect:
            wanted = sample.expect[question.grade_id]
            said = messages(question)
            assert question.score == wanted.score, f"{question.grade_id}: {said} {card.problems}"
            missing = [word for word in wanted.words if word.lower() not in said.lower()]
            assert not missing, f"{question.grade_id}: {missing} not in {said!r}"
        elif question.status is Status.MANUAL:
            assert question.score is None
        elif sample.base == "solution":
            assert question.score == question.max_score, f"{question.grade_id}: {messages(question)} {card.problems}"
        else:
            assert question.score == 0, question.grade_id


def messages(question: QuestionResult) -> str:
    """What the student is told about a question."""
    return " ".join(test.message for test in question.tests if test.outcome is Outcome.FAILED)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_untouched_release_gets_nothing_and_no_complaint(
    assignment: str, class_of: Callable[[str], GradedClass]
) -> None:
    """Who hands in the release gets 0 of the points that are given without a person, and nothing needs attention."""
    card = class_of(assignment).cards["fail_untouched"]
    assert card.score == 0
    assert card.problems == ()
    assert {question.status for question in card.questions} == {Status.GRADED}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_nothing_that_was_foreseen_goes_unjudged(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """No sample makes a hidden test fail by itself."""
    cards = class_of(assignment).cards.values()
    waiting = [card for card in cards if any(question.status is Status.NOT_JUDGED for question in card.questions)]
    assert [(card.student, card.problems) for card in waiting] == []


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_both_faces_give_the_same_marks(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """nbgrader's command writes what the parallel way does, for each question, with who must look again."""
    graded = class_of(assignment)
    log = graded.other_root.with_name("autograde.log")
    assert graded.other_face.wait(timeout=240) == 0, log.read_text()[-4000:]
    ours = grades(graded.root, assignment)
    assert set(ours) == set(graded.cards)
    theirs = grades(graded.other_root, assignment)
    assert set(theirs) == set(ours)
    different = {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
    assert different == {}, "(nbseal grade, nbgrader autograde) by sample"
    assert log.read_text().count("Autograding") == len(graded.cards)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_each_question_has_enough_samples(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """Each question that is graded by itself is proven on several right answers and on named mistakes."""
    cards = class_of(assignment).cards
    questions = cards["fail_untouched"].questions
    read = {one.grade_id for card in cards.values() for one in card.questions if one.status is Status.MANUAL}
    found = {question.grade_id: [0, 0] for question in questions if question.grade_id not in read}
    points = {question.grade_id: question.max_score for question in questions}
    for sample in load_samples(assignment):
        for grade_id, wanted in sample.expect.items():
            right = sample.verdict == "pass" and wanted.score == points[grade_id]
            own = f"{grade_id}-answer" in sample.cells or (sample.folder / "make.py").exists()
            mistake = sample.verdict != "pass" and wanted.score < points[grade_id] and sample.name != "fail_untouched"
            found[grade_id][0] += right and own
            found[grade_id][1] += mistake
    short = {name: counts for name, counts in found.items() if counts[0] < RIGHT_ANSWERS or counts[1] < MISTAKES}
    assert short == {}, "question: [right answers, mistakes]"
