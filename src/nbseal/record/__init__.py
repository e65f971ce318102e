"""Scorecard → nbgrader's gradebook, autograded/ and the ledger of what has been recorded."""

from nbseal.record.feedback import mark_output
from nbseal.record.recorder import Recorder

__all__ = ["Recorder", "mark_output"]
