"""A student that knows no answer, hands in again and again, and answers what the feedback has said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nbseal.verify.leaks import NUMBER

SUBMISSIONS = 50


@dataclass(frozen=True)
class Feedback:
    """What came back: whether there were marks, and what each hidden test said."""

    marks: bool
    said: Mapping[str, str]


Submit = Callable[[Sequence[float]], tuple[Feedback, Feedback]]


class AutomaticStudent:
    """Learns answers from feedback alone: the first to give, the second, and so on.

    ``submit`` hands answers in and returns what was said under two draws. What both say will be said once more, and
    so can be used in the next attempt; the rest has changed by then.
    """

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._submissions = 0

    def learn(self) -> list[float] | None:
        """The answers, read off the feedback, that get marks; None when `SUBMISSIONS` were not enough."""
        answers: list[float] = []
        heard = self._hand_in(answers)
        if heard.marks:
            return None  # who gets marks for nothing needs no feedback
        while more := self._next(answers, heard):
            answer, heard = more
            answers.append(answer)
            if heard.marks:
                return answers
        return None

    def _next(self, answers: Sequence[float], heard: Feedback) -> tuple[float, Feedback] | None:
        """One more answer, taken from what was heard, that changes what is said or gets marks."""
        for number in _numbers(heard.said.values()):
            if self._submissions == SUBMISSIONS:
                return None
            now = self._hand_in([*answers, number])
            if now.marks or (now.said and now.said != heard.said):
                return number, now
        return None

    def _hand_in(self, answers: Sequence[float]) -> Feedback:
        self._submissions += 1
        first, second = self._submit(answers)
        same = {test: said for test, said in first.said.items() if second.said.get(test) == said}
        return Feedback(first.marks and second.marks, same)


def _numbers(sentences: Iterable[str]) -> list[float]:
    found = dict.fromkeys(number for sentence in sentences for number in NUMBER.findall(sentence))
    return [int(number) if number.lstrip("-").isdigit() else float(number) for number in found]
