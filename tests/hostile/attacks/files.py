"""Attacks by files handed in beside the notebook, or in its place."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.hostile.attack import POINTS, WRONG_DOUBLE, Attack, Lost, attack

RIGHT = np.array([[1.0, 2.0], [3.0, 4.0]])
COURSE = "../../.."  # seen from a submission's folder


class Touch:
    """Unpickled, it leaves a file behind."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        """Run a command."""
        return os.system, ("touch /tmp/nbseal-hostile-pickle /var/tmp/nbseal-hostile-pickle",)


def npy(descr: str, shape: str, body: bytes = b"", fortran: str = "False", version: bytes = b"\x01\x00") -> bytes:
    """A ``.npy`` file that claims what it likes."""
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + body


def npz(member: bytes, name: str = "w.npy", method: int = zipfile.ZIP_STORED) -> bytes:
    """An ``.npz`` file with one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, member)
    return file.getvalue()


def saved(content: bytes) -> Callable[[Path], None]:
    """Hand in other bytes as the array file."""
    return lambda folder: (folder / "network.npz").write_bytes(content) and None


def written(texts: dict[str, str]) -> Callable[[Path], None]:
    """Hand in further text files."""

    def write(folder: Path) -> None:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def links(targets: dict[str, str]) -> Callable[[Path], None]:
    """Hand in symbolic links."""

    def make(folder: Path) -> None:
        for name, target in targets.items():
            path = folder / name
            path.unlink(missing_ok=True)
            path.symlink_to(target)

    return make


def by_numpy(array: np.ndarray) -> bytes:
    """An array as numpy itself writes it, pickled if need be."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def bomb(folder: Path) -> None:
    zeros = npz(npy("'<f8'", "(17000000,)", bytes(136_000_000)), method=zipfile.ZIP_DEFLATED)
    (folder / "network.npz").write_bytes(zeros)


def many_files(folder: Path) -> None:
    for number in range(2500):
        (folder / f"{number}.txt").touch()


def sparse_file(folder: Path) -> None:
    with (folder / "large.bin").open("wb") as file:
        file.truncate(64 << 20)


def odd_names(folder: Path) -> None:
    for name in (
        b"two\nlines.txt",
        b"\xe2\x80\xaetxt.exe",
        b"half \xed\xa0\x80.txt",
        b"\xff.txt",
        b"-rf",
        b"x" * 255,
        b"*",
    ):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"?")
    (folder / "\x1b]0;owned\x07").mkdir()


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")


def fifo_for_the_array(folder: Path) -> None:
    (folder / "network.npz").unlink()
    os.mkfifo(folder / "network.npz")


def notebook_is(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Something else in the notebook's place."""

    def replace(folder: Path) -> None:
        path = folder / "hostile.ipynb"
        path.unlink()
        make(path)

    return replace


def cyclic_links(folder: Path) -> None:
    (folder / "here").symlink_to(".")
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    (folder / "deep").mkdir()
    (folder / "deep" / "up").symlink_to("../deep", target_is_directory=True)


A_COURSE = {
    "gradebook.db": "not a database",
    "nbgrader_config.py": "open('/tmp/nbseal-hostile-course', 'w')",
    ".nbseal/secret": "0" * 32,
    "graders/test_hostile.py": "open('/tmp/nbseal-hostile-course', 'w')",
    "source/hostile/hostile.ipynb": "{}",
    "submitted/ada/hostile/hostile.ipynb": "{}",
    "autograded/ada/hostile/hostile.ipynb": "{}",
    "ada.ipynb": "{}",
    "hostile.ipynb.new": "{}",
}


def array(name: str, sentence: str, content: bytes, wrong: str = "saved") -> Attack:
    """An attack by the array file alone."""
    return attack(name, sentence, wrong=wrong, files=saved(content))


