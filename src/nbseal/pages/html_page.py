"""Renders a page that stands alone: no network, no script but ours, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nbseal.files import write_whole
from nbseal.text import one_line, printable, with_code


def render(package: str, template: str, *, sorting: bool = True, forms: bool = False, **values: Any) -> str:
    """The page that ``template`` of ``package`` makes of ``values``; it may extend ``page.html.j2``.

    With ``sorting`` tables that are marked so can be sorted; without it there is no script on the page. ``forms`` lets
    it send forms to where it comes from.
    """
    script = _asset("sorting.js") if sorting else ""
    made = _environment(package).get_template(template)
    return made.render(style=Markup(style()), script=Markup(script), policy=_policy(script, forms), **values)


def style() -> str:
    """The style sheet of all our pages."""
    return _asset("page.css")


def duration(seconds: float) -> str:
    """A length of time as people say it: 3 days 4 hours, 12 minutes."""
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{max(1, minutes)} min"


def write_page(path: Path, page: str) -> None:
    """Write a page that only its owner may read: it names students."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page.encode("utf-8", "replace"), 0o600, durable=True)


def _policy(script: str, forms: bool) -> str:
    """Content-Security-Policy: this one script, style and pictures in the page itself, and nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    actions = "'self'" if forms else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        f"base-uri 'none'; form-action {actions}"
    )


@cache
def _asset(name: str) -> str:
    return files("nbseal.pages").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates"), PackageLoader("nbseal.pages", "templates")]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["one_line"] = one_line
    environment.filters["printable"] = printable
    environment.filters["with_code"] = lambda text: Markup(with_code(text))
    environment.globals["duration"] = duration
    return environment
