"""The numbers of accounts in containers."""

from __future__ import annotations

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub.numbers import COUNT, FIRST, add_numbers, first_choice, read_numbers

CLASS = [f"student{number}" for number in range(600)]


def test_a_class_of_600_has_600_numbers(tmp_path):
    """Names whose first choice is the same number get different ones, all within the range."""
    assert len({first_choice(name) for name in CLASS}) < len(CLASS)
    table = add_numbers(tmp_path / "numbers.json", CLASS)
    assert len({table[name] for name in CLASS}) == len(CLASS)
    assert all(FIRST <= number < FIRST + COUNT for number in table.values())


def test_a_number_is_for_good(tmp_path):
    """Who is added later, in whatever order, changes nobody's number, and who left keeps theirs."""
    path = tmp_path / "numbers.json"
    before = add_numbers(path, CLASS[:300])
    after = add_numbers(path, reversed(CLASS[100:]))
    assert {name: after[name] for name in before} == before
    assert read_numbers(path) == after
    assert path.stat().st_mode & 0o777 == 0o600


def test_hubs_from_before_the_table_keep_their_numbers(tmp_path):
    """Somebody's first choice is the number that was made from the name."""
    assert add_numbers(tmp_path / "numbers.json", ["nora"]) == {"nora": first_choice("nora")} == {"nora": 23403}
