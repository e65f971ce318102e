"""``python -m benchmarks.attacks``: the class of attackers, graded by nbseal and by stock nbgrader.

The result is docs/attacks.md.

Stock nbgrader runs student code as the account that grades, so it grades in namespaces of its own: a read-only view of
this machine, no network, and memory disks for temporary files. Attacks that aim at what isn't in there, or that would
take the machine down, are not run. The course is the same; hidden tests stand in the grade cells, as nbgrader has them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.attacks_table import Outcome, not_run, summary, table
from nbseal.sandbox import choose_level
from tests.courses import command, environment, grades, is_whole, run
from tests.hostile import rooms
from tests.hostile.attack import POINTS, Attack
from tests.hostile.attacks import ALL
from tests.hostile.course import ASSIGNMENT, Secrets, copy_course, hand_in_all, make_course
from tests.hostile.machine import course_state
from tests.hostile.neighbours import Neighbours
from tests.hostile.rooms import ROOMS, TOKEN, Graded

PAGE = Path(__file__).resolve().parents[1] / "docs" / "attacks.md"
STOCK = "c = get_config()\nc.CourseDirectory.course_id = 'stock'\n"
SECONDS, SECONDS_ALONE = 1500, 40
# These change the course or wait for ever: each is graded in a course of its own.
ALONE = {
    "cannot_edit_marks_at_exit",
    "cannot_read_the_graders_through_own_links",
    "cannot_move_the_graders_away",
    "cannot_change_permissions_of_the_gradebook",
    "cannot_hang_by_a_notebook_that_is_a_pipe",
    "cannot_hang_by_a_pipe_as_a_timestamp",
}
HIDDEN_TESTS = {
    "double": "import numpy as np\nassert double(123456) == 246912\n"
    "assert (np.asarray(double(np.array([1.5, 2.0, 3.0]))) == [3, 4, 6]).all()",
    "number": "assert answer == 42",
    "reverse": "assert reverse('{hidden}') == '{hidden}'[::-1]",
    "spied": """class Model:
    def __init__(self):
        self.asked = []
    def predict(self, row):
        self.asked.append(row)
        return 3 * row[0] - row[1]
model = Model()
assert list(ask(model, [[1, 2], [3, 4]])) == [1, 5]
assert model.asked == [[1, 2], [3, 4]]""",
    "saved": """import numpy as np
with np.load("network.npz") as arrays:
    assert set(arrays) == {{"w"}}
    assert (arrays["w"] == [[1, 2], [3, 4]]).all()""",
}
CONTAINED = """
base="$1"; shift
mount --make-rprivate /
mount --bind "$base" /mnt
mount -o remount,bind,ro /
for folder in /tmp /var/tmp /dev/shm /run; do mount -t tmpfs -o size=64m,mode=1777 none "$folder"; done
mkdir -p "$base"
mount --move /mnt "$base"
ip link set lo up
cd "$1"; shift
exec "$@"
"""


def main() -> None:
    """Grade twice, compare, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--like", default="", help="only attacks with this text in their names; the page isn't written")
    options = parser.parse_args()
    if os.getuid() != 0:
        raise SystemExit("run this as root: stock nbgrader is only run in namespaces of its own")
    attacks = [attack for attack in ALL if options.like in attack.name]
    secret = Secrets()
    with tempfile.TemporaryDirectory(prefix="nbseal-attacked-") as name:
        base = Path(name)
        neighbours = Neighbours(base, secret["neighbour"])
        try:
            make_course(base / "template", secret)
            ours = by_nbseal(base, attacks, secret, neighbours)
            stock = by_stock(base, attacks, secret, neighbours)
        finally:
            neighbours.close()
    when = (
        f"`python -m benchmarks.attacks`, {datetime.now(UTC):%Y-%m-%d}, nbgrader {version('nbgrader')}, "
        f"seal level {choose_level().name}"
    )
    text = table(attacks, ours, stock, when)
    print(text if options.like else summary(ours, stock))
    if not options.like:
        PAGE.write_text(text, encoding="utf-8")


def by_nbseal(base: Path, attacks: list[Attack], secret: Secrets, neighbours: Neighbours) -> dict[str, Outcome]:
    """The outcomes where nbseal grades."""
    root = copy_course(base / "template", base / "nbseal", secret)
    home = base / "home"
    home.mkdir()
    hand_in_all(root, attacks, secret, neighbours, home)
    graded = rooms.grade(ROOMS["nbseal"], root, home, secret)
    rooms.generate_feedback(graded)
    return {attack.name: outcome(attack, graded, secret) for attack in attacks}


