"""Compares answers to the same question by winnowing (Schleimer, Wilkerson and Aiken 2003), as MOSS does.

copydetect takes names, comments and layout out of the code and chooses fingerprints of what is left. Fingerprints
that the release has, and those that many students of the class have, say nothing: they are taken out first.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from copydetect import CodeFingerprint, compare_files
from copydetect.utils import get_token_coverage, winnow
from numpy.typing import NDArray

from nbseal.similarity.answer_cells import Answer

THRESHOLD = 0.8  # share of what is particular in an answer that must be in the other one
COMMON = 0.1  # share of the class from which a fingerprint says nothing
FEW = 4  # students that may share a fingerprint in a small class
LEAST = 40  # characters, names shortened to one letter, that two answers must have in common
WORD = re.compile(r"\w+")
GRAM, WINDOW = 15, 6  # characters of a fingerprint; fingerprints of which the smallest is chosen
Slices = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pair:
    """Two similar answers: ``share`` of what is particular in one of them is in the other.

    ``first_marks`` and ``second_marks`` say where: pairs of start and end in the sources.
    """

    first: Answer
    second: Answer
    share: float
    common: int
    same: bool
    first_marks: Slices
    second_marks: Slices

    @property
    def students(self) -> tuple[str, str]:
        """Whose answers they are."""
        return self.first.student, self.second.student


def compare(
    answers: Sequence[Answer], given: Sequence[str] = (), threshold: float = THRESHOLD, common: float = COMMON
) -> list[Pair]:
    """Pairs of answers to the same question that are alike by at least ``threshold``.

    Two students who have most answers in common come first. ``given`` is code that everybody was given; ``common`` is
    the share of the class that may share a fingerprint.
    """
    by_question: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_question[answer.question].append(answer)
    shown = [_fingerprint(source, True).hashes for source in given]
    code = set().union(*shown) if shown else set()
    pairs = [pair for group in by_question.values() for pair in _compare(group, code, threshold, common)]
    together = Counter(pair.students for pair in pairs)
    return sorted(pairs, key=lambda pair: (-together[pair.students], pair.students, -pair.share, -pair.common))


def _compare(group: Sequence[Answer], code: set[int], threshold: float, common: float) -> Iterable[Pair]:
    """Alike pairs among the answers to one question."""
    prints: dict[tuple[str, bool], CodeFingerprint] = {}
    for answer in group:
        key = (answer.source, answer.is_code)
        if key not in prints:  # a class writes many short answers in the very same way
            prints[key] = _fingerprint(answer.source, answer.is_code)
    own = [prints[answer.source, answer.is_code] for answer in group]
    counts = Counter(value for one in own for value in one.hashes)
    most = max(FEW, common * len(group))
    known = {value for value, count in counts.items() if count > most}
    known |= code | set().union(*(_fingerprint(given, is_code).hashes for given, is_code in _released(group)))
    for one in prints.values():
        _forget(one, known)
    for left, right in _candidates(own, threshold):
        if (pair := _pair(group[left], group[right], own[left], own[right])) and pair.share >= threshold:
            yield pair


def _released(group: Sequence[Answer]) -> set[tuple[str, bool]]:
    return {(answer.given, answer.is_code) for answer in group}


def _fingerprint(source: str, is_code: bool) -> CodeFingerprint:
    """What copydetect makes of an answer, with fingerprints that are the same in every run.

    It hashes by Python's own hash, which is another one in each process, and so would choose other fingerprints.
    """
    one = CodeFingerprint("answer.py", GRAM, WINDOW, filter=is_code, language="python", fp=io.StringIO(source))
    text = one.filtered_code
    hashes = np.array([_stable_hash(text[at : at + GRAM]) for at in range(len(text) - GRAM + 1)], dtype=np.int64)
    chosen, places = winnow(hashes, WINDOW, remove_duplicates=False)
    one.hashes, one.hash_idx = set(chosen.tolist()), defaultdict(list)
    for value, place in zip(chosen.tolist(), places.tolist(), strict=True):
        one.hash_idx[value].append(place)
    return one


def _stable_hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _forget(one: CodeFingerprint, known: set[int]) -> None:
    """Take out what says nothing.

    copydetect's own way would also take out what an answer says twice; it expects each fingerprint once.
    """
    one.hashes = one.hashes - known
    one.hash_idx = {value: places for value, places in one.hash_idx.items() if value in one.hashes}
    one.token_coverage = get_token_coverage(one.hash_idx, one.k, len(one.filtered_code))


def _candidates(prints: Sequence[CodeFingerprint], threshold: float) -> list[tuple[int, int]]:
    """Pairs that share enough fingerprints to be worth a closer look."""
    where: dict[int, list[int]] = defaultdict(list)
    for index, one in enumerate(prints):
        for value in one.hashes:
            where[value].append(index)
    shared = Counter(pair for indices in where.values() for pair in combinations(indices, 2))
    return sorted(
        (left, right)
        for (left, right), count in shared.items()
        # fingerprints overlap, so their share is only roughly that of the characters
        if count >= 0.5 * threshold * min(len(prints[left].hashes), len(prints[right].hashes))
    )


def _pair(first: Answer, second: Answer, left: CodeFingerprint, right: CodeFingerprint) -> Pair | None:
    length, shares, marks = compare_files(left, right)
    if length < LEAST:
        return None
    places = [_places(slices, answer.source) for slices, answer in zip(marks, (first, second), strict=True)]
    share = min(1.0, float(max(shares)))
    return Pair(first, second, share, int(length), first.source == second.source, places[0], places[1])


def _places(slices: NDArray[Any], source: str) -> Slices:
    """Starts and ends inside the text, in order, without overlap and not within a word."""
    words = [found.span() for found in WORD.finditer(source)]
    places: list[tuple[int, int]] = []
    for start, end in sorted(zip(*(np.asarray(slices).astype(int).tolist()), strict=True)):
        start = next((first for first, last in words if first < start < last), max(0, start))
        end = next((last for first, last in words if first < end < last), min(len(source), end))
        if places and start <= places[-1][1]:
            places[-1] = (places[-1][0], max(end, places[-1][1]))
        elif start < end:
            places.append((start, end))
    return tuple(places)
