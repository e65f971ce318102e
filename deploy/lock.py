"""Writes the locked requirements: everything is resolved together, and each file gets what its purpose needs.

    python deploy/lock.py [NAME ... | all]

Ranges come from pyproject.toml. Versions stay as they are locked, but for the packages that are named. What stands
above the first heading of a file, and the remarks behind its packages, are written by hand and are kept.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
ENGINE = "engine"  # [project] dependencies; the other groups are extras
FIRST = "requirements.txt"  # the other files hold what they need beside this one
FILES = {
    FIRST: {"The course": "course", "What the engine imports besides": ENGINE},
    "requirements-test.txt": {"Tests and linters": "dev"},
    "requirements-verify.txt": {"Mutants of answers": "verify"},
    "requirements-hub.txt": {"The hub": "hub", "Marks and rosters by LTI": "lti"},
    "requirements-cloud.txt": {"Clients of the three services, and the replay server": "cloud"},
    "requirements-deep.txt": {"Networks of 08-deep": "deep"},
    "requirements-scale.txt": {"Workers on a cluster": "scale"},
    "requirements-site.txt": {"The course site": "site"},
}
BROUGHT = "What these bring"
PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+)(?:  # (?P<remark>.*))?")
Groups = dict[str, list[Requirement]]


def main() -> None:
    """Resolve and write; exit status 1 with pip's own message when versions don't fit together."""
    parser = argparse.ArgumentParser(description="Write the locked requirements.")
    parser.add_argument("upgrade", nargs="*", metavar="NAME", help="take the newest of these packages, or of all")
    names = {canonicalize_name(name) for name in parser.parse_args().upgrade}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    if sys.version.split(".")[:2] != oldest.split("."):
        sys.exit(f"lock.py: this is Python {sys.version.split()[0]}; make .venv with {oldest}, the oldest supported.")
    groups = _groups(project)
    kept = {name: version for name, version in _locked().items() if not names & {name, "all"}}
    found = _resolve([one for group in groups.values() for one in group], kept, oldest)
    base = _closure(groups["course"] + groups[ENGINE], found)
    for file, headings in FILES.items():
        own = {heading: groups[group] for heading, group in headings.items()}
        needed = _closure([one for group in own.values() for one in group], found)
        _write(ROOT / file, own, needed if file == FIRST else needed - base, found)


def _groups(project: dict[str, Any]) -> Groups:
    texts = {ENGINE: project["dependencies"], **project["optional-dependencies"]}
    return {name: [Requirement(text) for text in group] for name, group in texts.items()}


def _locked() -> dict[str, str]:
    """The versions in all files as they are."""
    lines = [line for file in FILES if (ROOT / file).exists() for line in (ROOT / file).read_text("utf-8").splitlines()]
    return {pin["name"]: pin["version"] for line in lines if (pin := PIN.fullmatch(line))}


def _resolve(wanted: Iterable[Requirement], kept: dict[str, str], python: str) -> dict[str, dict[str, Any]]:
    """pip's choice for all of them together, as metadata by name: wheels that the first release of ``python`` runs."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in kept.items()), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", str(report)]
        command += ["--python-version", f"{python}.0", "--only-binary", ":all:", "--target", folder]
        command += ["--constraint", str(constraints), *sorted({str(one) for one in wanted})]
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit("lock.py: pip can't resolve this, see above: name the packages whose versions may change.")
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {canonicalize_name(item["metadata"]["name"]): item["metadata"] for item in installs}


def _closure(wanted: Sequence[Requirement], found: dict[str, dict[str, Any]]) -> set[str]:
    """The names of these packages and of all that they need, extras included."""
    seen: set[tuple[str, str]] = set()
    queue = [(one, extra) for one in wanted for extra in ("", *one.extras)]
    while queue:
        requirement, extra = queue.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for one in map(Requirement, found[name].get("requires_dist", ())):
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                queue += [(one, inner) for inner in ("", *one.extras)]
    return {name for name, _ in seen}


def _write(path: Path, own: dict[str, list[Requirement]], needed: set[str], found: dict[str, dict[str, Any]]) -> None:
    """Headings with their own packages, then what they bring."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    remarks = {pin["name"]: pin["remark"] for line in text.splitlines() if (pin := PIN.fullmatch(line))}
    lines, done = [text.partition("\n\n")[0]], set[str]()
    groups = {heading: [canonicalize_name(one.name) for one in group] for heading, group in own.items()}
    for heading, names in groups.items():
        lines += ["", f"# {heading}"]
        lines += [_line(name, found, remarks.get(name)) for name in names if name not in done]
        done |= set(names)
    lines += ["", f"# {BROUGHT}", *(_line(name, found, None) for name in sorted(needed - done))]
    if (new := "\n".join(lines) + "\n") != text:  # make would install an unchanged file again
        path.write_text(new, encoding="utf-8")


def _line(name: str, found: dict[str, dict[str, Any]], remark: str | None) -> str:
    release = found[name]["version"].partition("+")[0]  # a build for processors alone is the same release of PyTorch
    return f"{name}=={release}" + (f"  # {remark}" if remark else "")


if __name__ == "__main__":
    main()
