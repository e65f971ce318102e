"""Where things lie in a course directory, and the settings that nbgrader_config.py may change."""

from __future__ import annotations

import copy
import difflib
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool, Dict, Enum, Float, Integer, List, Unicode, default
from traitlets.config import Config, Configurable
from traitlets.config.loader import PyFileConfigLoader

from nbseal.errors import CourseError, UnknownName
from nbseal.files import sync_folder, write_whole
from nbseal.text import first_of

CONFIG_FILE = "nbgrader_config.py"
RENAMED = {  # settings of Seal by the names that they had once
    "questions_seconds": "hidden_tests_seconds",
    "readable": "readable_paths",
    "warm": "preload_calls",
    "preload": "preload_modules",
    "memory_mb": "memory_mib",
    "disk_mb": "disk_mib",
    "submission_mb": "submission_mib",
    "output_kb": "output_kib",
}
SECRET_BYTES = 32
CELL_SECONDS = 10.0
NO_LIMIT = 3600.0  # seconds, for a cell without a limit in nbgrader: a batch must end
NAMED = 10  # names in a sentence
MOST_EMPTY_FOLDERS = 100
NOBODYS = {"timestamp.txt", "desktop.ini", "Thumbs.db", "__MACOSX"}
PATTERN = frozenset("*?[")
CASES = "cases"  # folder among the graders with known cases, which no mark depends on


class Seal(Configurable):  # type: ignore[misc]
    """Limits of the sealed process, each with its unit. Set as ``c.Seal.<name>`` in nbgrader_config.py."""

    level = Enum(
        ["auto", "namespaces", "landlock"], "auto", help="how to seal; auto takes the strongest that works"
    ).tag(config=True)
    cell_seconds = Float(
        CELL_SECONDS,
        help="seconds of processor time a cell may take before it is interrupted; twice as many of wall time (default "
        "c.Execute.timeout or c.ExecutePreprocessor.timeout, else 10)",
    ).tag(config=True)
    notebook_seconds = Float(
        6 * CELL_SECONDS,
        help="seconds of wall time all cells may take before the process is ended (default 60, or six times "
        "cell_seconds if nbgrader's timeout sets these)",
    ).tag(config=True)
    hidden_tests_seconds = Float(60.0, help="seconds of wall time the hidden tests of one notebook may take").tag(
        config=True
    )
    memory_mib = Integer(2048, help="MiB of memory that all processes of a submission may hold together").tag(
        config=True
    )
    control_groups = Bool(
        True, help="limit memory and processes by control groups where they may be made; a watchdog does it elsewhere"
    ).tag(config=True)
    processes = Integer(64, help="processes and threads that a submission may have at once").tag(config=True)
    open_files = Integer(256, help="files a process may hold open").tag(config=True)
    disk_mib = Integer(64, help="MiB of files that a submission may write, each of its folders").tag(config=True)
    output_kib = Integer(1024, help="KiB of output kept from one cell; the rest is cut off").tag(config=True)
    outputs_per_cell = Integer(1000, help="outputs kept from one cell").tag(config=True)
    submission_mib = Integer(64, help="MiB that a submission's files may have together").tag(config=True)
    preload_modules = List(
        Unicode(), [], help="modules to import in the warm process, in addition to those the source notebook imports"
    ).tag(config=True)
    preload_calls = Dict(
        {},
        help='support functions to call once in the warm process: {"05-mnist": ["digits:load"]}',
    ).tag(config=True)
    warm_environment = List(
        Unicode(),
        ["SCIKIT_LEARN_DATA", "XDG_CACHE_HOME"],
        help="environment variables that the warm process (never student code) may see",
    ).tag(config=True)
    readable_paths = List(Unicode(), [], help="further folders that student code may read").tag(config=True)

    @default("cell_seconds")  # type: ignore[untyped-decorator]
    def _default_cell_seconds(self) -> float:
        timeout = _nbgraders_timeout(self.config)
        return CELL_SECONDS if timeout is None else timeout

    @default("notebook_seconds")  # type: ignore[untyped-decorator]
    def _default_notebook_seconds(self) -> float:
        timeout = _nbgraders_timeout(self.config)
        return 6 * CELL_SECONDS if timeout is None else max(6 * timeout, 6 * CELL_SECONDS)


def _nbgraders_timeout(config: Config) -> float | None:
    """The limit of a cell that is set for nbgrader, in seconds; None if there is none. No limit is an hour here."""
    for name in ("Execute", "ExecutePreprocessor"):
        if "timeout" in config.get(name, {}):
            timeout = config[name]["timeout"]
            if timeout is None or (isinstance(timeout, int) and timeout < 0):
                return NO_LIMIT
            if isinstance(timeout, (int, float)):
                return float(timeout)
            raise CourseError(f"c.{name}.timeout is {timeout!r}: give a number of seconds, or None for no limit.")
    return None


