"""What all tests share, and their order: the longest files come first, so that processes end at the same time."""

import gc
from pathlib import Path

import hypothesis
import pytest

import tests.unneeded  # noqa: F401

gc.disable()  # collecting the tests takes a third longer with it

# an example that takes long on a busy machine is no failure
hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")

LONGEST_FIRST = (
    "functional/test_samples.py",
    "faults/test_cluster_faults.py",
    "functional/test_bad_answers.py",
    "hostile/test_attacks.py",
    "functional/test_fidelity.py",
    "browser/test_hub.py",
    "functional/test_conformance.py",
    "functional/test_verify.py",
    "hostile/test_attack_search.py",
    "hostile/test_channels.py",
    "functional/test_wheel.py",
    "functional/test_unprivileged.py",
    "functional/test_hub_accounts.py",
    "functional/test_export_otter_samples.py",
    "functional/test_grade.py",
    "functional/test_cli.py",
    "functional/test_build.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the longest files forward; within a file, and among the others, the order stays."""
    here = Path(__file__).parent
    ranks = {here / name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def pytest_collection_finish() -> None:
    """What collecting the tests has made stays for ever, so no later collection of garbage looks at it again."""
    gc.collect()
    gc.freeze()
    gc.enable()