def by_stock(base: Path, attacks: list[Attack], secret: Secrets, neighbours: Neighbours) -> dict[str, Outcome]:
    """The outcomes where stock nbgrader grades, of all attacks that are run there."""
    template = stock_course(base / "stock", secret)
    chosen = [attack for attack in attacks if not_run(attack) is None]
    together = [attack for attack in chosen if attack.name not in ALONE]
    found: dict[str, Outcome] = {}
    while together:
        graded = grade_stock(base, template, f"class{len(found)}", together, secret, neighbours, SECONDS)
        found |= graded
        together = [attack for attack in together if attack.name not in graded]  # the class was stopped before them
    for attack in (attack for attack in chosen if attack.name in ALONE):
        found |= grade_stock(base, template, attack.name, [attack], secret, neighbours, SECONDS_ALONE)
    return found


def stock_course(root: Path, secret: Secrets) -> Path:
    """The same course for stock nbgrader: hidden tests in the grade cells, and its own settings."""
    copy_course(root.with_name("template"), root, secret)
    path = root / "source" / ASSIGNMENT / "hostile.ipynb"
    nb = json.loads(path.read_text())
    for cell in nb["cells"]:
        if cell["id"] in HIDDEN_TESTS:
            hidden = HIDDEN_TESTS[cell["id"]].format(hidden=secret["hidden"])
            cell["source"] += f"\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    path.write_text(json.dumps(nb))
    (root / "nbgrader_config.py").write_text(f"# {secret['settings']}\n{STOCK}")
    done = run("nbgrader", "generate_assignment", ASSIGNMENT, "--force", cwd=root)
    assert done.returncode == 0, done.stderr
    return root


def grade_stock(
    base: Path, template: Path, name: str, attacks: list[Attack], secret: Secrets, neighbours: Neighbours, seconds: int
) -> dict[str, Outcome]:
    """Grade some attacks as one class, in namespaces of their own, and look what became of them."""
    root, home = base / "runs" / name, base / "runs" / f"{name}-home"
    home.mkdir(parents=True)
    copy_course(template, root, secret)
    (root / "nbgrader_config.py").write_text((template / "nbgrader_config.py").read_text())
    hand_in_all(root, attacks, secret, neighbours, home)
    before = course_state(root)
    environment_ = {TOKEN: secret["environment"], "TMPDIR": str(home), "HOME": str(home)}
    log, in_time = "", True
    for step in ("autograde", "generate_feedback"):
        inside = ["sh", "-ec", CONTAINED, "sh", str(base), str(root), *command("nbgrader", step, ASSIGNMENT)]
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--mount-proc", *inside]
        try:
            done = subprocess.run(
                words, env=environment(**environment_), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds
            )
            log += done.stderr.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as error:
            log += (error.stderr or b"").decode("utf-8", "replace")
            in_time = False
    try:
        damaged, marks = not is_whole(root), grades(root, ASSIGNMENT)
    except sqlite3.Error:
        damaged, marks = True, {}
    changed = damaged or course_state(root) != before
    graded = Graded(ROOMS["nbgrader"], root, log, 0, {}, marks)
    told = frozenset(secret.found_in(graded.seen_by("ada")))  # stock nbgrader shows hidden tests to everybody
    begun = [one for one in attacks if f"/submitted/{one.name}/" in log or len(attacks) == 1]
    if not begun:
        raise SystemExit(f"nbgrader has graded nobody:\n{log[-3000:]}")
    last = re.findall(rf"/submitted/([^/]+)/{ASSIGNMENT}", log)[-1:] if len(attacks) > 1 else [attacks[0].name]
    stopped = {name for name in last if not in_time or len(begun) < len(attacks)}
    alone = changed and len(attacks) == 1
    return {one.name: outcome(one, graded, secret, told, alone, one.name in stopped) for one in begun}


def outcome(
    attack: Attack,
    graded: Graded,
    secret: Secrets,
    told: frozenset[str] = frozenset(),
    changed: bool = False,
    stopped: bool = False,
) -> Outcome:
    """What became of one attack; ``told`` are secrets that an honest student sees, too."""
    rows = graded.marks.get(attack.name, {})
    marks = {question: 0.0 if row[0] is None else float(row[0]) for question, row in rows.items()}
    honest = {question: 0.0 if question in attack.wrong else POINTS[question] for question in POINTS}
    gained = {question: mark for question, mark in marks.items() if mark > honest[question]}
    waits = any(row[2] and not row[0] for row in rows.values())
    found = secret.found_in(graded.seen_by(attack.name)) - told
    failed = f"There was an error processing assignment: {graded.root}/submitted/{attack.name}/" in graded.log
    lost = sum(honest.values()) - sum(marks.values()) if marks else 0.0
    return Outcome(
        gained=tuple(sorted(gained)),
        found=tuple(sorted(found)),
        changed=changed,
        stopped=stopped,
        failed=failed,
        waits=waits,
        negative=any(mark < 0 for mark in marks.values()),
        lost=not gained and not waits and lost > 0 and attack.lost.name == "NOTHING",
    )


if __name__ == "__main__":
    sys.exit(main())
