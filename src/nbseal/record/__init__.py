"""Scorecard → nbgrader's gradebook, autograded/ and the ledger of what has been recorded."""

from typing import TYPE_CHECKING, Any

from nbseal.record.feedback import mark_output

if TYPE_CHECKING:
    from nbseal.record.recorder import Recorder

__all__ = ["Recorder", "mark_output"]


def __getattr__(name: str) -> Any:
    """Load the recorder only when it is asked for: the libraries of the gradebook take long to load."""
    if name == "Recorder":
        from nbseal.record.recorder import Recorder

        return Recorder
    raise AttributeError(f"module 'nbseal.record' has no attribute {name!r}")
