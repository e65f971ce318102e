"""What our pages for people share: one look, one script for tables, and rules that let nothing else act or load."""

from nbseal.pages.html_page import duration, render, style, write_page

__all__ = ["duration", "render", "style", "write_page"]
