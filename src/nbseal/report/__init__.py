"""One page for the instructor about an assignment: marks, questions, mistakes, time, and what waits for a person."""

from nbseal.report.report_page import collect, find_pages, report_page
from nbseal.report.summary import Summary, summarise

__all__ = ["Summary", "collect", "find_pages", "report_page", "summarise"]
