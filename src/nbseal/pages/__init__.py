"""What our pages for people share: one look, one script for tables, and rules that let nothing else act or load."""

from nbseal.pages.page import duration, one_line, render, style, write_page

__all__ = ["duration", "one_line", "render", "style", "write_page"]
