"""Renders what verification found as a page on which an instructor can act."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from nbseal.pages import render
from nbseal.verify.results import Problem
from nbseal.verify.verifying import Verification


def verification_page(found: Sequence[Verification]) -> str:
    """One page about all that was verified; it needs nothing else."""
    questions = [question for one in found for question in one.questions]
    failures = [finding for question in questions for finding in question.findings if finding.counts]
    return render(
        "nbseal.verify",
        "verification.html.j2",
        made=datetime.datetime.now(datetime.UTC),
        title=", ".join(one.assignment for one in found),
        questions=[question.to_dict() for question in questions],
        facts=[
            (str(len(questions)), "questions"),
            (str(sum(sum(question.tried.values()) for question in questions)), "answers tried"),
            (str(sum(one.problem is Problem.FALSE_ACCEPT for one in failures)), "false accepts"),
            (str(sum(one.problem is Problem.FALSE_REJECT for one in failures)), "false rejects"),
            (str(sum(one.problem is Problem.UNSTABLE for one in failures)), "unstable"),
            (f"{sum(one.seconds for one in found):.0f} s", "taken"),
        ],
    )