class Grading(Configurable):  # type: ignore[misc]
    """How marks are made. Set as ``c.Grading.<name>`` in nbgrader_config.py."""

    graders_directory = Unicode("graders", help="folder of the hidden graders, seen from the course root").tag(
        config=True
    )
    decimals = Integer(2, help="digits after the point to which a question's mark is rounded").tag(config=True)
    grader_settings = Dict(
        {},
        help='what the graders of assignments are told: {"05-mnist": {"data_set": "mnist_784"}}',
    ).tag(config=True)
    timezone = Unicode(
        "",
        help="time zone of the course (Europe/Berlin): what abbreviations such as CEST mean (default "
        "c.Exchange.timezone), and times that name no zone (default UTC, as nbgrader reads them)",
    ).tag(config=True)


class Sources(Configurable):  # type: ignore[misc]
    """What instructors' own files are like. Set as ``c.Sources.<name>`` in nbgrader_config.py."""

    shared_files = List(
        Unicode(), [], help='support files that are alike in all assignments that have them: ["self_check.py"]'
    ).tag(config=True)
    shared_cells = Dict(
        {},
        help="cells that are alike in all notebooks, by id, and the file with the text of each, seen from the course "
        'root: {"welcome": "source/welcome.md"}; `<assignment>` in a text becomes the assignment\'s name',
    ).tag(config=True)
    cell_seconds = Float(
        120.0, help="seconds of processor time a cell of a source may take while its solution is built"
    ).tag(config=True)
    named_cells = Bool(
        False,
        help="have the lint ask for cell ids that say what a cell holds, instead of JupyterLab's random ones",
    ).tag(config=True)
    solution_needs = Dict(
        {},
        help="support functions that say what a solution needs and this machine lacks, in a text, or an empty one: "
        '{"05-mnist": "saved_network:missing"}',
    ).tag(config=True)


class Lti(Configurable):  # type: ignore[misc]
    """A learning platform's services. Set as ``c.Lti.<name>`` in nbgrader_config.py."""

    client_id = Unicode("", help="the identifier that the platform gave to the tool").tag(config=True)
    token_url = Unicode("", help="the platform's address for access tokens").tag(config=True)
    audience = Unicode("", help="to whom our signed assertion is addressed (default token_url)").tag(config=True)
    private_key_file = Unicode(
        "", help="PEM file with the tool's private RSA key, outside the course's folder, which its owner alone can read"
    ).tag(config=True)
    line_items_url = Unicode("", help="address of the columns of the course's gradebook on the platform (AGS)").tag(
        config=True
    )
    memberships_url = Unicode("", help="address of the list of the course's members on the platform (NRPS)").tag(
        config=True
    )
    student_key = Unicode(
        "email",
        help="what of a member is the student's id here: email, lis_person_sourcedid, user_id, or another name in the "
        "platform's list",
    ).tag(config=True)


class Watch(Configurable):  # type: ignore[misc]
    """How `nbseal watch` treats what arrives. Set as ``c.Watch.<name>`` in nbgrader_config.py."""

    release = Enum(
        ["visible", "everything", "after due"],
        "visible",
        help="what students see at once: the questions without hidden tests, everything, or nothing; everything once "
        "the due date, or the student's own, has passed",
    ).tag(config=True)
    attempts = Integer(0, help="submissions of an assignment that a student gets graded; 0 is no limit").tag(
        config=True
    )
    pause_minutes = Float(0.0, help="minutes between two graded submissions of one student").tag(config=True)
    counts = Enum(["last", "best"], "last", help="which of a student's graded submissions counts").tag(config=True)


OURS = (Seal, Grading, Sources, Watch, Lti)


@dataclass(frozen=True)
class Assignment:
    """One assignment of a course: its name, folders, notebooks (without ``.ipynb``) and hidden grader."""

    name: str
    source: Path
    release: Path
    notebooks: tuple[str, ...]
    grader: Path | None

    def template_path(self, notebook: str) -> Path:
        """The instructor's notebook, or its release where the sources are not on this machine."""
        path = self.source / f"{notebook}.ipynb"
        return path if path.exists() else self.release / f"{notebook}.ipynb"

    def grader_files(self) -> dict[str, Path]:
        """The hidden tests and what lies beside them, by name; neither other assignments' tests nor known cases."""
        if self.grader is None:
            return {}
        folder = self.grader.parent
        found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
        return {
            name.as_posix(): path
            for name, path in found.items()
            if path == self.grader
            or not (path.suffix == ".pyc" or path.name.startswith("test_") or name.parts[0] == CASES)
        }


