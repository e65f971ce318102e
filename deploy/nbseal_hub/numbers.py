"""Numbers that must be the same everywhere: modes of the exchange, and accounts' numbers in containers."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

# The student and the course's group; the folder's own mode keeps everybody else out of what is inside.
SUBMISSION_MODE = 0o770
# Students may put something in, and can't list; the sticky bit lets each change their own only; what is made there
# belongs to the course's group.
INBOUND_MODE = 0o3733
OUTBOUND_MODE = 0o755
FEEDBACK_MODE = 0o711
# The account that grades, and the range of everybody else's.
GRADER = 10_000
FIRST, COUNT = 20_000, 40_000


# The table of who has which number: beside the hub's database, and a copy for collecting beside `inbound`.
TABLE = "numbers.json"


def read_numbers(path: Path) -> dict[str, int]:
    """A table of accounts' numbers by name; empty if there is none yet."""
    try:
        table: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return table


def add_numbers(path: Path, names: Iterable[str]) -> dict[str, int]:
    """Give a number to each of ``names`` that the table has not, for good: nobody inherits somebody else's files.

    A name's first choice is made from the name, so that hubs from before the table keep their numbers.

    Raises:
        ValueError: all numbers are taken.
    """
    table = read_numbers(path)
    taken = set(table.values())
    for name in names:
        if name not in table:
            if len(taken) >= COUNT:
                raise ValueError(f"{path} has {COUNT} accounts, and no number is left")
            number = first_choice(name)
            while number in taken:
                number = FIRST + (number + 1 - FIRST) % COUNT
            table[name] = number
            taken.add(number)
    write_numbers(path, table)
    return table


def forget_name(path: Path, name: str) -> dict[str, int] | None:
    """Take a name out of the table, whose number stays taken, and return the table; None if the name isn't there."""
    table = read_numbers(path)
    if name not in table:
        return None
    number = table.pop(name)
    table[f"former {number}"] = number  # no account's name has a blank
    write_numbers(path, table)
    return table


def write_numbers(path: Path, table: dict[str, int], owner: int | None = None) -> None:
    """Write a table that only its owner can read, whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(table, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    if owner is not None:
        os.chown(draft, owner, owner)
    draft.replace(path)


def first_choice(name: str) -> int:
    """The number that somebody gets if nobody has it."""
    return FIRST + crc32(name.encode("utf-8")) % COUNT
