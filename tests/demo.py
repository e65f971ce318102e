"""``make demo``: build, make a small class with all kinds of submissions, grade it, show the gradebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nbseal.errors import SealUnavailable
from nbseal.sandbox import choose_level, require_linux
from nbseal.verify.known_cases import KnownCase
from tests.courses import SMALL_DIGITS
from tests.samples import ROOT, SAMPLES, Sample, load_sample

HARMLESS = ("right", "other", "mistake", "untouched", "damaged")
READER = """
import glob, os
found = [path for folder in ("/", "..", "../..", "../../..") for path in glob.glob(folder + "/**/graders/*.py")]
print("graders that I can see:", found)
print("secrets in the environment:", [name for name in os.environ if "TOKEN" in name or "SECRET" in name])
"""
CLASS = [
    ("ada", "01-gates", "right", "solution", None),
    ("alan", "01-gates", "other", "sample", "pass_*"),
    ("barbara", "01-gates", "mistake", "sample", "fail_nor_instead_of_nand"),
    ("charles", "01-gates", "untouched", "sample", "fail_untouched"),
    ("dorothy", "01-gates", "damaged", "damaged", None),
    ("edsger", "01-gates", "infinite loop", "sample", "error_infinite_loop"),
    ("frances", "01-gates", "memory bomb", "answer", "hoard = [bytearray(1 << 28) for _ in range(1000)]"),
    ("grace", "01-gates", "reader", "answer", READER),
    ("hedy", "05-mnist", "right", "solution", None),
    ("john", "05-mnist", "other", "sample", "pass_*"),
    ("katherine", "05-mnist", "mistake", "sample", "fail_*"),
    ("linus", "05-mnist", "mistake", "sample", "fail_split*"),
    ("margaret", "05-mnist", "untouched", "sample", "fail_untouched"),
]


def main() -> int:
    """Run the demo; return the exit code."""
    try:
        require_linux("make demo")
    except SealUnavailable as error:
        print(error)
        return 1
    try:
        choose_level()
        flags, kinds = [], None
    except SealUnavailable as error:
        print(f"{error}\nThe demo continues without sealing: it grades the harmless submissions only, and says so.\n")
        flags, kinds = ["--unsealed"], HARMLESS
    assignments = sorted({assignment for _, assignment, *_ in CLASS})
    run("build", *assignments)
    for student, assignment, kind, how, what in CLASS:
        if kinds is None or kind in kinds:
            hand_in(student, assignment, how, what)
    codes = [run("grade", assignment, "--verbose", *flags) for assignment in assignments]
    codes += [run("feedback", assignment) for assignment in assignments]
    codes += [run("report", assignment) for assignment in assignments]
    print(f"\ngraded notebooks: {ROOT / 'autograded'}\nfeedback pages:   {ROOT / 'feedback'}")
    print("Run make demo again: nothing has changed, so nothing is graded again.")
    return max(codes)


def run(*arguments: str) -> int:
    """Run one nbseal command as a user would, in whose settings handwriting is judged as the small networks need it."""
    print(f"\n$ nbseal {' '.join(arguments)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nbgrader_config.py").write_text(f"c = get_config()\n{SMALL_DIGITS}\n", encoding="utf-8")
        environment = os.environ | {"JUPYTER_CONFIG_DIR": folder}
        program = [sys.executable, "-m", "nbseal.cli", *arguments]
        return subprocess.run(program, cwd=ROOT, env=environment, check=False).returncode


def hand_in(student: str, assignment: str, how: str, what: str | None) -> None:
    """Put one submission into submitted/, unless it lies there from an earlier demo."""
    folder = ROOT / "submitted" / student / assignment
    if folder.exists():
        return
    pattern = what if how == "sample" and what else "pass_*"
    sample = load_sample(sorted((SAMPLES / assignment).glob(pattern))[0])
    if how == "solution":
        sample = Sample(assignment, KnownCase("solution", SAMPLES / assignment / "solution"))
    path = sample.write(folder)
    if how == "damaged":
        path.write_bytes(path.read_bytes()[:4000])
    if how == "answer" and what:
        add_cell(path, what)


def add_cell(path: Path, source: str) -> None:
    """Add a cell of the student's own at the notebook's start."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = {
        "cell_type": "code",
        "id": "own",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }
    notebook["cells"].insert(1, cell)
    path.write_text(json.dumps(notebook), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
