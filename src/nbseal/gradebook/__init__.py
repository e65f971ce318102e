"""Scorecard → nbgrader's gradebook, autograded/ and the ledger of what has been recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbseal.gradebook.mark_output import mark_output

if TYPE_CHECKING:
    from nbseal.gradebook.recorder import Recorder


__all__ = ["Recorder", "mark_output"]


def __getattr__(name: str) -> Any:
    """Load the recorder only when it is asked for: the libraries of the gradebook take long to load."""
    if name == "Recorder":
        from nbseal.gradebook.recorder import Recorder

        return Recorder
    raise AttributeError(f"module 'nbseal.gradebook' has no attribute {name!r}")
