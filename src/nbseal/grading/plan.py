"""What grading an assignment needs, worked out once: templates, questions, modules to preload, digest."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import nbseal
from nbseal.course import Assignment, Course
from nbseal.errors import GraderError
from nbseal.files import digest_of
from nbseal.grading.recognition import Fingerprint, fingerprint, is_notebook
from nbseal.grading.submission import read_folder
from nbseal.hidden_tests import HiddenTest
from nbseal.notebook import Question, make_template, questions
from nbseal.python_text import parse
from nbseal.sandbox.warm import WarmSettings


@dataclass(frozen=True)
class NotebookPlan:
    """One notebook of an assignment: its template and the questions in it."""

    name: str
    template: dict[str, Any]
    questions: tuple[Question, ...]

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What its submissions are known by."""
        return fingerprint(self.template)


@dataclass(frozen=True)
class Plan:
    """One assignment, ready to be graded."""

    assignment: Assignment
    notebooks: tuple[NotebookPlan, ...]
    support: dict[str, bytes]
    sealed: frozenset[str]
    warm: WarmSettings
    digest: str
    notes: tuple[str, ...] = field(default=())


def make_plan(
    course: Course,
    assignment: Assignment,
    tests: tuple[HiddenTest, ...],
    warm: WarmSettings | None = None,
    depends_on: str = "",
) -> Plan:
    """Work out the plan; GraderError when hidden tests ask for a question that no notebook has.

    ``warm`` are `warm_settings`, if somebody has them already; ``depends_on`` is what marks hang on besides all files,
    such as a data set of this machine.
    """
    sealed = frozenset(test.question for test in tests)
    templates = {
        name: make_template(assignment.template_path(name), course.config, sealed, course.template_cache)
        for name in assignment.notebooks
    }
    notebooks = _with_questions(templates)
    if doubles := sorted({one.grade_id for plan in notebooks for one in plan.questions if one.notebook} & sealed):
        raise GraderError(
            f"{assignment.grader} has hidden tests for {', '.join(map(repr, doubles))}, which two notebooks of "
            f"{assignment.name} have: give the cells names of their own."
        )
    known = {question.grade_id for plan in notebooks for question in plan.questions}
    strangers = sorted(sealed - known)
    if strangers:
        raise GraderError(
            f"{assignment.grader} has hidden tests for {', '.join(map(repr, strangers))}, but {assignment.name} has no "
            f"such question (its grade_ids: {', '.join(sorted(known))})."
        )
    support = _support_files(assignment)
    return Plan(
        assignment=assignment,
        notebooks=tuple(notebooks),
        support=support,
        sealed=sealed,
        warm=replace(
            warm or warm_settings(course, assignment), sources=code_sources([plan.template for plan in notebooks])
        ),
        digest=_digest(course, assignment, notebooks, support, depends_on),
        notes=_notes(assignment, notebooks, sealed),
    )


def _with_questions(templates: dict[str, dict[str, Any]]) -> list[NotebookPlan]:
    """Each notebook with its questions; nbgrader lets two notebooks have cells of one name."""
    found = {name: questions(template) for name, template in templates.items()}
    counts = Counter(one.grade_id for asked in found.values() for one in asked)
    return [
        NotebookPlan(
            name,
            template,
            tuple(replace(one, notebook=name) if counts[one.grade_id] > 1 else one for one in found[name]),
        )
        for name, template in templates.items()
    ]


def _notes(assignment: Assignment, notebooks: list[NotebookPlan], sealed: frozenset[str]) -> tuple[str, ...]:
    if not any(plan.questions for plan in notebooks):
        return (f"{assignment.name}: no cell gives points, so there is nothing to grade.",)
    bare = [q.name for plan in notebooks for q in plan.questions if not q.manual and q.grade_id not in sealed]
    if not bare:
        return ()
    return (
        f"{assignment.name}: no hidden tests for {', '.join(bare)}; nbgrader's own rule decides there "
        "(a graded cell that runs without an error gets full marks).",
    )


def _support_files(assignment: Assignment) -> dict[str, bytes]:
    folder = assignment.source if assignment.source.is_dir() else assignment.release
    return {path: data for path, data in read_folder(folder, 512).files.items() if not is_notebook(path)}


def warm_settings(course: Course, assignment: Assignment) -> WarmSettings:
    """What the worker can load before it is known which questions have hidden tests: all but the cells' sources."""
    templates = [
        make_template(assignment.template_path(name), course.config, template_cache=course.template_cache)
        for name in assignment.notebooks
    ]
    modules: list[str] = []
    for source in code_sources(templates):
        modules += [name for name in imported_modules(source) if name not in modules]
    own = {Path(name).stem for name in _support_files(assignment) if name.endswith(".py") and "/" not in name}
    folder = assignment.source if assignment.source.is_dir() else assignment.release
    return WarmSettings(
        modules=[name for name in modules if name.split(".")[0] not in own],
        support=str(folder),
        preload_calls=[name for name in modules if name in own]
        + list(course.seal.preload_calls.get(assignment.name, [])),
    )


def code_sources(templates: Iterable[dict[str, Any]]) -> list[str]:
    """The code cells of all notebooks."""
    return [cell["source"] for template in templates for cell in template["cells"] if cell["cell_type"] == "code"]


def imported_modules(source: str) -> list[str]:
    """Modules that a cell imports, ``from a import b`` counted as ``a`` and as ``a.b``, which may be a module."""
    try:
        tree = parse(source)
    except SyntaxError:
        return []  # a magic command, or a stub that waits for the student
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names if alias.name.islower())]
    return names


def _digest(
    course: Course,
    assignment: Assignment,
    notebooks: list[NotebookPlan],
    support: dict[str, bytes],
    depends_on: str,
) -> str:
    parts = {f"template {plan.name}": json.dumps(plan.template, sort_keys=True).encode() for plan in notebooks}
    parts |= {f"support {name}": data for name, data in support.items()}
    parts |= {f"grader {name}": path.read_bytes() for name, path in assignment.grader_files().items()}
    settings = {name: getattr(course.seal, name) for name in course.seal.trait_names(config=True)}
    parts["settings"] = json.dumps(settings, sort_keys=True, default=str).encode()
    told = {name: settings for name, settings in course.grading.grader_settings.items() if name == assignment.name}
    if told or depends_on:
        parts["grader settings"] = json.dumps([told, depends_on], sort_keys=True, default=str).encode()
    parts["engine"] = nbseal.__version__.encode()
    return digest_of(parts)
