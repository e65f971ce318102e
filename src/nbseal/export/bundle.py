"""What a grading container needs: one assignment of the course without its solutions, the engine, pinned versions."""

from __future__ import annotations

import ast
import base64
import contextlib
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import nbseal
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook.autograded import notebook_bytes
from nbseal.grading.plan import Plan, imported_modules, make_plan
from nbseal.hidden_tests import HiddenTest, Judge
from nbseal.notebook import read
from nbseal.python_text import parse

COURSE, SETTINGS, REQUIREMENTS = "course", "nbseal.json", "requirements.txt"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
NOT_PINNED = {"nbseal", "pip", "setuptools"}  # the first is a wheel of its own, the others come with an environment
Files = dict[str, bytes]


def plan_of(course: Course, assignment: str) -> Plan:
    """The assignment as it is graded; CourseError or GraderError when it can't be."""
    found = course.assignment(assignment)
    with contextlib.ExitStack() as stack:
        tests: tuple[HiddenTest, ...] = ()
        depends_on = ""
        if found.grader:
            judge = Judge(found.grader, course.grading.grader_settings.get(assignment))
            stack.callback(judge.close)
            tests, depends_on = judge.start(), judge.depends_on
        return make_plan(course, found, tests, depends_on=depends_on)


def bundle(course: Course, plan: Plan, purpose: str, settings: Mapping[str, str]) -> Files:
    """The files of a grading container by their paths, ``settings`` in nbseal.json.

    Notebooks are there as templates, without solutions and without hidden test regions. Hidden inputs are drawn from a
    secret that is made from the course's for this ``purpose`` alone, so that it gives nothing away.
    """
    name = plan.assignment.name
    secret = hmac.new(course.secret, f"{purpose} {name}".encode(), hashlib.sha256).digest()
    files: Files = {
        SETTINGS: json.dumps({"assignment": name, **settings}, indent=1).encode(),
        REQUIREMENTS: "".join(f"{line}\n" for line in pinned_requirements(course, plan)).encode(),
        f"{COURSE}/nbgrader_config.py": _config(course).encode(),
        f"{COURSE}/.nbseal/secret": secret,
    }
    for notebook in plan.notebooks:
        files[f"{COURSE}/source/{name}/{notebook.name}.ipynb"] = notebook_bytes(notebook.template)
    files |= {f"{COURSE}/source/{name}/{path}": content for path, content in plan.support.items()}
    graders = {path: file.read_bytes() for path, file in plan.assignment.grader_files().items()}
    files |= {f"{COURSE}/graders/{path}": content for path, content in graders.items()}
    wheel, content = make_wheel()
    return files | {wheel: content}


def zipped(files: Files, programs: frozenset[str] = frozenset()) -> bytes:
    """A zip of the files, the same bytes for the same files; ``programs`` may be run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        add_files(archive, files, programs)
    return buffer.getvalue()


def add_files(archive: zipfile.ZipFile, files: Files, programs: frozenset[str] = frozenset()) -> None:
    """Add files to an open zip, sorted, and without the time of day."""
    for path in sorted(files):
        _add_file(archive, path, files[path], 0o755 if path in programs else 0o644)


def _add_file(archive: zipfile.ZipFile, path: str, content: bytes, mode: int = 0o644) -> None:
    entry = zipfile.ZipInfo(path, LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o100000 | mode) << 16
    archive.writestr(entry, content)


def pinned_requirements(course: Course, plan: Plan) -> list[str]:
    """``name==version``, as installed here, of all that nbseal and the course import.

    The whole course, because students have its packages at hand: an answer may use what only another assignment needs.
    """
    by_module = metadata.packages_distributions()
    sources = [*plan.warm.sources, *_sources(course)]
    sources += [
        file.read_text("utf-8", "replace") for file in plan.assignment.grader_files().values() if file.suffix == ".py"
    ]
    modules = {name.split(".")[0] for source in sources for name in imported_modules(source)} | set(plan.warm.modules)
    wanted = {"nbseal", *(name for module in modules for name in by_module.get(module, ()))}
    found: dict[str, str] = {}
    queue = [Requirement(name) for name in sorted(wanted)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        requirement = queue.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            installed = metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError as error:
            raise CourseError(
                f"{requirement.name}, which nbseal needs, is not installed properly: "
                "install nbseal again (pip install --requirement requirements.txt)."
            ) from error
        found[key[0]] = installed.version
        queue += _needs(installed, key[1])
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name not in NOT_PINNED]


def _sources(course: Course) -> list[str]:
    """Code cells of all notebooks of the course, its hidden tests, and the imports at the heads of support modules."""
    found = []
    for assignment in map(course.assignment, course.assignments()):
        for path in map(assignment.template_path, assignment.notebooks):
            cells = read(path.read_bytes(), name=str(path)).nb["cells"]
            found += [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        if assignment.grader:
            found.append(assignment.grader.read_text(encoding="utf-8"))
        found += [_head(path.read_bytes()) for path in assignment.source.glob("*.py")]
    return found


def _head(module: bytes) -> str:
    """A module's first imports: those inside its functions are for people who have the packages."""
    with contextlib.suppress(SyntaxError, ValueError):
        statements = parse(module, most=None).body
        return "\n".join(ast.unparse(one) for one in statements if isinstance(one, (ast.Import, ast.ImportFrom)))
    return ""


def _needs(installed: metadata.Distribution, extras: frozenset[str]) -> list[Requirement]:
    """What a distribution with some extras requires on this machine."""
    needed = [Requirement(text) for text in installed.requires or ()]
    return [
        one
        for one in needed
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras or {""})
    ]


def _config(course: Course) -> str:
    """The settings that grading depends on; nothing else of the instructor's leaves the machine."""
    lines = ["c = get_config()  # noqa: F821", ""]
    for part in (course.seal, course.grading):
        for name, trait in sorted(part.traits(config=True).items()):
            value = getattr(part, name)
            if name != "graders_directory" and value != trait.default():
                lines.append(f"c.{type(part).__name__}.{name} = {value!r}")
    return "\n".join([*lines, ""])


KINDS = (".py", ".j2", ".ini", ".sh", ".typed")
BARE_METADATA = f"Metadata-Version: 2.1\nName: nbseal\nVersion: {nbseal.__version__}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: nbseal\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel() -> tuple[str, bytes]:
    """The wheel's file name and its content; the same code gives the same bytes."""
    package = Path(nbseal.__file__).parent
    info = f"nbseal-{nbseal.__version__}.dist-info"
    files = {
        f"nbseal/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and path.suffix in KINDS
    }
    about = metadata.distribution("nbseal").read_text("METADATA") or BARE_METADATA
    files |= {
        f"{info}/METADATA": about.encode(),
        f"{info}/WHEEL": WHEEL.encode(),
        f"{info}/entry_points.txt": b"[console_scripts]\nnbseal = nbseal.cli:program\n",
    }
    record = "".join(f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            _add_file(archive, path, content)
    return f"nbseal-{nbseal.__version__}-py3-none-any.whl", buffer.getvalue()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
