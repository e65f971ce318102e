"""Tries an answer to one question, as often as wanted and without recording anything.

The notebook runs as far as the question's check cell, once; then copies of its process are asked under as many draws
as wanted, by the hidden tests or by others, and by whoever wants to know what its functions return.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from nbseal.errors import SealBroken
from nbseal.grading.execution import run_notebook
from nbseal.grading.grader import Grader
from nbseal.grading.plan import NotebookPlan
from nbseal.grading.scoring import score_by_nbgrader, score_sealed, submission_facts
from nbseal.hidden_tests import Case, Judge
from nbseal.hidden_tests.conversation import Conversation, Timeout
from nbseal.hidden_tests.judge import Verdict
from nbseal.notebook import Notebook, Question, rebuild
from nbseal.notebook.needed_cells import needed_cells
from nbseal.results import QuestionResult
from nbseal.sandbox import SealedProcess
from nbseal.sandbox.sealed import Run
from nbseal.wire import Channel

ASKING_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What is tried: a whole notebook, files beside it, and cells that run right before the question's check cell.

    ``at_first`` is code that runs before all of it.
    """

    notebook: Notebook
    files: Mapping[str, bytes]
    before_check: Sequence[str] = ()
    at_first: Sequence[str] = ()


@dataclass(frozen=True)
class Excerpt:
    """The part of a notebook that runs: a question's answer cells, its check cell, and what these need.

    ``answers`` are their grade_ids; ``wanted`` are names that will be asked for (None: all cells before run, too). With
    ``shown``, all cells from the first answer cell on run, for somebody looks at what they put out.
    """

    answers: Collection[str]
    wanted: Collection[str] | None = None
    shown: bool = True


