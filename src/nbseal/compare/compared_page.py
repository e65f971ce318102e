"""Renders comparisons as a page that convinces a colleague, or names what to look at."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from nbseal.compare.comparing import Comparison
from nbseal.pages import render


def compared_page(found: Sequence[Comparison]) -> str:
    """One page about all that was compared; it needs nothing else."""
    rows = [row for one in found for row in one.questions]
    times = [(f"{sum(one.seconds for one in found):.0f} s", "nbseal")]
    stock = [one.stock_seconds for one in found if one.stock_seconds is not None]
    if stock:
        times.append((f"{sum(stock):.0f} s", "nbgrader"))
    return render(
        "nbseal.compare",
        "compared.html.j2",
        made=datetime.datetime.now(datetime.UTC),
        title=", ".join(one.assignment for one in found),
        found=found,
        facts=[
            (str(sum(one.students for one in found)), "submissions"),
            (str(sum(row.same for row in rows)), "marks alike"),
            (str(sum(row.more for row in rows)), "more here"),
            (str(sum(row.less for row in rows)), "less here"),
            (str(sum(row.no_mark for row in rows)), "without a mark here"),
            *times,
        ],
    )
