"""Regular files are read safely and written whole."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from nbseal.files import digest_of, open_regular, read_regular, write_file, write_whole


def permissions(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_digest_is_of_names_and_contents():
    """The order says nothing; a byte moved from a name to a content or to another file changes it."""
    whole = digest_of({"a": b"1", "b": b"23"})
    assert whole == digest_of({"b": b"23", "a": b"1"})
    others = [{"a": b"12", "b": b"3"}, {"a": b"1"}, {"a1": b"", "b": b"23"}, {"a": b"1", "c": b"23"}, {}]
    assert len({whole, *map(digest_of, others)}) == 6
    assert digest_of({"\udcff": b""}) != digest_of({"\udcfe": b""})


def test_a_file_is_written_with_the_permissions_of_any_new_file(tmp_path):
    """Nothing is beside it afterwards, and what was there before is replaced."""
    path, plain = tmp_path / "file", tmp_path / "plain"
    path.write_text("old")
    write_whole(path, b"new")
    plain.write_text("")
    assert path.read_bytes() == b"new"
    assert permissions(path) == permissions(plain)
    assert sorted(tmp_path.iterdir()) == [path, plain]


@pytest.mark.parametrize("write", [write_whole, write_file])
def test_permissions_that_are_asked_for_hold_whatever_the_mask(tmp_path, write):
    """The process's mask takes nothing away."""
    before = os.umask(0o077)
    try:
        write(tmp_path / "file", b"text", 0o664)
    finally:
        os.umask(before)
    assert permissions(tmp_path / "file") == 0o664


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    """Where the file can't take its place, nothing has changed."""
    folder = tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_whole(folder, b"text", durable=True)
    with pytest.raises(TypeError):
        write_whole(tmp_path / "other", "no bytes")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_two_writers_never_mix(tmp_path):
    """Whoever reads meanwhile finds one of the whole files."""
    path, contents = tmp_path / "file", [bytes([number]) * 300_000 for number in range(4)]
    write_whole(path, contents[0])
    writers = [threading.Thread(target=lambda one=one: [write_whole(path, one) for _ in range(20)]) for one in contents]
    for writer in writers:
        writer.start()
    seen = {path.read_bytes() for _ in range(50)}
    for writer in writers:
        writer.join()
    assert {*seen, path.read_bytes()} <= set(contents)
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_never_written_through_a_link(tmp_path):
    """A link of that name is removed, and what it leads to stays."""
    (tmp_path / "target").write_text("mine")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_file(tmp_path / "file", b"text", 0o600)
    assert (tmp_path / "target").read_text() == "mine"
    assert not (tmp_path / "file").is_symlink()


def test_only_regular_files_are_opened(tmp_path):
    """Links, pipes, sockets, folders and devices are none; nothing waits."""
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    for name in ("link", "broken", "pipe", "socket", "."):
        assert open_regular(tmp_path / name) is None, name
    assert open_regular(Path("/dev/null")) is None
    assert read_regular(tmp_path / "file", 3) == b"tex"
    assert read_regular(tmp_path / "pipe", 3) is None


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    """Missing isn't the same as not regular."""
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing")