POISON = "open('/tmp/nbseal-hostile-poison', 'w').write('poison')\nraise SystemExit('poisoned')\n"
SHOW = "import glob\nfor name in sorted(glob.glob('*')):\n    print(name, open(name, 'rb').read()[:100_000])"
ALL_QUESTIONS = " ".join(POINTS)
LOSE_ALL = {"lost": Lost.EVERYTHING}
ATTACKS = [
    attack(
        "cannot_read_instructors_files_through_links",
        "A link to an instructor's file is not followed, and nothing is copied through it.",
        files=links(
            {
                "gradebook": f"{COURSE}/gradebook.db",
                "grader.py": f"{COURSE}/graders/test_hostile.py",
                "ada.txt": f"{COURSE}/submitted/ada/hostile/hostile.ipynb",
            }
        ),
        after=SHOW,
    ),
    attack(
        "cannot_read_folders_through_links",
        "A link to a folder is not followed.",
        files=links({"graders": f"{COURSE}/graders", "ada": f"{COURSE}/submitted/ada", "course": COURSE}),
        after="import os\nprint([(top, names) for top, _, names in os.walk('.', followlinks=True)])",
    ),
    attack(
        "cannot_hand_in_a_link_as_an_answer",
        "An array file that is a link to another student's is not handed in.",
        wrong="saved",
        files=links({"network.npz": f"{COURSE}/submitted/ada/hostile/network.npz"}),
    ),
    attack(
        "cannot_hand_in_a_link_as_the_notebook",
        "A notebook that is a link to another student's is not handed in.",
        **LOSE_ALL,
        files=notebook_is(lambda path: path.symlink_to(f"{COURSE}/submitted/ada/hostile/hostile.ipynb")),
    ),
    attack(
        "cannot_hang_by_a_notebook_that_is_a_pipe",
        "A pipe in the notebook's place is not waited for.",
        **LOSE_ALL,
        files=notebook_is(os.mkfifo),
    ),
    attack(
        "cannot_confuse_by_a_notebook_that_is_a_folder",
        "A folder in the notebook's place is no notebook.",
        **LOSE_ALL,
        files=notebook_is(os.mkdir),
    ),
    attack("cannot_hang_by_a_pipe", "A named pipe among the files is left out.", files=fifo),
    attack(
        "cannot_hang_by_a_pipe_as_an_answer",
        "A named pipe in place of the array file is not waited for.",
        wrong="saved",
        files=fifo_for_the_array,
    ),
    attack("cannot_walk_in_circles", "Links in circles are left out.", files=cyclic_links),
    attack("cannot_hand_in_too_many_files", "A submission of thousands of files waits.", **LOSE_ALL, files=many_files),
    attack("cannot_hand_in_a_sparse_file", "A sparse file over the limit waits.", **LOSE_ALL, files=sparse_file),
    attack("cannot_confuse_by_file_names", "Names with line breaks and half characters stop nothing.", files=odd_names),
    attack(
        "cannot_confuse_by_a_timestamp",
        "A timestamp that is none stops nothing.",
        files=written({"timestamp.txt": "now \x00 {{7*7}} 99999-99-99"}),
    ),
    attack(
        "cannot_hang_by_a_pipe_as_a_timestamp",
        "A named pipe in place of the timestamp is not waited for.",
        files=lambda folder: os.mkfifo(folder / "timestamp.txt"),
    ),
    attack(
        "cannot_be_late_by_a_link_as_a_timestamp",
        "A timestamp that is a link is not followed.",
        files=links({"timestamp.txt": f"{COURSE}/notes.txt"}),
    ),
    attack(
        "cannot_bring_a_course",
        "A submission's own gradebook, graders and settings are files.",
        files=written(A_COURSE),
    ),
    attack(
        "cannot_poison_modules",
        "Modules in the submission that bear the names of others are imported by nobody else.",
        wrong="double",
        double=WRONG_DOUBLE,
        files=written(
            dict.fromkeys(
                ("numpy.py", "sitecustomize.py", "usercustomize.py", "json.py", "nbseal/__init__.py", "nbgrader.py"),
                POISON,
            )
        ),
    ),
    attack(
        "cannot_poison_pytest",
        "A conftest.py, pytest.ini or plugin in the submission is not loaded by the hidden tests.",
        wrong="double",
        double=WRONG_DOUBLE,
        files=written(
            {
                "conftest.py": POISON,
                "pytest.ini": "[pytest]\naddopts = -p conftest --collect-only\n",
                "tox.ini": "[pytest]\naddopts = --collect-only\n",
                "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--collect-only'\n",
                "test_hostile.py": POISON,
            }
        ),
    ),
    attack(
        "cannot_poison_ipython",
        "Startup files and settings of IPython and Jupyter in the submission are not read.",
        wrong="double",
        double=WRONG_DOUBLE,
        files=written(
            {
                ".ipython/profile_default/startup/00.py": POISON,
                ".ipython/profile_default/ipython_config.py": POISON,
                "ipython_config.py": POISON,
                "jupyter_config.py": POISON,
                "jupyter_nbconvert_config.py": POISON,
            }
        ),
    ),
    array("cannot_hand_in_a_pickle", "A pickle in an .npz is not opened.", npz(pickle.dumps(Touch()), "w.npy")),
    array("cannot_hand_in_a_bare_pickle", "A pickle in place of an .npz is not opened.", pickle.dumps(Touch())),
    array(
        "cannot_hand_in_pickled_objects",
        "An array of objects is not opened.",
        npz(by_numpy(np.array([[Touch(), 2], [3, 4]], dtype=object))),
    ),
    array("cannot_claim_eight_gigabytes", "A length is not believed.", npz(npy("'<f8'", "(1000000000,)", b"\0" * 60))),
    array("cannot_claim_more_than_there_is", "A shape of huge numbers is refused.", npz(npy("'<f8'", f"({2**62}, 4)"))),
    array(
        "cannot_claim_texts_of_no_length", "Texts without length take no memory.", npz(npy("'<U0'", "(2000000000,)"))
    ),
    array("cannot_hand_in_voids", "Records and voids are refused.", npz(npy("[('a', '<f8')]", "(4,)", bytes(32)))),
    array(
        "cannot_hide_code_in_a_header",
        "A header is data.",
        npz(npy("__import__('os').system('id')", "(2, 2)", bytes(32))),
    ),
    array(
        "cannot_hand_in_a_broken_archive", "Half an archive is refused.", npz(npy("'<f8'", "(2, 2)", bytes(32)))[:-30]
    ),
    array(
        "cannot_climb_out_of_an_archive",
        "Names in an archive are names, not paths.",
        npz(by_numpy(RIGHT), "../../../../../../tmp/@mark@.npy"),
    ),
    attack(
        "cannot_hand_in_a_bomb",
        "An archive that unpacks to more than the limit is refused.",
        wrong="saved",
        files=bomb,
    ),
    array(
        "cannot_swap_bytes", "Bytes in the wrong order are other numbers.", npz(npy("'>f8'", "(2, 2)", RIGHT.tobytes()))
    ),
    array(
        "cannot_lose_marks_by_the_order_of_bytes",
        "Right numbers in another order of bytes and axes are right.",
        npz(npy("'>f8'", "(2, 2)", RIGHT.T.astype(">f8").tobytes(), fortran="True")),
        wrong="",
    ),
]
