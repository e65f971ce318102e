"""Every exception that nbseal raises on purpose; messages name the cause and the mend.

NbsealError
├── CourseError            the instructor's files or settings are wrong; nothing was graded
│   ├── UnknownName        no such assignment, student or question
│   ├── SolutionFailed     a solution can't be run to its end
│   ├── OtherLanguage      the assignment isn't written in Python, which is all that is graded here
│   └── GraderError        a hidden grader can't be collected, or doesn't fit its notebook
├── SubmissionError        one submission can't be read at all
├── SealError              our machinery, not the student's code
│   ├── SealUnavailable    this machine offers no way to seal a process
│   ├── SealBroken         the sealed process is gone before it answered
│   └── WireError          what came back isn't plain data in our format
├── ClusterError           the cluster that was to grade can't, or no longer
├── RecordError            marks could not be written
└── QueueError             the queue's database can't be used
AssertionError
└── StudentError           what the student handed in is not what was asked for; the text is for them
    └── StudentFunctionError   the student's function raised
"""

from collections.abc import Sequence

STUB = "NotImplementedError"  # what a stub raises


class NbsealError(Exception):
    """Root of everything raised on purpose."""


class CourseError(NbsealError):
    """The course directory, its settings or its sources are wrong."""


class UnknownName(CourseError):
    """An assignment, a student or a question that doesn't exist was asked for."""


class SolutionFailed(CourseError):
    """An instructor's notebook can't be run to its end, or a cell of it fails where none may."""


class OtherLanguage(CourseError):
    """A notebook is not written in Python: no mark of its assignment is touched."""


class GraderError(CourseError):
    """A hidden grader can't be loaded or doesn't fit the notebook it grades."""


class SubmissionError(NbsealError):
    """A submission can't be read; ``told`` is what its student is told of it, nothing where it isn't their matter."""

    def __init__(self, message: str, told: str = "") -> None:
        super().__init__(message)
        self.told = told


class SealError(NbsealError):
    """Sealing or talking to a sealed process failed."""


class SealUnavailable(SealError):
    """This machine offers no level of sealing that official grading accepts."""


class SealBroken(SealError):
    """The sealed process ended, or stopped answering, before it gave the value asked for."""


class WireError(SealError):
    """Bytes from the sealed process are not a valid message."""


class ClusterError(NbsealError):
    """A Dask cluster can't be reached, or none of its workers can grade; what is recorded stays."""


class RecordError(NbsealError):
    """Marks could not be written; what was recorded before is untouched."""


class QueueError(NbsealError):
    """The queue's database can't be used; what was handed in and recorded is untouched."""


class StudentError(AssertionError):
    """What the student handed in isn't what the question asks for; the text is shown to them.

    ``unwritten``: because a stub stands where the answer should be.
    """

    def __init__(self, message: str = "", *, unwritten: bool = False) -> None:
        super().__init__(message)
        self.unwritten = unwritten


class StudentFunctionError(StudentError):
    """The student's function raised an exception of its own.

    Its text and ``error_type`` may be shown. ``said`` is the exception's whole message, which may hold hidden inputs:
    compare it, never show it.
    """

    def __init__(self, message: str, error_type: str, error_bases: Sequence[str] = (), said: str = "") -> None:
        super().__init__(message, unwritten=error_type == STUB)
        self.error_type = error_type
        self.error_bases = list(error_bases)
        self.said = said
