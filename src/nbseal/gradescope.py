"""Runs in Gradescope's container, started by run_autograder: grades the submission and writes results.json."""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from nbseal.export.containers import grade_folder, grader_of, settings_of
from nbseal.export.gradescope import no_results, results
from nbseal.files import write_whole
from nbseal.terminal import scorecard_text


def grade(autograder: Path) -> dict[str, Any]:
    """Grade what lies in ``submission``; whatever goes wrong, the result is one that Gradescope can read.

    What is printed goes to the instructor alone.
    """
    started = time.monotonic()
    source = autograder / "source"
    try:
        visibility = settings_of(source)["visibility"]
        with grader_of(source) as grader:
            card = grade_folder(grader, autograder / "submission")
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return no_results(time.monotonic() - started)
    print(scorecard_text(card))
    return results(card, visibility, time.monotonic() - started)


def main(autograder: Path) -> None:
    """Write results.json, whole or not at all."""
    text = json.dumps(grade(autograder), indent=1) + "\n"
    write_whole(autograder / "results" / "results.json", text.encode("utf-8"))


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    main(Path(sys.argv[1]).resolve())
