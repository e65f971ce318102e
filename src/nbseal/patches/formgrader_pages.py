"""nbgrader's formgrader in a window of usual size, and for students of whom only the id is known.

Beside JupyterLab's side bar a window of 1,400 pixels leaves the list of assignments some 1,000, and nbgrader's table is
wider: its last buttons, *Release Feedback* among them, lie outside and can't be scrolled to. And who was registered by
grading has no name, which its lists show as "None, None". What these pages do stays; they look otherwise.
"""

from __future__ import annotations

import sys
from typing import Any

RELIES_ON = ("nbgrader.server_extensions.formgrader.base.BaseHandler.render",)
PAGES = RELIES_ON[0].rpartition(".BaseHandler")[0]
# the menu above the table, as nbgrader has it in narrow windows; whatever is still too wide can be scrolled
STYLE = """
@media (max-width: 1300px) {
  .col-md-2, .col-md-8, .col-md-10 { float: none; width: 100%; }
  .page-header { margin: 0; padding: 0; }
  .page-header h1 { font-size: 24px; margin: 8px 0; }
  .jupyter-logo { display: none; }
  .nav-stacked { display: flex; margin-bottom: 10px; }
  .nav-stacked > li + li { margin: 0 0 0 2px; }
  .table > thead > tr > th, .table > tbody > tr > td { padding: 6px 4px; }
  table.dataTable thead > tr > th { padding-right: 18px; }
}
.col-md-10 { overflow-x: auto; }
"""
# each view's own drawing, and then the name as far as it is known, or else the id
SCRIPT = """
for (const kind of ["StudentUI", "SubmissionUI"]) {
  const view = window[kind];
  if (!view) continue;
  const render = view.prototype.render;
  view.prototype.render = function () {
    const done = render.apply(this, arguments);
    const names = [this.model.get("last_name"), this.model.get("first_name")];
    if (names.includes(null)) {
      const shown = names.filter(name => name !== null)[0] || this.model.get("student") || this.model.get("id");
      const cell = this.$name || this.$student_name;
      const link = cell.find("a");
      cell.attr("data-order", shown);
      (link.length ? link : cell).text(shown);
    }
    return done;
  };
}
"""


def mend_pages() -> None:
    """Where the formgrader is loaded, have its pages show all buttons, and ids for names that nobody knows."""
    pages = sys.modules.get(PAGES)
    if pages:
        pages.BaseHandler.render = _render


def _render(self: Any, name: str, **values: Any) -> str:
    """A page as nbgrader's own method makes it, with our style and script at the end."""
    page = str(self.settings["nbgrader_jinja2_env"].get_template(name).render(**values))
    return page.replace("</body>", f"<style>{STYLE}</style><script>{SCRIPT}</script></body>", 1)
