"""Verifies the grader of one question, and says what it got wrong."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock

from nbseal.grading.plan import NotebookPlan
from nbseal.grading.trials import Answer
from nbseal.notebook import Question
from nbseal.results import TEST_ITSELF_FAILED, Outcome
from nbseal.verify.known_cases import RELEASE, SOLUTION, KnownCase
from nbseal.verify.leaks import leaks
from nbseal.verify.question_bench import Bench, QuestionBench, some
from nbseal.verify.results import Failed, Finding, Problem, QuestionResults, Tried
from nbseal.verify.variants import Kind, RightAnswer, Variant, answer_cells, difference, with_variant

WITNESSES = 12  # answers that one test has caught, with others that waited for it: so many are tried without it
WRONG = (Kind.MUTANT, Kind.IDEA)
# Sealed processes have one of NumPy's threads. Two add up in another order, and so round in another way.
ALONE = Lock()
TWO_THREADS = """
try:
    import threadpoolctl
    threadpoolctl.threadpool_limits(2)
except ImportError:
    pass
"""


@dataclass(frozen=True)
class Known:
    """A known case as it is handed in, and the questions that it is about."""

    case: KnownCase
    answer: Answer
    questions: frozenset[str]


class QuestionRun:
    """One question's verification, from its known cases to what was found."""

    def __init__(
        self,
        bench: Bench,
        plan: NotebookPlan,
        question: Question,
        known: Sequence[Known],
        draws: int,
        sample: int | None,
    ) -> None:
        about = [one for one in known if question.grade_id in one.questions]
        always = [one for one in about if one.case.name in (SOLUTION, RELEASE)]
        others = [one for one in about if one not in always]
        self._known = [*always, *some(others, sample, question.grade_id)]
        solution = next(one for one in known if one.case.name == SOLUTION)
        points = {one.grade_id: one.points for one in plan.questions}
        own = set(answer_cells(plan.template, question))
        rights = [one for one in self._known if one.case.is_right(points) and not own.isdisjoint(one.case.cells)]
        rights = [solution, *rights]
        answers = [RightAnswer(one.case.name, one.answer.notebook, one.answer.files) for one in rights]
        self._bench = QuestionBench(bench, plan, question, answers)
        self._draws, self._sample = draws, sample
        tests = bench.tests(question.grade_id)
        self._found = QuestionResults(bench.grader.assignment.name, question.grade_id, question.points, len(tests))
        self._tests = {test.nodeid: test.line for test in tests}
        self._wrong: list[tuple[Answer, Tried]] = []  # answers that lost marks as they should

    def results(self) -> QuestionResults:
        """Try everything; what was found."""
        started = time.monotonic()
        if not self._tests:
            self._found.notes.append("no hidden tests: nbgrader's own rule decides")
        self._find_promises()
        fault = self._bench.get_ready()
        if self._bench.refused:
            names = ", ".join(self._bench.refused)
            self._found.notes.append(f"the oracle refuses {names}, so that no mutants of it are tried")
        for test in self._bench.dependent:
            said = f"{test} gives another result alone than after the question's other tests"
            self._add(Problem.FAULT, Kind.CASE, self._tests[test], said)
        if fault:
            self._add(Problem.FAULT, Kind.CASE, SOLUTION, fault)
        else:
            self._try_known()
            self._try_variants()
            self._find_redundant()
            self._read_feedback()
        self._found.findings.sort(key=lambda one: not one.counts)
        self._found.seconds = time.monotonic() - started
        return self._found

    def _find_promises(self) -> None:
        """What hidden tests say that they enforce must stand in the notebook that students get."""
        tests = self._bench.bench.tests(self._found.question)
        text = _plain("\n".join(cell["source"] for cell in self._bench.plan.template["cells"]))
        for test in tests:
            if test.promise and _plain(test.promise) not in text:
                said = f"{test.nodeid} enforces “{test.promise}”, which the notebook doesn't say"
                self._add(Problem.FAULT, Kind.CASE, test.line, said)
        silent = [test.nodeid.rpartition("::")[2] for test in tests if not test.promise]
        if silent:
            self._found.notes.append(f"no promise of the notebook is named by {', '.join(silent)}")

    def _add(self, problem: Problem, kind: Kind, name: str, said: str = "", changed: str = "") -> None:
        finding = Finding(problem, self._found.question, str(kind), name, said, changed)
        self._found.findings.append(self._bench.bench.accepted.look_up(finding))

    def _try_known(self) -> None:
        """Known cases, each under many draws, and those that get marks with two threads, too."""
        # What the judge can't be asked under another draw is asked once.
        draws = range(self._draws if self._tests else 1)
        marked = []
        for known, tried in self._all_known(self._known, draws):
            self._found.tried[Kind.CASE] += 1
            self._judge_known(known, tried)
            if any(tried.scores):
                marked.append((replace(known, answer=replace(known.answer, at_first=(TWO_THREADS,))), tried))
        again = self._all_known([known for known, _ in marked], range(1), self._try_alone)
        for (known, before), (_, tried) in zip(marked, again, strict=True):
            if tried.score != before.score:
                said = f"{_rates(tried)} with two threads, {_rates(before)} with one: {_reasons(tried)}"
                self._add(Problem.UNSTABLE, Kind.CASE, known.case.name, said)

    def _try_alone(self, answer: Answer, draws: range) -> Tried:
        """Try an answer while no other one is tried so: threads of two would wait for processors until time is up."""
        with ALONE:
            return self._bench.try_answer(answer, draws)

    def _all_known(
        self, known: Sequence[Known], draws: range, try_answer: Callable[[Answer, range], Tried] | None = None
    ) -> list[tuple[Known, Tried]]:
        """Known cases with their outcomes."""
        try_answer = try_answer or self._bench.try_answer
        tasks = {number: partial(try_answer, one.answer, draws) for number, one in enumerate(known)}
        about = f"case for {self._found.question}"
        keys = {number: _key(about, one.answer, *map(str, draws)) for number, one in enumerate(known)}
        return [(known[number], tried) for number, tried in self._all(tasks, keys).items()]

    def _judge_known(self, known: Known, tried: Tried) -> None:
        case, points = known.case, self._found.points
        expected = case.expect.get(self._found.question)
        wanted = expected.score if expected else (points if case.base == SOLUTION else 0.0)
        changed = "\n".join(f"# {name}\n{source.strip()}" for name, source in case.cells.items())
        add = partial(self._add, kind=Kind.CASE, name=case.name, changed=changed)
        self._find_faults(Kind.CASE, case.name, tried, changed)
        if len(set(tried.scores)) > 1:
            add(Problem.UNSTABLE, said=_rates(tried))
        elif tried.score is None:
            add(Problem.FALSE_REJECT, said=f"no mark could be made: {_reasons(tried)}")
        elif tried.score > wanted + 1e-9:
            add(Problem.FALSE_ACCEPT, said=f"{tried.score:g} marks instead of {wanted:g}")
        elif tried.score < wanted - 1e-9:
            add(Problem.FALSE_REJECT, said=f"{tried.score:g} marks instead of {wanted:g}: {_reasons(tried)}")
        said = " ".join(f"{one.line} {one.message}" for one in tried.failed)
        if missing := [word for word in (expected.words if expected else ()) if word not in said]:
            add(Problem.WORDS, said=f"{', '.join(map(repr, missing))} not in: {said}")
        if wanted < points:
            self._wrong.append((known.answer, tried))
            if tried.passes_check and case.base == SOLUTION:
                add(Problem.SELF_CHECK, said=_reasons(tried))

    def _try_variants(self) -> None:
        """Answers made from right ones."""
        variants = list(self._bench.variants(self._sample))
        tasks = {number: partial(self._bench.try_variant, one) for number, one in enumerate(variants)}
        keys = {number: f"{self._found.question} {one.digest}" for number, one in enumerate(variants)}
        for number, tried in self._all(tasks, keys).items():
            variant = variants[number]
            self._found.tried[variant.kind] += 1
            right = next(one for one in self._bench.rights if one.name == variant.right)
            changed = difference(right, variant, self._bench.cells(right))
            self._find_faults(variant.kind, variant.name, tried, changed)
            if variant.kind in WRONG:
                self._judge_wrong(right, variant, tried, changed)
            elif variant.kind is Kind.ADVERSARY:
                self._judge_adversary(variant, tried, changed)
            elif any(score != self._found.points for score in tried.scores):
                self._add(
                    Problem.FALSE_REJECT, variant.kind, variant.name, f"{_rates(tried)}: {_reasons(tried)}", changed
                )

    def _judge_wrong(self, right: RightAnswer, variant: Variant, tried: Tried, changed: str) -> None:
        """A mutant or a wrong idea: caught, or as good as the right answer, or a survivor."""
        full = tried.score == self._found.points
        if not full:
            self._found.caught += 1
            if tried.oracle is True:
                said = f"right by the oracle, but {tried.score or 0:g} marks: {_reasons(tried)}"
                self._add(Problem.FALSE_REJECT, variant.kind, variant.name, said, changed)
                return
            notebook = with_variant(right, variant, list(self._bench.cells(right)))
            self._wrong.append((Answer(notebook, right.files, variant.before_check), tried))
        elif tried.oracle is True or (tried.oracle is None and tried.alike):
            self._found.equivalent += 1
        else:
            self._found.survived += 1
            said = "wrong by the oracle" if tried.oracle is False else f"other than the right answer: {tried.evidence}"
            self._add(Problem.FALSE_ACCEPT, variant.kind, variant.name, f"full marks, though {said}", changed)

    def _judge_adversary(self, variant: Variant, tried: Tried, changed: str) -> None:
        """Who knows nothing gets nothing."""
        if any(tried.scores) and not tried.oracle:  # whoever is right by chance is right
            passed = self._tests.keys() - {one.test for one in tried.failed}
            said = (
                f"{_rates(tried)} for knowing nothing; passed: {'; '.join(self._tests[one] for one in sorted(passed))}"
            )
            self._add(Problem.FALSE_ACCEPT, variant.kind, variant.name, said, changed)

    def _find_faults(self, kind: Kind, name: str, tried: Tried, changed: str) -> None:
        """A hidden test that failed by itself, or that gives hidden inputs away, is the grader's fault."""
        for one in tried.failed:
            if one.outcome == Outcome.NOT_JUDGED and one.message.startswith(TEST_ITSELF_FAILED) and not one.blocked:
                self._add(Problem.FAULT, kind, name, f"{one.test}: {one.message}", changed)
        for said in leaks(tried.failed, self._bench.secrets):
            self._add(Problem.FAULT, kind, name, f"the feedback gives away what is asked of everybody: {said}", changed)

    def _find_redundant(self) -> None:
        """Tests without which nothing more would get full marks, as far as what was tried can tell."""
        if len(self._tests) < 2 or self._sample is not None:
            return
        for test, line in self._tests.items():
            alone = [pair for pair in self._wrong if _fails_alone(test, pair[1].failed)]
            if any(len(tried.failed) == 1 for _, tried in alone):
                continue  # all other tests have passed
            if not any(self._passes_without(test, answer) for answer, _ in alone[:WITNESSES]):
                self._add(Problem.REDUNDANT, Kind.CASE, line, f"nothing that was tried is caught by {test} alone")

    def _read_feedback(self) -> None:
        """What can be learnt from feedback alone, by handing in again and again."""
        if not self._tests or self._sample is not None:
            return
        learnt = self._all({0: self._bench.learn}, {0: f"{self._found.question} read off the feedback"})[0]
        if learnt.evidence:
            said = f"an answer copied from earlier feedback gets marks: {learnt.evidence}"
            self._add(Problem.FAULT, Kind.ADVERSARY, "automatic student", said)

    def _passes_without(self, test: str, answer: Answer) -> bool:
        key = _key(f"without {test}", answer)
        cache = self._bench.bench.cache
        patience = max(self._bench.patience.values())
        tried = cache.look_up(key) or self._bench.try_answer(answer, range(1), without=[test], patience=patience)
        cache.keep(key, tried)
        return tried.score == self._found.points

    def _all(self, tasks: Mapping[int, Callable[[], Tried]], keys: dict[int, str]) -> dict[int, Tried]:
        """The outcomes of all tasks in their order; those that are remembered aren't tried again."""
        bench = self._bench.bench
        found: dict[int, Tried] = {}
        futures: dict[Future[Tried], int] = {}
        if bench.watcher:
            bench.watcher.more(len(tasks))
        for number, task in tasks.items():
            if remembered := bench.cache.look_up(keys[number]):
                found[number] = remembered
                self._tell()
            else:
                futures[bench.executor.submit(task)] = number
        for future in as_completed(futures):
            number = futures[future]
            found[number] = future.result()
            bench.cache.keep(keys[number], found[number])
            self._tell()
        return dict(sorted(found.items()))

    def _tell(self) -> None:
        if watcher := self._bench.bench.watcher:
            watcher.done(self._found.question)


def _plain(text: str) -> str:
    """A text as it is compared: without Markdown's signs, line breaks and capitals."""
    return " ".join(re.sub(r"[*_`$\\]", "", text).lower().split())


def _fails_alone(test: str, failed: Iterable[Failed]) -> bool:
    """Whether a test is the only one that failed, but for those that waited for it."""
    return {one.test for one in failed if not one.blocked} == {test}


def _key(what: str, answer: Answer, *more: str) -> str:
    """Identifies an answer that isn't a variant."""
    parts = [what, *more, *answer.before_check, "-", *answer.at_first]
    parts += [f"{cell['id']} {cell['source']}" for cell in answer.notebook["cells"]]
    parts += [f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in sorted(answer.files.items())]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _rates(tried: Tried) -> str:
    """Marks, and under how many draws each."""
    counts = Counter("no mark" if score is None else f"{score:g} marks" for score in tried.scores)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{what} in {count} of {len(tried.scores)} draws" for what, count in counts.most_common())


def _reasons(tried: Tried) -> str:
    """What the student would read, or why nothing could be judged."""
    said = [f"{one.line} {one.message}".strip() for one in tried.failed if not one.blocked]
    return "; ".join(said) or tried.why or "the notebook's own check did not pass"