class Course:
    """A course directory with its settings loaded.

    ``private`` is another folder for our own records, where nothing may be written into the course.
    """

    def __init__(
        self, root: str | os.PathLike[str] = ".", config: Config | None = None, private: Path | None = None
    ) -> None:
        self.root = Path(root).resolve()
        self.private = private or self.root / ".nbseal"  # scorecards, secret, locks
        if not self.root.is_dir():
            raise CourseError(f"{self.root} is not a folder: give the course's folder with --course.")
        if config is None:
            self.config = load_config(self.root)
        else:
            _check_names(config, CONFIG_FILE)
            self.config = copy.deepcopy(config)
        self.config.CourseDirectory.root = str(self.root)
        self.coursedir = CourseDirectory(config=self.config)
        self.seal = Seal(config=self.config)
        self.grading = Grading(config=self.config)
        self.sources = Sources(config=self.config)
        self.watch = Watch(config=self.config)
        self.lti = Lti(config=self.config)

    @property
    def db_url(self) -> str:
        """SQLAlchemy address of the gradebook."""
        return str(self.coursedir.db_url)

    def folder(self, kind: str, student: str = ".", assignment: str = ".") -> Path:
        """A folder of nbgrader's trees; ``kind`` is source, release, submitted, autograded, feedback or solution."""
        directory = getattr(self.coursedir, f"{kind}_directory")
        return Path(os.path.normpath(self.coursedir.format_path(directory, student, assignment)))

    def shown(self, kind: str, assignment: str = ".") -> str:
        """A folder of nbgrader's trees as messages name it: from the course's root, with the course's own names."""
        return f"{os.path.relpath(self.folder(kind, assignment=assignment), self.root)}/"

    def build_failure(self, assignment: str) -> Path:
        """Where it is kept why the last build of an assignment failed."""
        return self.private / "failed_builds" / f"{assignment}.txt"

    @property
    def template_cache(self) -> Path:
        """Folder of templates that were made before."""
        return self.private / "templates"

    @cached_property
    def secret(self) -> bytes:
        """The course's secret, from which hidden inputs are drawn; made once, readable by its owner only.

        CourseError where it can't be made, or where what is there can't be one.
        """
        path = self.private / "secret"
        if not path.exists():
            _make_secret(path)
        found = path.read_bytes()
        if len(found) != SECRET_BYTES:
            raise CourseError(
                f"{path} holds {len(found)} bytes where a secret has {SECRET_BYTES}, so hidden inputs could be "
                "guessed: put it back from your backup; or remove it, and a new one is made. Then recorded marks stay, "
                "but whoever is graded again gets other hidden inputs, and pseudonyms in reports change."
            )
        return found

    def assignments(self) -> list[str]:
        """Names of the assignments that have a source or a release; editors' hidden folders are none."""
        found: set[str] = set()
        for kind in ("source", "release"):
            folder = self.folder(kind)
            if folder.is_dir():
                found |= {path.parent.name for path in folder.glob("[!.]*/*.ipynb")}
        return sorted(found)

    def assignment(self, name: str) -> Assignment:
        """Return one assignment; UnknownName (with the nearest name) if there is none."""
        source, release = (self.folder(kind, assignment=name) for kind in ("source", "release"))
        notebooks = {path.stem for folder in (source, release) for path in folder.glob("*.ipynb")}
        if not notebooks or os.sep in name or name.startswith("."):
            raise UnknownName(unknown("assignment", name, self.assignments()))
        if PATTERN.intersection(name):
            raise CourseError(
                f"{name}: nbgrader takes *, ? and [ in an assignment's name for a pattern: rename its folder."
            )
        grader = self.root / self.grading.graders_directory / f"test_{name.replace('-', '_')}.py"
        return Assignment(name, source, release, tuple(sorted(notebooks)), grader if grader.exists() else None)

    def students(self, assignment: str, kind: str = "submitted") -> list[str]:
        """Students who have a folder for ``assignment`` in one of nbgrader's trees, or have handed it in elsewhere."""
        pattern = self.coursedir.format_path(getattr(self.coursedir, f"{kind}_directory"), "*", assignment)
        top = self.folder(kind)
        marker = Path(os.path.relpath(pattern, top)).parts.index("*")
        folders = top.glob(os.path.relpath(pattern, top)) if top.is_dir() else []
        found = {path.relative_to(top).parts[marker] for path in folders if os.path.isdir(path)}
        return sorted(found.union(self.misplaced(assignment) if kind == "submitted" else ()))

    def misplaced(self, assignment: str, student: str | None = None) -> dict[str, list[str]]:
        """What may be students' work for ``assignment``, of those who have no folder for it: names in their folders.

        That is each file, and each folder that isn't another assignment's, unless it is called like another one. Of one
        ``student``, or of all.
        """
        top = self.folder("submitted")
        if self.folder("submitted", "*", assignment) != top / "*" / assignment or not top.is_dir():
            return {}  # a course with folders of its own kind
        found = {}
        folders = sorted(top.iterdir()) if student is None else [top / student]
        for folder in (path for path in folders if path.is_dir() and not os.path.isdir(path / assignment)):
            try:
                names = self._odd_names(folder, assignment)
            except PermissionError:
                names = [assignment]  # whoever reads it is told why that can't be done
            if names:
                found[folder.name] = names
        return found

    def _odd_names(self, folder: Path, assignment: str) -> list[str]:
        """What in a student's folder may be work for ``assignment``."""
        graded, known = self.folder("autograded", folder.name), self._names
        return [
            path.name
            for path in sorted(folder.iterdir())
            if not (path.is_dir() and (path.name in known or (graded / path.name).is_dir() or _is_empty(path)))
            and not path.name.startswith(".")
            and path.name not in NOBODYS
            and _called_like(path.name, known) in (assignment, "")
        ]

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        """What each assignment may be called: its own name and its notebooks', as people vary them."""
        paths = [path for kind in ("source", "release") for path in self.folder(kind).glob("*/*.ipynb")]
        found: dict[str, set[str]] = {}
        for path in paths:
            called = {_plain(path.parent.name), _plain(path.stem)} - {""}
            found[path.parent.name] = found.get(path.parent.name, set()) | called
        return found

    def choose_students(self, assignment: str, wanted: list[str] | None) -> list[str]:
        """All submitters, or the ``wanted`` ones; CourseError when there are none, UnknownName for a stranger."""
        self.assignment(assignment)
        found = self.students(assignment)
        if not found:
            raise CourseError(
                f"no submissions of {assignment} in {self.folder('submitted')}: collect them first "
                f"(nbgrader collect {assignment}, or nbgrader zip_collect {assignment})."
            )
        for student in wanted or []:
            if student not in found:
                raise UnknownName(unknown("student", student, found))
        return sorted(set(wanted)) if wanted else found


