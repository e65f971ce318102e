"""Every sample submission gets the marks and the words that it should, from both faces."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cache
from operator import itemgetter
from pathlib import Path

import pytest
from nbgrader.converters import Autograde

from nbseal.course import Course
from nbseal.gradebook import Recorder
from nbseal.grading import ClassOptions, Grader, grade_class
from nbseal.grading.submission import Submission
from nbseal.results import GradedSubmission, Outcome, QuestionResult, Scorecard, Status
from tests.courses import copy_course, grades
from tests.nbgrader_commands import give
from tests.samples import SAMPLES as SAMPLES_FOLDER
from tests.samples import Sample, kind_of, load_sample, load_samples, some_of_each_kind

# Endless loops stop sooner; no answer takes a tenth of that. 04-backprop and 05-mnist
# have no such loop, and cells that train.
CELL_SECONDS = {"01-gates": 1, "02-xor": 2, "06-crossval": 1, "09-cloud": 1}
SMALLEST = "01-gates"
OTHER_FACE = 10  # samples of an assignment that nbgrader's command grades, too: it takes a second for each
SAMPLES = load_samples()
ASSIGNMENTS = sorted({sample.assignment for sample in SAMPLES})
RIGHT_ANSWERS, MISTAKES = 3, 5  # at least, of each question that is graded by itself


@dataclass(frozen=True)
class Marked:
    """A sample's scorecard; the ``others``' questions on it belong to samples that share the notebook."""

    card: Scorecard
    others: frozenset[str] = frozenset()


@dataclass(frozen=True)
class GradedClass:
    """All samples of an assignment, handed in and graded in parallel."""

    root: Path
    marked: dict[str, Marked]
    registered: Path  # the same course before anything was graded


@pytest.fixture(scope="session")
def class_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GradedClass]:
    """Grades an assignment's samples as one class."""

    @cache
    def attempt(assignment: str) -> Future[GradedClass]:
        outcome: Future[GradedClass] = Future()
        try:
            outcome.set_result(grade_samples(assignment, tmp_path_factory.mktemp(assignment)))
        except Exception as error:  # kept, so that it isn't tried again for each sample
            outcome.set_exception(error)
        return outcome

    return lambda assignment: attempt(assignment).result()


def grade_samples(assignment: str, folder: Path) -> GradedClass:
    """Grade samples that change one question several to a notebook, and those alone that then get other marks."""
    root = copy_course(folder / "course", [assignment], limits(assignment))
    samples = load_samples(assignment)
    shared = share_notebooks(samples, some_of_each_kind(assignment, OTHER_FACE))
    names = {f"together_{number}": chosen for number, chosen in enumerate(shared) if len(chosen) > 1}
    names |= {chosen[0].name: chosen for chosen in shared if len(chosen) == 1}
    for name, chosen in names.items():
        cells = {grade_id: source for sample in chosen for grade_id, source in sample.cells.items()}
        one = replace(chosen[0], case=replace(chosen[0].case, cells=cells))
        one.write(root / "submitted" / name / assignment)
    with Recorder(Course(root)) as recorder:
        recorder.prepare(assignment)
    registered = shutil.copytree(root, folder / "other")
    cards = grade_all(root, assignment)
    marked: dict[str, Marked] = {}
    for name, chosen in names.items():
        for sample in chosen:
            others = frozenset(question for other in chosen if other is not sample for question in other.expect)
            marked[sample.name] = Marked(cards[name], others)
    disturbed = [one for one in samples if marked[one.name].others and deviations(one, marked[one.name])]
    for sample in disturbed:
        sample.write(root / "submitted" / sample.name / assignment)
    cards = grade_all(root, assignment)
    return GradedClass(root, marked | {one.name: Marked(cards[one.name]) for one in disturbed}, registered)


def grade_all(root: Path, assignment: str) -> dict[str, Scorecard]:
    """Grade what is new; the scorecards of that."""
    result = grade_class(Course(root), assignment, ClassOptions(jobs=2))
    assert result.troubles == []
    return {card.student: card for card in result.scorecards}


def share_notebooks(samples: Iterable[Sample], alone: Collection[str]) -> list[list[Sample]]:
    """Samples that stand in one notebook, since each has a mistake in another question."""
    shared, single = list[list[Sample]](), list[list[Sample]]()
    for sample in samples:
        if (
            sample.name in alone
            or kind_of(sample) != "fail"
            or [f"{one}-answer" for one in sample.expect] != [*sample.cells]
        ):
            single.append([sample])
            continue
        free = (chosen for chosen in shared if all(one.cells.keys() != sample.cells.keys() for one in chosen))
        if place := next(free, None):
            place.append(sample)
        else:
            shared.append([sample])
    return shared + single


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.assignment}-{sample.name}")
def test_a_sample_gets_its_marks_and_its_words(sample: Sample, class_of: Callable[[str], GradedClass]) -> None:
    """The named questions get the expected marks and words, all others full marks, and a text waits for a person."""
    assert deviations(sample, class_of(sample.assignment).marked[sample.name]) == []


