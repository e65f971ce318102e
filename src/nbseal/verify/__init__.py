"""Verifies graders: known cases, mutants, wrong ideas, adversaries and students' own ways, tried on each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbseal.errors import CourseError

if TYPE_CHECKING:
    from nbseal.verify.verified_page import verification_page
    from nbseal.verify.verifying import Verification, VerifyOptions, verify

__all__ = ["Verification", "VerifyOptions", "verification_page", "verify"]


def __getattr__(name: str) -> Any:
    """Load what makes mutants only when it is asked for: known cases can be read without the libraries for it."""
    if name not in __all__:
        raise AttributeError(f"module 'nbseal.verify' has no attribute {name!r}")
    try:
        from nbseal.verify import verified_page, verifying
    except ModuleNotFoundError as error:
        if error.name not in ("libcst", "mutmut"):
            raise
        raise CourseError(
            f"verifying graders needs {error.name}: pip install 'nbseal[verify]' (in this course: make verify)."
        ) from error
    return getattr(verified_page if name == "verification_page" else verifying, name)