def load_config(root: Path) -> Config:
    """nbgrader's own settings as its command line would find them: Jupyter's folders, then the course's file."""
    config = Config()
    for folder in [*reversed(jupyter_config_path()), str(root)]:
        path = Path(folder) / CONFIG_FILE
        if path.exists():
            try:
                found = PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
            except Exception as error:
                raise CourseError(f"{path} can't be loaded: {type(error).__name__}: {error}") from error
            _check_names(found, path)
            config.merge(found)
    return config


def _check_names(config: Config, where: str | Path) -> None:
    """CourseError naming the file ``where`` for a setting of ours that doesn't exist; traitlets would only warn."""
    for kind in OURS:
        group = f"c.{kind.__name__}"
        known = sorted(kind.class_trait_names(config=True))
        for name in config.get(kind.__name__, ()):
            if kind is Seal and name in RENAMED:
                raise CourseError(f"{where}: {group}.{name} is now {group}.{RENAMED[name]}: write the new name.")
            if name not in known:
                raise CourseError(f"{where}: {unknown(f'{group} setting', name, known)}")


def _plain(name: str) -> str:
    """A name as people vary it: letters and digits alone, and small."""
    return "".join(filter(str.isalnum, name.casefold()))


def _called_like(name: str, known: dict[str, set[str]]) -> str:
    """The assignment whose name, or a notebook's, is in a file's name; the longest one, "" if there is none."""
    inside = [(len(one), assignment) for assignment, names in known.items() for one in names if one in _plain(name)]
    return max(inside, default=(0, ""))[1]


def _is_empty(folder: Path) -> bool:
    """Whether there is no file in a folder; what lies in more folders than honest work does is taken for one."""
    waiting = [folder]
    for _ in range(MOST_EMPTY_FOLDERS):
        if not waiting:
            return True
        try:
            entries = list(waiting.pop().iterdir())
        except OSError:
            return False
        if any(entry.is_symlink() or not os.path.isdir(entry) for entry in entries):
            return False
        waiting += entries
    return False


def _make_secret(path: Path) -> None:
    """Make the secret, whole or not at all; runs that are the first at the same time agree on one."""
    from filelock import FileLock  # takes long to load, and a course needs it once

    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with FileLock(path.with_name("secret.lock")):
            if not path.exists():
                write_whole(path, secrets.token_bytes(SECRET_BYTES), 0o600, durable=True)
                sync_folder(path.parent)
    except OSError as error:
        raise CourseError(f"{path} can't be made ({error.strerror}): fix that and run again.") from error


def unknown(what: str, name: Any, known: list[str]) -> str:
    """A sentence about a name that nobody knows: the nearest one that somebody does, or else some of them."""
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {first_of(known, NAMED) or 'none'}."
    return f"no {what} called {name!r}: {hint}"
