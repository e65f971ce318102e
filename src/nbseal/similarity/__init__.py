"""Pairs of answers that are suspiciously alike: something to look at, never a verdict."""

from nbseal.similarity.answer_cells import Answer, read_answers
from nbseal.similarity.similarity_page import Findings, find_similar, similarity_page
from nbseal.similarity.winnowing import COMMON, LEAST, THRESHOLD, Pair, compare

__all__ = [
    "COMMON", "LEAST", "THRESHOLD", "Answer", "Findings", "Pair", "compare", "find_similar", "read_answers",
    "similarity_page",
]  # fmt: skip
