"""Sets the marks that nbseal would give beside those of a gradebook, for who thinks of adopting it, or regrades."""

from nbseal.compare.compared_page import compared_page
from nbseal.compare.comparing import Comparison, compare
from nbseal.compare.regrading import regraded_page

__all__ = ["Comparison", "compare", "compared_page", "regraded_page"]
