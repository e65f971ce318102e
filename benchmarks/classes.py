"""Makes the classes that are graded: the same answers for nbseal, for stock nbgrader and for otter."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.stock_hidden_tests_01_gates import GRADE_CELL_TESTS
from tests.samples import ROOT, Sample, load_samples

HIDDEN = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"


def samples(assignment: str, count: int) -> list[Sample]:
    """``count`` samples, right and wrong, none that runs into a time limit."""
    slow = {"fail_learn_never_stops_on_xor", "fail_learn_silent_at_zero"}
    usable = [
        sample for sample in load_samples(assignment) if sample.verdict in ("pass", "fail") and sample.name not in slow
    ]
    step = max(1, len(usable) // count)
    chosen = usable[::step] or usable
    return [chosen[number % len(chosen)] for number in range(count)]


def sealed_course(root: Path, assignment: str, count: int) -> Path:
    """A copy of this course with ``count`` submissions."""
    for name in ("source", "graders"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for number, sample in enumerate(samples(assignment, count)):
        sample.write(root / "submitted" / f"s{number:04d}" / assignment)
    return root


def stock_course(root: Path, count: int) -> Path:
    """The same class of 01-gates for stock nbgrader: hidden tests inside the graded cells, stock settings."""
    name = "01-gates"
    shutil.copytree(ROOT / "source" / name, root / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "source" / name / f"{name}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in GRADE_CELL_TESTS:
            source = "".join(cell["source"])
            cell["source"] = f"{source}\n{HIDDEN.format(GRADE_CELL_TESTS[grade_id].strip())}"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'stock'\n")
    for number, sample in enumerate(samples(name, count)):
        sample.write(root / "submitted" / f"s{number:04d}" / name)
    return root


def otter_tests(folder: Path) -> Path:
    """The same hidden tests as otter's exception-based test files."""
    folder.mkdir(parents=True)
    for grade_id, source in GRADE_CELL_TESTS.items():
        text = (
            "from otter.test_files import test_case\n\nOK_FORMAT = False\n"
            f"name = {grade_id!r}\npoints = 1\nSOURCE = {source!r}\n\n\n"
            "@test_case()\ndef check(env):\n    exec(SOURCE, dict(env))\n"
        )
        (folder / f"{grade_id}.py").write_text(text)
    return folder
