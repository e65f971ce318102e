"""What settings of nbgrader load while a class is graded: all of it by one thread, before any other runs."""

import sqlite3
from contextlib import closing

import pytest

from tests.courses import run
from tests.mini import due_course

PLUGIN = """
import threading
from pathlib import Path

others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
from nbgrader.plugins import LateSubmissionPlugin


class Careful(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        Path("loaded.txt").write_text(f"{others}")
        return 1.5
"""
SETTINGS = {
    "penalty": ('c.LateSubmissionPlugin.penalty_method = "zero"', 7.0),
    "plugin": ('c.AssignLatePenalties.plugin_class = "careful.Careful"', 1.5),
    "permissions": ('c.Autograde.permissions = 444\nc.LateSubmissionPlugin.penalty_method = "none"', None),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_late_submission_is_graded_on_a_fresh_gradebook(tmp_path, name):
    """Whatever a setting loads, a first run grades a late submission and takes its penalty; one thread loads it."""
    setting, penalty = SETTINGS[name]
    root = due_course(tmp_path / "course", setting)
    (root / "careful.py").write_text(PLUGIN)
    done = run("nbseal", "grade", "mini", cwd=root, PYTHONPATH=str(root))
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        rows = connection.execute("SELECT late_submission_penalty FROM submitted_notebook").fetchall()
    assert rows == [(penalty,)]
    if name == "plugin":
        assert (root / "loaded.txt").read_text() == "[]"
