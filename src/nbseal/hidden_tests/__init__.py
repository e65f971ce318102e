"""The trusted side: hidden pytest graders, the ``student`` fixture they use, and the process that runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbseal.hidden_tests.case import SubmissionFacts

if TYPE_CHECKING:
    from nbseal.hidden_tests.judge import Case, HiddenTest, Judge


__all__ = ["Case", "HiddenTest", "Judge", "SubmissionFacts"]


def __getattr__(name: str) -> Any:
    """Load the judge only when it is asked for: the process that it starts imports this package, too."""
    if name in __all__:
        from nbseal.hidden_tests import judge

        return getattr(judge, name)
    raise AttributeError(f"module 'nbseal.hidden_tests' has no attribute {name!r}")