def deviations(sample: Sample, marked: Marked) -> list[str]:
    """What is other than the sample wants it."""
    found = []
    for question in marked.card.questions:
        said, wanted = messages(question), sample.expect.get(question.grade_id)
        if wanted:
            right = question.score == wanted.score and all(word.lower() in said.lower() for word in wanted.words)
        elif question.status is Status.MANUAL:
            right = question.score is None
        elif sample.base == "solution":
            right = question.score == question.max_score or question.grade_id in marked.others
        else:
            right = question.score == 0
        if not right:
            found.append(f"{question.grade_id}: {question.score} {said!r}, not {wanted} {marked.card.problems}")
    return found


def limits(assignment: str) -> str:
    """The settings of a course for its samples."""
    return f"c.Seal.cell_seconds = {CELL_SECONDS[assignment]}" if assignment in CELL_SECONDS else ""


def messages(question: QuestionResult) -> str:
    """What the student is told about a question."""
    return " ".join(test.message for test in question.tests if test.outcome is Outcome.FAILED)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_untouched_release_gets_nothing_and_no_complaint(
    assignment: str, class_of: Callable[[str], GradedClass]
) -> None:
    """Who hands in the release gets 0 of the points that are given without a person, and nothing needs attention."""
    card = class_of(assignment).marked["fail_untouched"].card
    assert card.score == 0
    assert card.problems == ()
    assert {question.status for question in card.questions} == {Status.GRADED}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_nothing_that_was_foreseen_goes_unjudged(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """No sample makes a hidden test fail by itself."""
    cards = [one.card for one in class_of(assignment).marked.values()]
    waiting = [card for card in cards if any(question.status is Status.NOT_JUDGED for question in card.questions)]
    assert [(card.student, card.problems) for card in waiting] == []


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_both_faces_give_the_same_marks(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """nbgrader's command writes what the parallel way does, for each question, with who must look again."""
    graded = class_of(assignment)
    chosen = some_of_each_kind(assignment, OTHER_FACE)
    for folder in (graded.registered / "submitted").iterdir():
        if folder.name not in chosen:
            shutil.rmtree(folder)
    code, log = give("autograde", assignment, cwd=graded.registered)
    assert code == 0, log[-4000:]
    assert log.count("Autograding") == len(chosen)
    ours, theirs = grades(graded.root, assignment), grades(graded.registered, assignment)
    assert set(theirs) == set(chosen)
    different = {name: (ours[name], theirs[name]) for name in chosen if ours[name] != theirs[name]}
    assert different == {}, "(nbseal grade, nbgrader autograde) by sample"


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_both_faces_are_compared_on_samples_of_all_kinds(assignment: str) -> None:
    """Each kind of sample that an assignment has is among those that nbgrader's command grades, too."""
    chosen = some_of_each_kind(assignment, OTHER_FACE)
    assert len(set(chosen)) == OTHER_FACE
    assert {kind_of(one) for one in load_samples(assignment) if one.name in chosen} == set(
        map(kind_of, load_samples(assignment))
    )


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # what nbgrader 0.9.6 itself does to SQLAlchemy 2
def test_both_faces_grade_by_the_same_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each submission goes through Grader.grade_submission once, whichever face is asked, and gets the same card."""
    course = Course(copy_course(tmp_path / "course", [SMALLEST], limits(SMALLEST)))
    chosen = some_of_each_kind(SMALLEST, 4)
    for name in chosen:
        load_sample(SAMPLES_FOLDER / SMALLEST / name).write(course.folder("submitted", name, SMALLEST))
    seen: list[tuple[str, str, str, tuple[QuestionResult, ...]]] = []
    grade_submission = Grader.grade_submission

    def noted(self: Grader, student: str, submission: Submission) -> GradedSubmission:
        graded = grade_submission(self, student, submission)
        seen.append((student, submission.digest, graded.digest, graded.scorecard.questions))
        return graded

    monkeypatch.setattr(Grader, "grade_submission", noted)
    with Recorder(course) as recorder:
        recorder.prepare(SMALLEST)
    course.coursedir.assignment_id = SMALLEST
    Autograde(coursedir=course.coursedir, config=course.config).start()
    by_command, seen[:] = list(seen), []
    grade_class(Course(course.root), SMALLEST, ClassOptions(jobs=2, force=True))
    assert [student for student, *_ in by_command] == chosen
    assert sorted(seen, key=itemgetter(0)) == by_command


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_each_question_has_enough_samples(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """Each question that is graded by itself is proven on several right answers and on named mistakes."""
    marked = class_of(assignment).marked
    questions = marked["fail_untouched"].card.questions
    read = {one.grade_id for sample in marked.values() for one in sample.card.questions if one.status is Status.MANUAL}
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
