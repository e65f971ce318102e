"""Renders comparisons as a page that convinces a colleague, or names what to look at."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from nbseal.compare.comparing import Comparison
from nbseal.grading.mark_changes import gains_and_losses
from nbseal.pages import render


@dataclass(frozen=True)
class Wording:
    """What the page says of the two sides: ``before`` and ``after`` head columns, ``here`` follows More and Less.

    ``missing`` counts marks that have nothing on the other side.
    """

    heading: str
    lead: str
    before: str
    after: str
    here: str
    missing: str


COMPARED = Wording(
    "what would change?",
    "Everything that was handed in was graded once more, and the marks set beside those in the gradebook. "
    "Nothing was recorded.",
    "Gradebook",
    "Here",
    "here",
    "Not in the gradebook",
)
DRY_RUN = Wording(
    "what would a regrade change?",
    "Each submission has the marks that it would get now beside those that were recorded for it. Nothing was recorded.",
    "Before",
    "Now",
    "now",
    "None before",
)
REGRADED = Wording(
    "what did the regrade change?",
    "Each submission has its marks of today beside those that were recorded for it before. The new ones are recorded.",
    "Before",
    "Now",
    "now",
    "None before",
)


def compared_page(found: Sequence[Comparison], wording: Wording = COMPARED) -> str:
    """One page about all that was compared; it needs nothing else."""
    more, less = gains_and_losses([one.change for part in found for one in part.differences])
    rows = [row for one in found for row in one.questions]
    stock = [one.stock_seconds for one in found if one.stock_seconds is not None]
    times = [(f"{sum(one.seconds for one in found):.0f} s", "nbseal" if stock else "to grade")]
    if stock:
        times.append((f"{sum(stock):.0f} s", "nbgrader"))
    return render(
        "nbseal.compare",
        "compared.html.j2",
        made=datetime.datetime.now(datetime.UTC),
        title=", ".join(one.assignment for one in found),
        found=found,
        wording=wording,
        facts=[
            (str(sum(one.students for one in found)), "submissions"),
            (str(more), "gain marks"),
            (str(less), "lose marks"),
            (str(sum(row.same for row in rows)), "marks alike"),
            (str(sum(row.more for row in rows)), f"marks higher {wording.here}"),
            (str(sum(row.less for row in rows)), f"marks lower {wording.here}"),
            (str(sum(row.no_mark for row in rows)), f"without a mark {wording.here}"),
            *times,
        ],
    )
