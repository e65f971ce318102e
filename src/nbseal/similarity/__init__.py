"""Pairs of answers that are suspiciously alike: something to look at, never a verdict."""

from nbseal.similarity.answers import Answer, read_answers
from nbseal.similarity.comparing import COMMON, LEAST, THRESHOLD, Pair, compare
from nbseal.similarity.page import Findings, find_similar, similarity_page

__all__ = [
    "COMMON", "LEAST", "THRESHOLD", "Answer", "Findings", "Pair", "compare", "find_similar", "read_answers",
    "similarity_page",
]  # fmt: skip
