"""The bench on which answers to one question are tried: run, judged, asked by probes and by the instructor's oracle."""

from __future__ import annotations

import ast
import random
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np

from nbseal.errors import SealError
from nbseal.grading.execution import SKIP_TAG
from nbseal.grading.grader import Grader
from nbseal.grading.plan import NotebookPlan
from nbseal.grading.trials import Answer, Excerpt, Trial, trial
from nbseal.hidden_tests import HiddenTest, Judge
from nbseal.hidden_tests.judge import Verdict
from nbseal.notebook import Question
from nbseal.python_text import parse
from nbseal.results import Outcome, TestResult
from nbseal.verify.accepted import Accepted
from nbseal.verify.automatic_student import AutomaticStudent, Feedback
from nbseal.verify.cache import Cache
from nbseal.verify.doubles import as_told
from nbseal.verify.leaks import secrets_in
from nbseal.verify.probing import Asked, Probes, asked_of, in_words, probes_for, same, telling
from nbseal.verify.results import Failed, Tried
from nbseal.verify.variants import (
    Kind,
    RightAnswer,
    Variant,
    adversaries_of,
    answer_cells,
    doubles_of,
    grade_id_of,
    mutants_of,
    rewritten,
    sources,
    with_variant,
)

T = TypeVar("T")
PROBE_SEED = 20250228
OF_EACH_OTHER = 10  # mutants of each right answer besides the solution, of which all are tried
AT_A_TIME = 40  # probes: the first ones mostly tell
# A call of a mutant that never ends is stopped soon: after this many times what all hidden tests of the right answer
# take, and never before so many seconds of processor time, where a loaded machine could stop one that ends.
MARGIN, SHORTEST_CALL = 2.0, 0.5
# Draws of a known answer that runs into time limits each time would take minutes: this many are tried in any case.
FEWEST_DRAWS, DRAWS_SECONDS = 3, 10.0
# A mark that hangs on the draw shows in few draws; what knows nothing is given a second chance.
DRAWS = {Kind.MUTANT: 1, Kind.IDEA: 1, Kind.ADVERSARY: 2, Kind.OWN_WAY: 2}


class Watcher(Protocol):
    """Who wants to know how far a verification has come."""

    def more(self, count: int) -> None:
        """Be told that so many more answers will be tried."""

    def done(self, name: str) -> None:
        """Be told that one was tried."""


@dataclass(frozen=True)
class Bench:
    """What trying answers to an assignment's questions needs, opened once; threads may share it."""

    grader: Grader
    oracle: Judge | None
    cache: Cache
    executor: Executor
    accepted: Accepted
    watcher: Watcher | None = None

    def tests(self, question: str) -> list[HiddenTest]:
        """The question's hidden tests."""
        judge = self.grader.judge
        return [test for test in (judge.tests if judge else ()) if test.question == question]

    def has_oracle(self, question: str) -> bool:
        """Whether the instructor gives a second opinion on the question."""
        return self.oracle is not None and any(test.question == question for test in self.oracle.tests)


