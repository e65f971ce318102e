"""Which files beside a notebook are graded with it, and what is said of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbseal.errors import SubmissionError
from nbseal.grading import submission
from nbseal.grading.submission import MAX_FILES, read_beside

MB = 1 << 20


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook in a folder of its own."""
    path = tmp_path / "work" / "work.ipynb"
    path.parent.mkdir()
    path.write_text("{}")
    return path


def put(notebook: Path, name: str, size: int = 1) -> None:
    """Put a file of some bytes, which take no room on the disk, beside a notebook."""
    path = notebook.parent / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.touch()
    os.truncate(path, size)


def test_all_files_are_taken_that_there_is_room_for(notebook: Path) -> None:
    """Files in folders are taken too, other notebooks and caches are not, and there is nothing to say."""
    for name in ("data.csv", "pictures/a.png", "other.ipynb", "__pycache__/data.pyc"):
        put(notebook, name)
    found = read_beside(notebook, "", 64)
    assert (set(found.files), found.problems) == ({"data.csv", "pictures/a.png"}, ())


def test_a_large_file_is_left_out_and_named(notebook: Path) -> None:
    """A video that the notebook doesn't need keeps no other file out."""
    put(notebook, "a video.mp4", 70 * MB)
    put(notebook, "data.csv")
    found = read_beside(notebook, "", 64)
    assert set(found.files) == {"data.csv"}
    assert found.problems == ("left out (a notebook and its files may have 64 MiB together): a video.mp4 (70.0 MiB)",)


def test_what_the_notebook_names_comes_first(notebook: Path) -> None:
    """Of files that don't fit together, those are taken whose name or folder stands in the text."""
    for name in ("a.npz", "mnist_mlp.npz", "films/a.npz"):
        put(notebook, name, 600 << 10)
    put(notebook, "pictures/a.png", 300 << 10)
    found = read_beside(notebook, "load('mnist_mlp.npz'); glob('pictures/*')", 1)
    assert set(found.files) == {"mnist_mlp.npz", "pictures/a.png"}
    assert found.problems[0].endswith("a.npz (0.6 MiB), films/a.npz (0.6 MiB)")


def test_of_too_many_files_the_nearest_are_taken(notebook: Path) -> None:
    """No more files than a submission may have; the others are counted, and some are named."""
    for number in range(MAX_FILES + 100):
        put(notebook, f"0/{number:04}.txt")
    put(notebook, "zero.csv")
    put(notebook, "needed/needed.csv")
    found = read_beside(notebook, "needed.csv", 64)
    assert {"zero.csv", "needed/needed.csv"} < set(found.files)
    assert len(found.files) == MAX_FILES
    assert found.problems == (
        "left out (no more than 2000 files are taken): 0/1998.txt, 0/1999.txt, 0/2000.txt and 99 more",
    )


def test_a_folder_with_everything_is_not_looked_through(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where very much lies below, no more is looked at than has to be, and that is said."""
    monkeypatch.setattr(submission, "LOOKED_AT", 5)
    for number in range(9):
        put(notebook, f"folder{number}/deep/file")
    put(notebook, "data.csv")
    found = read_beside(notebook, "", 64)
    assert set(found.files) == {"data.csv"}
    assert found.problems == ("left out (no more than 5 files are looked at): folder0/, folder1/, folder2/ and 6 more",)


def test_links_and_pipes_are_left_out_and_named(notebook: Path) -> None:
    """What is no file isn't followed and isn't waited for."""
    os.mkfifo(notebook.parent / "pipe")
    (notebook.parent / "link").symlink_to("/etc/passwd")
    (notebook.parent / "folder").symlink_to("/etc")
    found = read_beside(notebook, "", 64)
    assert found.files == {}
    assert found.problems == ("left out (links, or no files): folder, link, pipe",)


def test_a_notebook_that_is_too_large_by_itself_is_refused(notebook: Path) -> None:
    """No room can be made by leaving out the notebook."""
    os.truncate(notebook, 2 * MB)
    with pytest.raises(SubmissionError, match=r"work.ipynb has more than 1 MiB"):
        read_beside(notebook, "", 1)
