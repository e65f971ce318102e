"""The trusted side: hidden pytest graders, the ``student`` fixture they use, and the process that runs them."""

from nbseal.pytest_plugin.handin import WAITING, Handin
from nbseal.pytest_plugin.judge import Case, HiddenTest, Judge

__all__ = ["WAITING", "Case", "Handin", "HiddenTest", "Judge"]
