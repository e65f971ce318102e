"""Sphinx's settings for the course site; ``build.py`` calls it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Neural networks, autograded"
author = "the authors of nbseal"
copyright = "the authors of nbseal; course texts CC BY 4.0, code BSD 3-Clause"
language = "en"
extensions = ["myst_nb", "mathml"]
exclude_patterns = ["docs/examples"]

nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath", "html_image"]
myst_heading_anchors = 4
suppress_warnings = ["mystnb.unknown_mime_type"]
html_math_renderer = "mathml"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}  # otherwise each page complains of it in the browser's console
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # the summaries are fetched, which browsers refuse to pages that lie in a folder
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "navbar_persistent": [],  # the side bar has the search
}
linkcheck_timeout = 20
linkcheck_anchors = False
