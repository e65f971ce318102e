"""Every sample submission gets the marks and the words that it should, from both faces."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from nbgrader.converters import Autograde

from nbseal.course import Course
from nbseal.gradebook import Recorder
from nbseal.grading import ClassOptions, Grader, grade_class
from nbseal.grading.submission import Task
from nbseal.grading.trials import Answer, Excerpt, trial
from nbseal.results import GradedSubmission, Outcome, QuestionResult, Scorecard, Status
from nbseal.verify.known_cases import KnownCase, base_notebook, with_cells
from nbseal.verify.probing import asked_of
from nbseal.verify.variants import answer_cells
from tests.courses import copy_course, grades
from tests.nbgrader_commands import give
from tests.samples import SAMPLES as SAMPLES_FOLDER
from tests.samples import Sample, kind_of, load_sample, load_samples, some_of_each_kind
from tests.turns import every

# Endless loops stop sooner; no answer takes a tenth of that. 04-backprop and 05-mnist
# have no such loop, and cells that train.
CELL_SECONDS = {"01-gates": 1, "02-xor": 2, "06-crossval": 1, "09-cloud": 1}
SMALLEST = "01-gates"
OTHER_FACE = 10  # samples of an assignment that nbgrader's command grades, too: it takes a second for each
BOTH_AT_ONCE = ("01-gates",)  # assignments whose other face `make test` tries; `make test-slow` has the rest
UNTOUCHED = "fail_untouched"
AT_ONCE = 2  # whole notebooks of each other assignment that `make test` grades
SAMPLES = load_samples()
ASSIGNMENTS = sorted({sample.assignment for sample in SAMPLES})
BY_QUESTION = ("pass", "fail")  # kinds of samples whose questions are tried one by one; others are whole notebooks
JOBS = 2
RIGHT_ANSWERS, MISTAKES = 3, 5  # at least, of each question that is graded by itself


@dataclass(frozen=True)
class GradedClass:
    """An assignment's samples: some graded as whole notebooks, most tried on what they are about."""

    cards: dict[str, Scorecard]
    tried: dict[str, list[QuestionResult]]


@pytest.fixture(scope="session")
def class_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GradedClass]:
    """Grades an assignment's samples, as far as this run asks for them."""
    asked = set()
    for item in request.session.items:
        match getattr(getattr(item, "callspec", None), "params", {}) if item.path == Path(__file__) else {}:
            case {"sample": sample}:
                asked.add((sample.assignment, sample.name))
            case {"assignment": assignment}:
                asked.add((assignment, UNTOUCHED))

    @cache
    def attempt(assignment: str) -> Future[GradedClass]:
        outcome: Future[GradedClass] = Future()
        try:
            samples = [one for one in load_samples(assignment) if (assignment, one.name) in asked]
            outcome.set_result(grade_samples(assignment, samples, tmp_path_factory.mktemp(assignment)))
        except Exception as error:  # kept, so that it isn't tried again for each sample
            outcome.set_exception(error)
        return outcome

    return lambda assignment: attempt(assignment).result()


def grade_samples(assignment: str, samples: Sequence[Sample], folder: Path) -> GradedClass:
    """Try samples on their own questions alone, and grade those of other kinds, and deviating ones, as a whole."""
    root = copy_course(folder / "course", [assignment], limits(assignment))
    whole = some_of_each_kind(assignment, OTHER_FACE)
    alone = [one for one in samples if one.name not in whole and is_tried_by_question(one)]
    with Grader(Course(root), assignment) as grader, ThreadPoolExecutor(JOBS) as executor:
        tried = try_questions(grader, executor, alone)
        tried = {one.name: tried[one.name] for one in alone if not deviations(one, tried[one.name])}

        def graded(sample: Sample) -> Scorecard:
            return grader.grade(sample.name, sample.write(folder / sample.name / assignment).parent).scorecard

        cards = executor.map(graded, [sample for sample in samples if sample.name not in tried])
        return GradedClass({card.student: card for card in cards}, tried)


def is_tried_by_question(sample: Sample) -> bool:
    """Whether what a sample is about shows without grading its whole notebook."""
    return sample.base == "solution" and sample.verdict in BY_QUESTION and bool(sample.expect)


def by_turns(samples: Sequence[Sample]) -> list[ParameterSet]:
    """All samples; most of them wait for the slow run, but some of each assignment and of each kind."""
    at_once = {(one, name) for one in ASSIGNMENTS for name in some_of_each_kind(one, AT_ONCE)}
    return [
        pytest.param(
            one,
            id=f"{one.assignment}-{one.name}",
            marks=[] if (one.assignment, one.name) in at_once else every(10, number),
        )
        for number, one in enumerate(samples)
    ]


def try_questions(grader: Grader, executor: Executor, samples: Sequence[Sample]) -> dict[str, list[QuestionResult]]:
    """What samples get for the questions that they are about, each run with no more cells than its question needs."""
    course, assignment, plan = grader.course, grader.assignment, grader.plan.notebooks[0]
    questions = {question.grade_id: question for question in plan.questions}
    solution = KnownCase("solution", SAMPLES_FOLDER / assignment.name / "solution")
    solved = base_notebook(course, assignment, plan.name, "solution")

    def tried(sample: Sample, grade_id: str) -> QuestionResult:
        question, case = questions[grade_id], sample.case
        notebook = with_cells(solved, sample.cells)
        excerpt = Excerpt(answer_cells(plan.template, question), asked[grade_id])
        with trial(grader, plan, question, Answer(notebook, case.beside), excerpt) as outcome:
            return outcome.score(outcome.judge(0, case.beside))

    with trial(grader, plan, list(questions.values())[-1], Answer(solved, solution.beside)) as outcome:
        verdict = outcome.judge(0, solution.beside, recorded=True, questions=questions)
    asked = {grade_id: frozenset(asked_of(grade_id, verdict.asked).names) for grade_id in questions}
    waiting = {one.name: [executor.submit(tried, one, grade_id) for grade_id in one.expect] for one in samples}
    return {name: [future.result() for future in futures] for name, futures in waiting.items()}


