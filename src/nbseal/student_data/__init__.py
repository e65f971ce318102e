"""What a course keeps about one student: found, put into an archive, or deleted."""

from nbseal.student_data.archive import write_archive
from nbseal.student_data.deleting import delete
from nbseal.student_data.finding import StudentData, find

__all__ = ["StudentData", "delete", "find", "write_archive"]
