"""Says what a machine offers for grading, and what it lacks."""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nbseal import __version__
from nbseal.checks import describe
from nbseal.course import Course
from nbseal.errors import NbsealError
from nbseal.gradebook.connection import gradebook_file, gradebook_url
from nbseal.gradebook.extensions import read_extensions
from nbseal.gradebook.queries import due_dates, student_ids
from nbseal.gradebook.times import zones_of
from nbseal.sandbox import NONE, Homes, WarmProcess, choose_level, homes, probe
from nbseal.sandbox.warm import WarmSettings

PACKAGES = (
    "nbgrader",
    "jupyterlab",
    "ipykernel",
    "ipython",
    "numpy",
    "pandas",
    "scikit-learn",
    "matplotlib",
    "pytest",
)

# nbgrader's steps of grading that ours replace; the timeout of the first two sets `c.Seal.cell_seconds`
NOT_OURS = ("Execute", "ExecutePreprocessor", "LimitOutput", "OverwriteCells", "OverwriteKernelspec", "DeduplicateIds")
STEPS = ("autograde_preprocessors", "exporter_class", "sanitize_preprocessors")  # of c.Autograde, which are ours
OURS = "nbseal."


def examine(root: Path) -> dict[str, dict[str, str]]:
    """Findings by title: versions, seal, course and data."""
    findings = {"Versions": _versions(), "Seal": _seal()}
    try:
        course = Course(root)
    except NbsealError as error:
        return findings | {"Course": {"problem": str(error)}}
    findings["Course"] = {
        "folder": str(course.root),
        "assignments": ", ".join(course.assignments()) or "none",
        "without a hidden grader": ", ".join(_without_grader(course)) or "none",
        "gradebook": _gradebook(course),
    }
    if idle := without_effect(course):
        said = f"{', '.join(idle)}: cells are run by nbseal's own process"
        findings["Course"]["settings that have no effect here"] = said
    findings["Times"] = _times(course)
    findings["Limits (c.Seal in nbgrader_config.py)"] = {
        name: f"{getattr(course.seal, name)} ({trait.help})" for name, trait in course.seal.traits(config=True).items()
    }
    findings["Data"] = _data(course)
    return findings


def _versions() -> dict[str, str]:
    found = {"nbseal": __version__, "Python": sys.version.split()[0], platform.system(): platform.release()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _seal() -> dict[str, str]:
    findings = {name: "works" if reason is None else reason for name, reason in probe().items()}
    try:
        level = choose_level()
        chosen = f"{level.name} (by {level.mechanism})"
    except NbsealError as error:
        chosen = f"none: {error}"
    found = homes()
    groups = f"version {found.version}, in {found.memory}" if isinstance(found, Homes) else f"none, a watchdog: {found}"
    user = str(os.getuid()) if hasattr(os, "getuid") else "none"
    return {"level": chosen, **findings, "control groups": groups, "user id": user}


def _without_grader(course: Course) -> list[str]:
    return [name for name in course.assignments() if course.assignment(name).grader is None]


def without_effect(course: Course) -> list[str]:
    """Settings of nbgrader's own way of running notebooks, which is not ours, by their names."""
    given = {f"c.{step}.{name}" for step in NOT_OURS for name in course.config.get(step, {}) if name != "timeout"}
    autograde = course.config.get("Autograde", {})
    given |= {f"c.Autograde.{name}" for name in STEPS if not _is_ours(autograde.get(name, OURS))}
    return sorted(given)


def _is_ours(value: Any) -> bool:
    """Whether a setting names a class of nbseal's, or a list of them."""
    classes = value if isinstance(value, list) else [value]
    names = [one if isinstance(one, str) else str(getattr(one, "__module__", "")) for one in classes]
    return all(name.startswith(OURS) for name in names)


def _gradebook(course: Course) -> str:
    """Its address, without a password, whether it is there, and what is wrong with its tables."""
    file = gradebook_file(course)
    if file and not file.exists():
        state = "not made yet: nbseal build makes it"
    else:
        state = "exists" if file else "a database server"
        try:
            due_dates(course)
        except NbsealError as error:
            state = str(error)
    return f"{gradebook_url(course).render_as_string(hide_password=True)} ({state})"


def _times(course: Course) -> dict[str, str]:
    """In which zone times are read, when assignments are due there, and what is wrong with extensions."""
    try:
        zones, extensions = zones_of(course.config), read_extensions(course)
        due = due_dates(course)
        known = student_ids(course).union(*(course.students(name) for name in course.assignments()))
    except NbsealError as error:
        return {"problem": str(error)}
    found = {"time zone (c.Grading.timezone)": str(zones.course), "stamps without a zone": str(zones.unnamed)}
    for name, moment in due.items():
        found[f"{name} is due"] = f"{moment.astimezone(zones.course):%Y-%m-%d %H:%M %Z}"
    if due:
        found["due dates"] = (
            "look them over: nbgrader db assignment add --duedate takes no notice of CEST, PDT and the like, nor of "
            "+0200; give UTC, or a zone such as Europe/Berlin"
        )
    found["extensions"] = " ".join(extensions.notes(course.assignments(), known)) or str(len(extensions.lines))
    return found


def _data(course: Course) -> dict[str, str]:
    """Make the calls of ``c.Seal.preload_calls`` and say what they return and how long that took."""
    found = {name: os.environ.get(name, "not set") for name in course.seal.warm_environment}
    for assignment, calls in course.seal.preload_calls.items():
        for call in calls:
            found[f"{assignment} {call}"] = _try_call(course, assignment, call)
    return found


def _try_call(course: Course, assignment: str, call: str) -> str:
    module, _, function = call.partition(":")
    started = time.monotonic()
    try:
        folder = course.assignment(assignment).source
        with WarmProcess(course.seal, NONE).start(WarmSettings(support=str(folder), preload_calls=[call])) as warm:
            seconds = time.monotonic() - started
            process = warm.spawn()
            source = f"import {module}\nfound = {module}.{function or '__name__'}"
            process.run([(0, f"{source}()" if function else source)], {})
            value = _fetch(process, "found")
            process.end()
    except NbsealError as error:
        return str(error)
    return f"{_describe(value)}, loaded in {seconds:.1f} s"


def _fetch(process: Any, name: str) -> Any:
    deadline = time.monotonic() + 30.0
    process.dialogue.send({"do": "get", "name": name}, deadline)
    return process.dialogue.receive(deadline).get("value")


def _describe(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return "; ".join(describe(item) for item in value)
    return describe(value)