@dataclass
class QuestionBench:
    """One question on the bench, with its right answers and what these reply to probes."""

    bench: Bench
    plan: NotebookPlan
    question: Question
    rights: list[RightAnswer]
    asked: Asked = field(default_factory=Asked)
    functions: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    probes: dict[str, Probes] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    dependent: list[str] = field(default_factory=list)
    patience: dict[str, float] = field(default_factory=dict)  # seconds that a call of what is made of it may take
    wanted: set[str] | None = None  # names for which earlier cells run; None: all of them do
    refused: list[str] = field(default_factory=list)  # right answers that the instructor's oracle knows nothing of
    unsteady: set[str] = field(default_factory=set)  # cells that put something else out each time

    @property
    def grade_id(self) -> str:
        """nbgrader's name of the question."""
        return self.question.grade_id

    def cells(self, right: RightAnswer) -> dict[str, str]:
        """The question's answer cells in a right answer that are run in grading, with their sources."""
        found = sources(right.notebook, answer_cells(self.plan.template, self.question))
        skipped = [cell for cell in self.plan.template["cells"] if SKIP_TAG in cell["metadata"].get("tags", [])]
        return {name: source for name, source in found.items() if name not in map(grade_id_of, skipped)}

    def get_ready(self) -> str:
        """Record what hidden tests ask of the solution, and what right answers reply to probes; why not, or ""."""
        for right in self.rights:
            with self._trial(Answer(right.notebook, right.files)) as tried:
                if tried.failure:
                    return f"{right.name}: {tried.failure}"
                if right is self.rights[0] and (fault := self._record(tried, right)):
                    return fault
                probes = self._probed(tried)
                began = time.monotonic()
                results = self._results(tried, right)
                self.patience[right.name] = max(SHORTEST_CALL, MARGIN * (time.monotonic() - began))
                if right is not self.rights[0] and self._oracle(tried, Answer(right.notebook, right.files)) is False:
                    self.refused.append(right.name)
            if right is self.rights[0]:
                self._leave_out_cells(right, probes, results)
            self.probes[right.name] = replace(probes, shown=self._steady(probes.shown))
        return ""

    @contextmanager
    def _trial(self, answer: Answer, patience: float | None = None) -> Iterator[Trial]:
        shown = not self.bench.has_oracle(self.grade_id)  # what cells put out tells only where no oracle does
        excerpt = Excerpt(answer_cells(self.plan.template, self.question), self.wanted, shown)
        with trial(self.bench.grader, self.plan, self.question, answer, excerpt) as tried:
            tried.patience = patience
            yield tried

    def _probed(self, tried: Trial) -> Probes:
        """What a right answer replies to probes; nothing where the instructor's oracle says what is right."""
        asked = Asked() if self.bench.has_oracle(self.grade_id) else self.asked
        requests = probes_for(asked, np.random.default_rng(PROBE_SEED))
        return telling(requests, tried.ask(requests), tried.shown)

    def _results(self, tried: Trial, right: RightAnswer) -> dict[str, TestResult]:
        tests = self.bench.tests(self.grade_id)
        return tried.judge(0, right.files).results if tests and tried.usable else {}

    def _leave_out_cells(self, right: RightAnswer, before: Probes, results: dict[str, TestResult]) -> None:
        """From now on run only what the question needs, unless a right answer then behaves in another way.

        What it puts out otherwise the second time, such as seconds, tells nothing.
        """
        self.wanted = {*self.asked.names, *self.functions, *self.values}
        with self._trial(Answer(right.notebook, right.files)) as tried:
            again = self._probed(tried) if tried.usable else Probes()
            replies = same([*map(_said, before.replies)], [*map(_said, again.replies)])
            self.unsteady = {cell for cell, shown in before.shown.items() if again.shown.get(cell) != shown}
            if not replies or self._results(tried, right) != results:
                self.wanted = None

    def _steady(self, shown: Mapping[str, str]) -> dict[str, str]:
        return {cell: digest for cell, digest in shown.items() if cell not in self.unsteady}

    def _record(self, tried: Trial, right: RightAnswer) -> str:
        """Find out which names of the notebook hidden tests ask for; where there are none, those its own check uses.

        Returns what is wrong with tests that can't judge a right answer at all, or "".
        """
        if tests := self.bench.tests(self.grade_id):
            self.dependent = _failing_alone(tried, right, [test.nodeid for test in tests])
            verdict = tried.judge(0, right.files, recorded=True)
            if broken := [one for one in _failed(verdict) if one.outcome == Outcome.NOT_JUDGED]:
                return f"{broken[0].test} can't judge a right answer: {broken[0].message}"
            self.asked = asked_of(self.grade_id, verdict.asked)
            self._find_secrets(tried, right)
        names = self._own_names(right)
        replies = tried.ask([{"do": "get", "name": name} for name in names])
        known = dict(zip(names, replies, strict=True))
        self.functions = tuple(name for name in names if (known[name] or {}).get("callable"))
        self.values = tuple(name for name in names if name not in self.functions and "value" in (known[name] or {}))
        if not self.asked.names:
            self.asked = Asked(self.values, self.functions)
        return ""

    def _find_secrets(self, tried: Trial, right: RightAnswer) -> None:
        """What hidden tests ask under each draw, with the right replies: no feedback may say it."""
        again = asked_of(self.grade_id, tried.judge(1, right.files, recorded=True).asked)
        other = [repr(call) for call in again.calls]
        fixed = [call for call in self.asked.calls if repr(call) in other]
        values = [{"do": "get", "name": name} for name in self.asked.values]
        replies = [_said(reply) for reply in tried.ask([*fixed, *values])]
        told = [{"args": call["args"]} for call in fixed]
        told += [{"value": reply["value"]} for reply in replies if isinstance(reply, dict) and "value" in reply]
        public = "\n".join(cell["source"] for cell in self.plan.template["cells"])
        self.secrets = secrets_in(told, public)

    def _own_names(self, right: RightAnswer) -> tuple[str, ...]:
        """Names of the question's answer that hidden tests ask for; where there are none, those its own check uses.

        What they ask of another question's answer, which that question judges, is left out.
        """
        check = next(cell["source"] for cell in right.notebook["cells"] if grade_id_of(cell) == self.grade_id)
        defined = {name for source in self.cells(right).values() for name in _names(source, True)}
        own = tuple(name for name in self.asked.names or _names(check, False) if name in defined)
        return own or (self.asked.names if self.cells(right) else ())

    def _made_of_the_answer(self, right: RightAnswer) -> Iterator[str]:
        """Names that hidden tests ask for and given cells make of the answer: who knows nothing hasn't got them."""
        own, cells = self.cells(right), right.notebook["cells"]
        names = [grade_id_of(cell) for cell in cells]
        first = min((names.index(name) for name in own), default=len(cells))
        between = [cell for cell in cells[first : names.index(self.grade_id)] if grade_id_of(cell) not in own]
        made = {name for cell in between if cell["cell_type"] == "code" for name in _names(cell["source"], True)}
        return (name for name in self.asked.names if name in made and name not in (*self.functions, *self.values))

    def variants(self, sample: int | None) -> Iterator[Variant]:
        """All answers that are made from right ones; ``sample`` of each kind, the same ones every time."""
        solution, *others = self.rights
        cells, functions, values = self.cells(solution), self.functions, self.values
        mutants = list(mutants_of(solution, cells))
        for right in (one for one in others if one.name not in self.refused):
            mutants += some(list(mutants_of(right, self.cells(right))), OF_EACH_OTHER, self.grade_id)
        for made in (
            mutants,
            list(doubles_of(Kind.IDEA, solution, functions, values)),
            list(doubles_of(Kind.OWN_WAY, solution, functions, values)),
            list(rewritten(solution, cells)),
            list(adversaries_of(solution, functions, (*values, *self._made_of_the_answer(solution)))),
        ):
            yield from some(made, sample, self.grade_id)

    def try_variant(self, variant: Variant) -> Tried:
        """Try one answer that was made from a right one."""
        right = next(one for one in self.rights if one.name == variant.right)
        notebook = with_variant(right, variant, list(self.cells(right)))
        answer = Answer(notebook, right.files, variant.before_check)
        compared = variant.kind in (Kind.MUTANT, Kind.IDEA)
        probes = self.probes[right.name] if compared else Probes() if variant.kind is Kind.ADVERSARY else None
        return self.try_answer(answer, range(DRAWS[variant.kind]), probes, patience=self.patience[right.name])

    def try_answer(
        self,
        answer: Answer,
        draws: Sequence[int],
        probes: Probes | None = None,
        without: Sequence[str] = (),
        patience: float | None = None,
    ) -> Tried:
        """Try an answer under some draws; with ``probes``, tell whether it behaves like the answer that they are of.

        Where draws take long, as those of a function that never ends do, a process's time is over before they are,
        and then another process goes on; only a few are tried where all would take minutes.
        """
        draws = draws if self.bench.tests(self.grade_id) else [0]
        found, began = Tried(()), time.monotonic()
        while left := draws[len(found.scores) :]:
            try:
                with self._trial(answer, patience) as tried:
                    more = self._judged(tried, answer, left, probes, without)
            except SealError as error:
                return replace(found, scores=(*found.scores, None), why=found.why or f"not judged: {error}")
            found = replace(found, scores=found.scores + more.scores) if found.scores else more
            if not tried.usable or _take_too_long(len(found.scores), began):
                break
        return found

    def learn(self) -> Tried:
        """Answer what feedback says, submission after submission; ``evidence`` names the answers that get marks."""
        try:
            learnt = AutomaticStudent(self._hand_in).learn()
        except SealError as error:
            return Tried((), why=f"not judged: {error}")
        return Tried((), evidence=", ".join(map(str, learnt or ())))

    def _hand_in(self, answers: Sequence[float]) -> tuple[Feedback, Feedback]:
        """What is said of answers that know nothing else, under two draws."""
        right = self.rights[0]
        cells = [as_told(name, answers, name in self.functions) for name in (*self.functions, *self.values)]
        with self._trial(Answer(right.notebook, right.files, cells)) as tried:
            first, second = (tried.judge(draw, right.files) for draw in (0, 1))
            return self._feedback(tried, first), self._feedback(tried, second)

    def _feedback(self, tried: Trial, verdict: Verdict) -> Feedback:
        return Feedback(bool(tried.score(verdict).score), {one.test: one.message for one in _failed(verdict)})

    def _judged(
        self, tried: Trial, answer: Answer, draws: Iterable[int], probes: Probes | None, without: Sequence[str]
    ) -> Tried:
        scores: list[float | None] = []
        failed: tuple[Failed, ...] = ()
        if not self.bench.tests(self.grade_id):
            scores.append(tried.score_by_nbgrader().score)
        else:
            began = time.monotonic()
            for number, draw in enumerate(draws):
                verdict = tried.judge(draw, answer.files, without=without)
                scores.append(tried.score(verdict).score)
                failed = failed if number else _failed(verdict)
                if not tried.usable or not tried.has_time or _take_too_long(number + 1, began):
                    break
        oracle = self._oracle(tried, answer) if probes is not None else None
        alike, evidence = None, ""
        # Probes take longer than all else: they are left to where nobody has told yet whether the answer is right.
        if probes is not None and oracle is None and scores[0] == self.question.points:
            alike, evidence = self._compare(tried, probes)
        return Tried(
            scores=tuple(scores),
            failed=failed,
            passes_check=tried.check_passes,
            alike=alike,
            oracle=oracle,
            probes=len(probes or ()),
            evidence=evidence,
            why=tried.failure or "",
        )

    def _compare(self, tried: Trial, probes: Probes) -> tuple[bool | None, str]:
        """Whether an answer replies to probes as the right one does, and the first probe that tells them apart."""
        if not tried.usable:
            return False, tried.failure or ""
        for start in range(0, len(probes), AT_A_TIME):
            requests, replies = (part[start : start + AT_A_TIME] for part in (probes.requests, probes.replies))
            for request, wanted, reply in zip(requests, replies, tried.ask(requests), strict=True):
                if not same(_said(wanted), _said(reply)):
                    return False, in_words(request)
        if self._steady(tried.shown) != probes.shown:
            return False, "what the notebook puts out"
        return (True, "") if len(probes) else (None, "")

    def _oracle(self, tried: Trial, answer: Answer) -> bool | None:
        """The instructor's second opinion; None where there is none."""
        if not tried.usable or not self.bench.has_oracle(self.grade_id):
            return None
        verdict = tried.judge(0, answer.files, self.bench.oracle)
        return all(result.outcome is Outcome.PASSED for result in verdict.results.values())


