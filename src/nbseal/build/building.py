"""Build assignments, and tell whether what was built is still fresh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbseal.build.assignment_files import Files, differences, source_files, write_files
from nbseal.build.question_notes import question_notes
from nbseal.build.release import make_release
from nbseal.build.solutions import OnCell, lacking, make_solutions, stamp_of
from nbseal.course import Course
from nbseal.errors import CourseError, OtherLanguage, SealError, SolutionFailed
from nbseal.files import digest_of, write_whole
from nbseal.grading import Grader, faults_of_solution
from nbseal.sandbox import is_linux


@dataclass(frozen=True)
class Built:
    """What one build changed: relative paths in release/ and solutions/, and what the author should look at."""

    assignment: str
    release: tuple[str, ...]
    solutions: tuple[str, ...]
    notes: tuple[str, ...] = ()


def build(
    course: Course,
    assignments: Iterable[str] | None = None,
    *,
    force: bool = False,
    strict: bool = False,
    on_cell: OnCell | None = None,
) -> list[Built]:
    """Make release/ and solutions/ of the assignments (default: all with a source), and register the releases.

    Solutions are executed only when their sources changed, or with ``force``; one for which this machine lacks
    something (c.Sources.solution_needs) stays as it was, and a note says so. A build without a change writes no file.
    CourseError for anything wrong with the sources; what was there before is then left as it was. A solution that fails
    doesn't stop the release, as nbgrader runs none: it is named in a note, or is an error if the build is ``strict``.
    What the solution doesn't get when it is graded as a student's work is named, too, where something changed.
    Of all assignments, those in another language are left out, with a note. ``on_cell`` is told of each cell that is
    done.
    """
    found = []
    for name in _choose(course, assignments):
        try:
            found.append(_build_one(course, name, force, strict, on_cell))
            course.build_failure(name).unlink(missing_ok=True)
        except OtherLanguage as error:
            if assignments is not None:
                raise
            found.append(Built(name, (), (), (str(error),)))
        except CourseError as error:
            _remember(course.build_failure(name), str(error))
            raise
    return found


def _remember(path: Path, failure: str) -> None:
    """Keep why a build failed, for who grades the assignment all the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, failure.encode("utf-8"))


def stale(course: Course, assignments: Iterable[str] | None = None) -> list[str]:
    """Say, one line each, what in release/ and solutions/ is not what the sources give; changes nothing."""
    lines = []
    for name in _choose(course, assignments):
        release = course.folder("release", assignment=name)
        changed = differences(release, make_release(course, name))
        lines += [f"{name}: {path} in the release differs from what the sources give" for path in changed]
        lines += [f"{name}: the solution of {path} was made from other sources" for path in _outdated(course, name)]
    return lines


def _build_one(course: Course, name: str, force: bool, strict: bool, on_cell: OnCell | None) -> Built:
    files, notes = _solve(course, name, strict, on_cell) if force or _outdated(course, name) else (None, [])
    release = make_release(course, name, register=True)
    changed = write_files(course.folder("release", assignment=name), release)
    executed = write_files(course.folder("solution", assignment=name), files) if files is not None else []
    notes = [*notes, *question_notes(course, name)]
    if (changed or executed) and is_linux() and not lacking(course, name):
        notes += _solution_faults(course, name)
    return Built(name, tuple(changed), tuple(executed), tuple(notes))


def _solution_faults(course: Course, name: str) -> list[str]:
    """What the solution doesn't get when it is graded as a student's work; `nbseal grade` remembers it."""
    try:
        with Grader(course, name) as grader:
            return [fault.removeprefix(f"{name}: ") for fault in faults_of_solution(course, grader)]
    except (CourseError, SealError) as error:
        return [f"its solution isn't graded here: {error}"]


def _solve(course: Course, name: str, strict: bool, on_cell: OnCell | None) -> tuple[Files | None, list[str]]:
    """The files of solutions/ and what the author should look at; no files where those that are there must stay."""
    if (lack := lacking(course, name)) and course.folder("solution", assignment=name).is_dir():
        kept = course.shown("solution", name)
        return None, [f"{kept} is kept, though made from other sources: it can't be executed here. {lack}"]
    try:
        files, notes = make_solutions(course, name, on_cell)
    except SolutionFailed as error:
        if strict:
            raise
        return None, [f"released, but its solution is not made: {error}"]
    if strict and notes.failures:
        raise SolutionFailed(f"{name}: {notes.failures[0]}")
    said = [*notes.failures, *notes.others]
    return files, [f"executed all the same: {lack}", *said] if lack else said


def _choose(course: Course, assignments: Iterable[str] | None) -> list[str]:
    if assignments is not None:
        return [course.assignment(name).name for name in assignments]
    return [name for name in course.assignments() if any(course.assignment(name).source.glob("*.ipynb"))]


def _outdated(course: Course, name: str) -> list[str]:
    """Notebooks whose solution is missing, or was made from other sources."""
    files = source_files(course, name)
    stamp, folder = digest_of(files), course.folder("solution", assignment=name)
    notebooks = [path for path in files if "/" not in path and path.endswith(".ipynb")]
    return [
        path for path in notebooks if not (folder / path).is_file() or stamp_of((folder / path).read_bytes()) != stamp
    ]
