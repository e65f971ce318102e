"""nbseal grades nbgrader courses: hidden pytest graders on one side, student code sealed on the other."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "grade_notebook"]


def __getattr__(name: str) -> Any:
    """Load the engine only when it is asked for: the sealed side imports this package too."""
    if name == "grade_notebook":
        from nbseal.grading import grade_notebook

        return grade_notebook
    raise AttributeError(f"module 'nbseal' has no attribute {name!r}")
