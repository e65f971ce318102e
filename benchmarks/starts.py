"""``python -m benchmarks.starts``: many first runs of ``nbseal grade`` under load, with settings that load plugins.

Each start grades one late submission on a fresh gradebook while other processes keep every core busy, so that whatever
hangs on the order in which things load shows. Printed: starts, failures, and what the first failures said.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.courses import run
from tests.mini import due_course

# every setting of nbgrader that names something to be loaded and that grading a class looks at
SETTINGS = {
    "penalty none": 'c.LateSubmissionPlugin.penalty_method = "none"',
    "penalty zero": 'c.LateSubmissionPlugin.penalty_method = "zero"',
    "plugin class": 'c.AssignLatePenalties.plugin_class = "late_plugin.Half"',
    "permissions": "c.Autograde.permissions = 444",
    "export plugin": 'c.ExportApp.plugin_class = "nbseal.export.SafeCsvExport"',
    "exporters": 'c.GenerateFeedback.exporter_class = "nbseal.feedback.FeedbackExporter"',
}
PLUGIN = """
from nbgrader.plugins import LateSubmissionPlugin


class Half(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 2
"""


def main() -> None:
    """Start, count, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starts", description=__doc__)
    parser.add_argument("--starts", type=int, default=200, help="how many first runs, spread over the settings")
    options = parser.parse_args()
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    failures: list[str] = []
    try:
        with tempfile.TemporaryDirectory(prefix="nbseal-starts-") as name:
            for number in range(options.starts):
                title, setting = list(SETTINGS.items())[number % len(SETTINGS)]
                root = due_course(Path(name) / str(number), setting)
                (root / "late_plugin.py").write_text(PLUGIN, encoding="utf-8")
                done = run("nbseal", "grade", "mini", cwd=root, PYTHONPATH=str(root))
                if done.returncode:
                    failures.append(f"{title}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
                shutil.rmtree(root)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    print(f"{options.starts} first runs under load, {len(SETTINGS)} settings: {len(failures)} failed")
    print("\n".join(failures[:10]))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
