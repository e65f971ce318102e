"""The trusted side: hidden pytest graders, the ``student`` fixture they use, and the process that runs them."""

from nbseal.pytest_plugin.judge import Case, HiddenTest, Judge
from nbseal.pytest_plugin.student import Student

__all__ = ["Case", "HiddenTest", "Judge", "Student"]
