"""The trusted side: hidden pytest graders, the ``student`` fixture they use, and the process that runs them."""

from typing import TYPE_CHECKING, Any

from nbseal.pytest_plugin.handin import WAITING, Handin

if TYPE_CHECKING:
    from nbseal.pytest_plugin.judge import Case, HiddenTest, Judge

__all__ = ["WAITING", "Case", "Handin", "HiddenTest", "Judge"]


def __getattr__(name: str) -> Any:
    """Load the judge only when it is asked for: the process that it starts imports this package, too."""
    if name in __all__:
        from nbseal.pytest_plugin import judge

        return getattr(judge, name)
    raise AttributeError(f"module 'nbseal.pytest_plugin' has no attribute {name!r}")
