"""Numbers that must be the same everywhere: modes of the exchange, and accounts' numbers in containers."""

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


def account_number(name: str) -> int:
    """The user and group id of a student's or an instructor's container."""
    return FIRST + crc32(name.encode("utf-8")) % COUNT
