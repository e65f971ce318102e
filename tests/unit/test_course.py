"""What a course directory holds of its own."""

from pathlib import Path

from nbseal.course import Course


def test_a_course_s_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Whoever asks first makes it, others read the same; another course has another, and nobody else can read it."""
    roots = tmp_path / "one", tmp_path / "two"
    for root in roots:
        root.mkdir()
    first, again, other = (Course(root).secret for root in (roots[0], *roots))
    assert first == again != other
    assert len(first) == 32
    assert (roots[0] / ".nbseal").stat().st_mode & 0o777 == 0o700
    assert (roots[0] / ".nbseal" / "secret").stat().st_mode & 0o777 == 0o600
