"""Assignment and Grade Services 2.0: the columns of a platform's gradebook ("line items"), and the scores in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from nbseal.errors import CourseError
from nbseal.lti.platform import WHERE, Platform, PlatformError

ITEM = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
TAG = "nbseal"
NOT_THE_STUDENTS = {401, 429, 500, 502, 503, 504}  # statuses that say nothing about one student


@dataclass(frozen=True)
class LineItem:
    """One column: its address, what it is called and the points that it gives."""

    address: str
    label: str
    points: float


class Refused(Exception):
    """The platform takes no score for one student: not in the course, say."""


class GradebookColumns:
    """A course's line items on a platform."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.address = platform.settings.line_items_url
        if not self.address:
            raise CourseError(f"c.Lti.line_items_url is not set: {WHERE}")
        platform.check(self.address)

    def find(self, assignment: str, column: str | None) -> LineItem | None:
        """The column of an assignment: that which we made, or else the one called ``column`` (default: like it).

        CourseError if several are called so, or none is that was asked for.
        """
        items = [item for page in self.platform.pages(self.address, ITEMS) for item in _dicts(page, self.address)]
        own = [item for item in items if item.get("tag") == TAG and item.get("resourceId") == assignment]
        if own and column is None:
            return self._item(own[0])
        wanted = (column or assignment).casefold()
        called = [
            item for item in items if wanted in (str(item.get("label")).casefold(), str(item.get("id")).casefold())
        ]
        if len(called) > 1:
            names = ", ".join(str(item.get("id")) for item in called)
            raise CourseError(
                f"several columns there are called {column or assignment}: give one as --column ({names})."
            )
        if not called and column is not None:
            names = ", ".join(str(item.get("label")) for item in items) or "none"
            raise CourseError(f"no column on the platform is called {column}: it has {names}.")
        return self._item(called[0]) if called else None

    def make(self, assignment: str, points: float) -> LineItem:
        """A new column. It is asked for once: whoever isn't answered runs again, and finds it if it was made."""
        body = {"label": assignment, "resourceId": assignment, "tag": TAG, "scoreMaximum": points}
        answer = self.platform.ask("POST", self.address, accept=ITEM, kind=ITEM, body=body, again=False)
        try:
            made = answer.json()
        except ValueError:
            made = None
        if not isinstance(made, dict):
            raise PlatformError(f"{self.address} made a column and doesn't say which: run again.")
        return self._item(made)

    def scores(self, item: LineItem) -> dict[str, float]:
        """The scores that are there, by the platform's user ids, in the column's own points."""
        found = {}
        for page in self.platform.pages(_below(item.address, "results"), RESULTS):
            for result in _dicts(page, item.address):
                score, most = result.get("resultScore"), result.get("resultMaximum") or item.points
                if isinstance(score, (int, float)) and most:
                    found[str(result.get("userId"))] = score / most * item.points
        return found

    def send(self, item: LineItem, user_id: str, score: float, points: float) -> None:
        """Put a final score in; the same again changes nothing. Refused if the platform doesn't take this student's."""
        body = {
            "userId": user_id,
            "scoreGiven": score,
            "scoreMaximum": points,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "timestamp": datetime.now(UTC).isoformat(timespec="microseconds"),
        }
        try:
            self.platform.ask("POST", _below(item.address, "scores"), kind=SCORE, body=body)
        except PlatformError as error:
            if 400 <= error.status < 500 and error.status not in NOT_THE_STUDENTS:
                raise Refused(str(error)) from None
            raise

    def _item(self, item: dict[str, Any]) -> LineItem:
        address, points = item.get("id"), item.get("scoreMaximum")
        if not isinstance(address, str) or not isinstance(points, (int, float)) or points <= 0:
            raise PlatformError(f"{self.address}: the column {item.get('label')} has no address or no points.")
        return LineItem(self.platform.check_same(self.address, address), str(item.get("label")), float(points))


def _below(address: str, name: str) -> str:
    """The address of a column's results or scores: below its path, and before its query."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path}/{name}", parts.query, ""))


def _dicts(page: Any, address: str) -> list[dict[str, Any]]:
    if not isinstance(page, list):
        raise PlatformError(f"{address} gave no list: is it the address of the service (c.Lti.line_items_url)?")
    return [one for one in page if isinstance(one, dict)]
