"""Tells nbgrader the revision of its gradebook's tables, for which it would start the program ``alembic``.

What nbgrader writes into a new gradebook stays the same, which a test proves. Reading the answer takes half a
millisecond, and ``alembic`` three seconds of processor time (measured on a busy machine with two processors).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbgrader.api
from nbgrader.dbutil import ALEMBIC_DIR

RELIES_ON = ("nbgrader.api.get_alembic_version", "nbgrader.dbutil.ALEMBIC_DIR")
REVISION = re.compile(r"""^(down_)?revision = ['"](\w+)['"]""", re.MULTILINE)


@contextmanager
def known_revision() -> Iterator[None]:
    """Have nbgrader make its tables without ``alembic``, where the answer is clear."""
    asks = nbgrader.api.get_alembic_version
    newest = newest_revision()
    if newest:
        nbgrader.api.get_alembic_version = lambda: newest
    try:
        yield
    finally:
        nbgrader.api.get_alembic_version = asks


def newest_revision() -> str | None:
    """The revision of nbgrader's tables that no other one follows; None if there is no such one."""
    names: dict[str, set[str]] = {"": set(), "down_": set()}
    for path in Path(ALEMBIC_DIR, "versions").glob("*.py"):
        for kind, name in REVISION.findall(path.read_text(encoding="utf-8")):
            names[kind].add(name)
    heads = names[""] - names["down_"]
    return heads.pop() if len(heads) == 1 else None
