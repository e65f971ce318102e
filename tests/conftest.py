"""The order of the test files: those that take minutes come first, so that two processes end at about the same time."""

from pathlib import Path

import pytest

import tests.unneeded  # noqa: F401

LONGEST_FIRST = (
    "functional/test_samples.py",
    "hostile/test_attacks.py",
    "browser/test_hub.py",
    "faults/test_kill_and_resume.py",
    "functional/test_bad_answers.py",
    "functional/test_fidelity.py",
    "functional/test_hub_accounts.py",
    "functional/test_export_otter.py",
    "functional/test_unprivileged.py",
    "functional/test_grade.py",
    "functional/test_cli.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the longest files forward; within a file, and among the others, the order stays."""
    here = Path(__file__).parent
    ranks = {here / name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