@pytest.mark.parametrize("sample", by_turns(SAMPLES))
def test_a_sample_gets_its_marks_and_its_words(sample: Sample, class_of: Callable[[str], GradedClass]) -> None:
    """The named questions get the expected marks and words, all others full marks, and a text waits for a person."""
    graded = class_of(sample.assignment)
    questions = graded.tried.get(sample.name) or graded.cards[sample.name].questions
    assert deviations(sample, questions) == []


def deviations(sample: Sample, questions: Iterable[QuestionResult]) -> list[str]:
    """What is other than the sample wants it."""
    found = []
    for question in questions:
        said, wanted = messages(question), sample.expect.get(question.grade_id)
        if wanted:
            right = question.score == wanted.score and all(word.lower() in said.lower() for word in wanted.words)
        elif question.status is Status.MANUAL:
            right = question.score is None
        else:
            right = question.score == (question.max_score if sample.base == "solution" else 0)
        if not right:
            found.append(f"{question.grade_id}: {question.score} {said!r}, not {wanted}")
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
    card = class_of(assignment).cards[UNTOUCHED]
    assert card.score == 0
    assert card.problems == ()
    assert {question.status for question in card.questions} == {Status.GRADED}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_nothing_that_was_foreseen_goes_unjudged(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """No sample makes a hidden test fail by itself."""
    graded = class_of(assignment)
    questions = {name: list(card.questions) for name, card in graded.cards.items()} | graded.tried
    waiting = [name for name, found in questions.items() if any(one.status is Status.NOT_JUDGED for one in found)]
    assert waiting == []


@pytest.mark.parametrize(
    "assignment",
    [pytest.param(one, marks=[] if one in BOTH_AT_ONCE else pytest.mark.slow) for one in ASSIGNMENTS],
)
def test_both_faces_give_the_same_marks(assignment: str, tmp_path: Path) -> None:
    """nbgrader's command writes what the parallel way does, for each question, with who must look again."""
    chosen = some_of_each_kind(assignment, OTHER_FACE)
    root = copy_course(tmp_path / "course", [assignment], limits(assignment))
    for name in chosen:
        load_sample(SAMPLES_FOLDER / assignment / name).write(root / "submitted" / name / assignment)
    with Recorder(Course(root)) as recorder:
        recorder.prepare(assignment)
    other = shutil.copytree(root, tmp_path / "other")
    result = grade_class(Course(root), assignment, ClassOptions(jobs=JOBS))
    assert result.troubles == []
    for card in result.scorecards:
        assert deviations(load_sample(SAMPLES_FOLDER / assignment / card.student), card.questions) == []
    code, log = give("autograde", assignment, cwd=other)
    assert code == 0, log[-4000:]
    assert log.count("Autograding") == len(chosen)
    ours, theirs = grades(root, assignment), grades(other, assignment)
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
    """Each submission goes through Grader.grade_task once, whichever face is asked, and gets the same card."""
    course = Course(copy_course(tmp_path / "course", [SMALLEST], limits(SMALLEST)))
    chosen = some_of_each_kind(SMALLEST, 4)
    for name in chosen:
        load_sample(SAMPLES_FOLDER / SMALLEST / name).write(course.folder("submitted", name, SMALLEST))
    seen: list[tuple[str, str, str, tuple[QuestionResult, ...]]] = []
    grade_task = Grader.grade_task

    def noted(self: Grader, task: Task) -> GradedSubmission:
        graded = grade_task(self, task)
        seen.append((task.student, task.handed_in.digest, graded.digest, graded.scorecard.questions))
        return graded

    monkeypatch.setattr(Grader, "grade_task", noted)
    with Recorder(course) as recorder:
        recorder.prepare(SMALLEST)
    course.coursedir.assignment_id = SMALLEST
    Autograde(coursedir=course.coursedir, config=course.config).start()
    by_command, seen[:] = list(seen), []
    grade_class(Course(course.root), SMALLEST, ClassOptions(jobs=JOBS, force=True))
    assert [student for student, *_ in by_command] == chosen
    assert sorted(seen, key=itemgetter(0)) == by_command


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_each_question_has_enough_samples(assignment: str, class_of: Callable[[str], GradedClass]) -> None:
    """Each question that is graded by itself is proven on several right answers and on named mistakes."""
    cards = class_of(assignment).cards
    questions = cards[UNTOUCHED].questions
    read = {one.grade_id for card in cards.values() for one in card.questions if one.status is Status.MANUAL}
    found = {question.grade_id: [0, 0] for question in questions if question.grade_id not in read}
    points = {question.grade_id: question.max_score for question in questions}
    for sample in load_samples(assignment):
        for grade_id, wanted in sample.expect.items():
            right = sample.verdict == "pass" and wanted.score == points[grade_id]
            own = f"{grade_id}-answer" in sample.cells or (sample.folder / "make.py").exists()
            mistake = sample.verdict != "pass" and wanted.score < points[grade_id] and sample.name != UNTOUCHED
            found[grade_id][0] += right and own
            found[grade_id][1] += mistake
    short = {name: counts for name, counts in found.items() if counts[0] < RIGHT_ANSWERS or counts[1] < MISTAKES}
    assert short == {}, "question: [right answers, mistakes]"
