"""The page of all attacks is complete."""

from benchmarks.attacks import ALONE, HIDDEN_TESTS, PAGE
from benchmarks.attacks_table import TITLES, Outcome, not_run, row, table
from tests.hostile.attack import POINTS
from tests.hostile.attacks import ALL

NAMES = {attack.name for attack in ALL}


def test_the_page_lists_every_attack_with_its_sentence() -> None:
    """docs/attacks.md has one line for each attack, and none for attacks that are gone."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| **")]
    beginnings = [line.partition(" | ")[0] for line in lines]
    wanted = [row(attack, {attack.name: Outcome()}, {}).partition(" | ")[0] for attack in ALL]
    assert beginnings == wanted, "python -m benchmarks.attacks writes the page anew"


def test_with_nbseal_no_attack_succeeds() -> None:
    """The page says of each attack that it holds, and of stock nbgrader just what was run."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| **")]
    for attack, line in zip(ALL, lines, strict=True):
        _, ours, stock = line.removesuffix(" |").split(" | ")
        assert ours.startswith("holds"), attack.name
        assert ("not run" in stock) == (not_run(attack) is not None), attack.name


def test_outcomes_are_told_in_words() -> None:
    """Whatever became of an attack, the cell of the table says it, and only what holds is said to hold."""
    assert Outcome().words() == "holds"
    assert Outcome(waits=True).words() == "holds, waits"
    assert Outcome(lost=True).words() == "costs the author"
    bad = Outcome(gained=("double",), found=("grader", "settings"), changed=True, stopped=True, failed=True)
    assert not bad.holds
    for words in ("gains marks** (double)", "graders, the course's settings", "changes", "stops", "error"):
        assert words in bad.words()


def test_the_benchmark_knows_the_attacks() -> None:
    """Names in the benchmark are names of attacks and of questions, and each theme has a title."""
    assert NAMES >= ALONE
    assert set(POINTS) >= set(HIDDEN_TESTS)
    assert set(TITLES) == {attack.theme for attack in ALL}
    assert "|---|" in table(ALL, {name: Outcome() for name in NAMES}, {}, "today")
