"""A learning platform's services by LTI 1.3 Advantage: who is in the course (NRPS), and its gradebook (AGS)."""

from importlib.util import find_spec

from nbseal.errors import CourseError

NEEDED = ("cryptography", "jwt", "requests", "tenacity")


def require_libraries() -> None:
    """CourseError where a library is missing that talks to platforms."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise CourseError(f"{', '.join(missing)} is not installed: pip install 'nbseal[lti]'.")