def _take_too_long(draws: int, began: float) -> bool:
    return draws >= FEWEST_DRAWS and time.monotonic() - began > DRAWS_SECONDS


def _failing_alone(tried: Trial, right: RightAnswer, tests: Sequence[str]) -> list[str]:
    """Tests that a right answer passes only after others: asked first of all, before any other has left a state."""
    alone: dict[str, Outcome] = {}
    for test in reversed(tests):
        others = [other for other in tests if other != test]
        alone[test] = tried.judge(0, right.files, without=others).results[test].outcome
        if alone[test] is Outcome.NOT_JUDGED and not tried.usable:
            return []
    together = tried.judge(0, right.files).results
    return [test for test in tests if alone[test] is not together[test].outcome]


def _said(reply: object) -> object:
    """What of a reply tells answers apart: a value, or the kind of error."""
    if not isinstance(reply, Mapping):
        return None
    if "raised" in reply:
        return {"raised": (reply["raised"] or {}).get("type")}
    return {key: value for key, value in reply.items() if key not in ("callable", "from_end", "near")}


def _failed(verdict: Verdict) -> tuple[Failed, ...]:
    return tuple(
        Failed(nodeid, result.name, str(result.outcome), result.message, result.blocked)
        for nodeid, result in verdict.results.items()
        if result.outcome is not Outcome.PASSED
    )


def some(answers: Sequence[T], sample: int | None, question: str) -> Sequence[T]:
    """All of them, or so many that chance has picked once and for all."""
    if sample is None or len(answers) <= sample:
        return answers
    return random.Random(zlib.crc32(question.encode())).sample(answers, sample)


def _names(source: str, defined: bool) -> list[str]:
    try:
        tree = parse(source)
    except (SyntaxError, ValueError):
        return []
    if not defined:
        return list(dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)))
    found = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
    return found