class Trial:
    """An answer that has run, ready to be judged and asked.

    Its functions may take as many seconds as their tests allow, or ``patience`` if that is less.
    """

    patience: float | None = None

    def __init__(
        self, grader: Grader, question: Question, nb: Notebook, run: Run, process: SealedProcess, first: int
    ) -> None:
        self._grader = grader
        self._first = first
        self._process = process
        self._nb = nb
        self._run = run
        self.question = question
        self.usable = run.failure is None
        self._began = time.monotonic()

    @property
    def failure(self) -> str | None:
        """Why the notebook did not come as far as the check cell; None if it did."""
        return self._run.failure

    @property
    def check_passes(self) -> bool:
        """Whether the question's own visible check, which the student sees, raises nothing."""
        outputs = self._nb["cells"][self.question.index].get("outputs", [])
        return self.failure is None and not any(output["output_type"] == "error" for output in outputs)

    @property
    def has_time(self) -> bool:
        """Whether its process, which lives about as long as hidden tests may take, has most of its time before it."""
        return bool(time.monotonic() - self._began < self._grader.course.seal.hidden_tests_seconds / 2)

    @property
    def slowest(self) -> float:
        """Processor time of the cell that took most of it, in seconds."""
        return max((cell.cpu for cell in self._run.cells.values()), default=0.0)

    @property
    def shown(self) -> dict[str, str]:
        """By cell, from the question's first answer cell on, what identifies that which it put out, if it did."""
        cells = self._nb["cells"][self._first :]
        return {cell["id"]: _digest(cell["outputs"]) for cell in cells if cell.get("outputs")}

    def judge(
        self,
        draw: int,
        files: Mapping[str, bytes],
        judge: Judge | None = None,
        without: Collection[str] = (),
        recorded: bool = False,
        questions: Collection[str] = (),
    ) -> Verdict:
        """The verdict of hidden tests under one draw; ``judge`` has others than the grader's own.

        ``questions`` are those whose tests ask, if it isn't the question that is tried alone.
        """
        judge = judge or self._grader.judge
        assert judge is not None
        seed = hashlib.sha256(f"draw {draw}".encode()).digest()
        facts = submission_facts(self._nb, self._run, dict(files), seed)
        case = Case(
            facts,
            frozenset(questions or {self.question.grade_id}),
            self._grader.course.seal.hidden_tests_seconds,
            frozenset(without),
            rehearsal=True,
            recorded=recorded,
            patience=self.patience,
        )
        with self._process.lent() as (dialogue, control):
            verdict = judge.judge(case, dialogue, control)
        self.usable = self.usable and not verdict.broken
        return verdict

    def score(self, verdict: Verdict) -> QuestionResult:
        """What the question would get."""
        return score_sealed(self.question, list(verdict.results.values()), self._grader.course.grading.decimals)

    def score_by_nbgrader(self) -> QuestionResult:
        """What a question without hidden tests would get."""
        return score_by_nbgrader(
            self.question,
            self._nb["cells"][self.question.index],
            self.failure,
            self._grader.gives_credit(self.question.name),
        )

    def ask(self, requests: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The replies to requests (``get`` and ``call``), one after the other; None where there was none in time."""
        replies: list[Any] = []
        grade_id = self.question.grade_id
        with self._process.lent() as (dialogue, control):
            channels = Channel(dialogue, greedy=True), Channel(control, greedy=True)
            conversation = Conversation(*channels, time.monotonic() + ASKING_SECONDS)
            try:
                for request in requests:
                    replies.append(_reply(conversation, grade_id, dict(request)))
                conversation.leave()
            except SealBroken:
                self.usable = False
        return replies + [None] * (len(requests) - len(replies))


def _digest(outputs: Iterable[Mapping[str, Any]]) -> str:
    plain = [{key: value for key, value in output.items() if key != "execution_count"} for output in outputs]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _reply(conversation: Conversation, question: str, request: dict[str, Any]) -> Any:
    request["question"] = question
    try:
        if request["do"] == "get":
            return conversation.value_of(question, request["name"])
        conversation.enter(question, calling=True)
        return conversation.ask(request, 2 * request.get("timeout", 2.0))
    except Timeout:
        return {"timeout": True}


@contextmanager
def trial(
    grader: Grader, plan: NotebookPlan, question: Question, answer: Answer, excerpt: Excerpt | None = None
) -> Iterator[Trial]:
    """Run an answer as far as the question's check cell; SealError where no process can be started.

    Without an ``excerpt`` all cells before it run.
    """
    rebuilt = rebuild(plan.template, answer.notebook).nb
    cells, first = _cells_to_run(rebuilt["cells"], question.grade_id, excerpt)
    at_first, before_check = _plain_cells("first", answer.at_first), _plain_cells("tried", answer.before_check)
    first += len(at_first)
    nb = {**rebuilt, "cells": [*at_first, *cells[:-1], *before_check, cells[-1]]}
    last = replace(question, index=len(nb["cells"]) - 1)
    process = grader.spawn()
    try:
        run = run_notebook(process, nb, {**answer.files, **grader.plan.support})
        yield Trial(grader, last, nb, run, process, first)
    finally:
        process.end()


def _plain_cells(prefix: str, sources: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"cell_type": "code", "id": f"{prefix}-{n}", "metadata": {}, "source": source, "outputs": []}
        for n, source in enumerate(sources)
    ]


def _cells_to_run(cells: list[Any], check: str, excerpt: Excerpt | None) -> tuple[list[Any], int]:
    """The cells as far as a check cell, and the number of the first that belongs to the question."""
    names = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells]
    cells = cells[: names.index(check) + 1]
    if excerpt is None:
        return cells, 0
    first = next(number for number, name in enumerate(names) if name == check or name in excerpt.answers)
    if excerpt.wanted is None:
        return cells, first
    behind = range(first, len(cells))
    always = [number for number in behind if excerpt.shown or names[number] in (check, *excerpt.answers)]
    kept = needed_cells(cells, always, excerpt.wanted)
    return kept, next(number for number, cell in enumerate(kept) if cell is cells[first])
