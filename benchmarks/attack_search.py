"""``python -m benchmarks.attack_search``: an attacker that searches by itself, under a seed.

It draws thousands of compositions and tries each. Pairs of submissions (tests/hostile/search.py) try to tell one
another a secret. Single submissions (tests/hostile/tricks.py) try frames, outputs, edits of the notebook and hunger on
a grader: what may not happen is a mark that wasn't earned, a hidden input in what is recorded, a script in it, a stall
of the class, a limit that is passed, a neighbour that loses marks, anything left behind. What is found is printed with
its code.

``--without NAME`` switches one mend off (tests/hostile/mends.py; ``all`` takes them in turn) and says after how many
compositions that is found. Of these, only the kinds are tried that can find it; the others count. ``--unsealed`` tries
the pairs that are harmless without walls.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from nbseal.course import Seal
from nbseal.sandbox import NONE, WarmProcess
from nbseal.sandbox.levels import BY_MECHANISM
from tests.hostile import alone, search, tricks, ways
from tests.hostile.mends import MENDS, without
from tests.hostile.search import LANES, SECRETS, SLOT, Composition
from tests.hostile.tricks import Trick

PAIRS = 3  # at the same time
IN_A_PAIR = 25 * LANES
AT_FIRST = 4 * LANES  # while a mend is switched off, which most of the time is found soon
Numbered = dict[int, Composition]


def search_pairs(
    mechanism: str, seed: int, tried: Numbered, in_a_pair: int = IN_A_PAIR, pairs: int = PAIRS
) -> Numbered:
    """Those compositions that let secrets cross; ``pairs`` of submissions run at the same time."""
    seconds = in_a_pair / LANES * SECRETS * SLOT + 30
    seal = Seal(cell_seconds=seconds, notebook_seconds=2 * seconds, processes=32)
    with a_folder() as folder:
        ours = folder / "for all to read"
        ours.write_bytes(bytes(1 << 16))
        seal.readable_paths = [str(folder)]
        with (
            WarmProcess(seal, BY_MECHANISM.get(mechanism, NONE)).start() as warm,
            ThreadPoolExecutor(pairs) as pool,
        ):
            batches = list(parts(list(tried), in_a_pair))
            found = pool.map(
                lambda batch: search.crossed(warm, [tried[n] for n in batch], random.Random(seed), ours), batches
            )
            return {
                batch[place]: tried[batch[place]] for batch, hits in zip(batches, found, strict=True) for place in hits
            }


def search_alone(mechanism: str, tried: dict[int, Trick]) -> dict[int, list[str]]:
    """What tricks have reached, by their number; -1 stands for what was left at the end."""
    with a_folder() as folder:
        found = alone.found_by(list(tried.values()), BY_MECHANISM[mechanism].name, folder)
    numbers = list(tried)
    return {numbers[place] if place >= 0 else -1: what for place, what in found.items()}


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder that others may walk through."""
    with tempfile.TemporaryDirectory(prefix="nbseal-search-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def parts(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The numbers, so many at a time."""
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def drawn_pairs(seed: int, count: int, kinds: Sequence[str] = tuple(ways.KINDS)) -> Numbered:
    """The compositions of these kinds among the first ones."""
    return {n: one for n, one in enumerate(islice(search.compositions(seed), count)) if one.kind in kinds}


def drawn_tricks(seed: int, count: int, kinds: Sequence[str] = tuple(tricks.KINDS)) -> dict[int, Trick]:
    """The tricks of these kinds among the first ones."""
    return {n: one for n, one in enumerate(islice(tricks.tricks(seed), count)) if one.kind in kinds}


def first_found(name: str, mechanism: str, seed: int, pairs: int = 2000, alone_: int = 2000) -> tuple[int, str] | None:
    """The number and the kind of the first composition that finds what a mend guards against, once it is off."""
    kinds = MENDS[name].kinds
    two, one = drawn_pairs(seed, pairs, kinds), drawn_tricks(seed, alone_, kinds)
    with without(name):
        at_first, at_once = (1, 1) if MENDS[name].one_by_one else (AT_FIRST, PAIRS)
        for batch in parts(list(two), AT_FIRST * at_once):
            if crossed := search_pairs(mechanism, seed, {n: two[n] for n in batch}, at_first, at_once):
                number = min(crossed)
                return number, crossed[number].kind
        for batch in parts(list(one), AT_FIRST):
            for number, what in search_alone(mechanism, {n: one[n] for n in batch}).items():
                if what[0].startswith(one[number].proof if number >= 0 else ()):
                    return number, f"{one[number].kind}: {what[0]}"
    return None


def report_without(names: Sequence[str], mechanism: str, seeds: Sequence[int], pairs: int, alone_: int) -> bool:
    """Say for each mend when it is missed; whether all are."""
    all_missed = True
    for name in names:
        for seed in seeds if mechanism in MENDS[name].levels else ():
            began = time.monotonic()
            found = first_found(name, mechanism, seed, pairs, alone_)
            all_missed = all_missed and found is not None
            said = f"found by composition {found[0]} ({found[1]})" if found else "not found"
            print(f"{mechanism}, seed {seed}, without {name!r}: {said}, {time.monotonic() - began:.0f} s", flush=True)
    return all_missed


def report(mechanism: str, seed: int, pairs: int, alone_: int) -> bool:
    """Search with all mends, and print what was found; whether anything was."""
    unsealed = mechanism == NONE.mechanism
    began = time.monotonic()
    tried = drawn_pairs(seed, pairs, tuple(ways.HARMLESS if unsealed else ways.KINDS))
    crossed = search_pairs(mechanism, seed, tried)
    for number, one in {} if unsealed else crossed.items():
        print(f"--- composition {number}, {one.kind}; the speaker:\n{one.tell}\n--- the listener:\n{one.hear}")
    kinds = Counter(one.kind for one in crossed.values())
    print(f"{len(tried)} pairs at {mechanism} in {time.monotonic() - began:.0f} s: {len(crossed)} crossed", flush=True)
    print(", ".join(f"{kind}: {kinds[kind]}" for kind in sorted(kinds)) or "nothing", flush=True)
    if unsealed:
        return False
    began = time.monotonic()
    drawn = drawn_tricks(seed, alone_)
    reached = search_alone(mechanism, drawn)
    for number, what in reached.items():
        print(f"--- trick {number}: {what}\n{drawn.get(number, '')}")
    print(f"{alone_} tricks at {mechanism} in {time.monotonic() - began:.0f} s: {len(reached)} reached anything")
    return bool(crossed or reached)


def main() -> int:
    """Search, and print what was found; exit code 1 if there was anything, or if a mend that is off isn't missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=2000, help="how many pairs (default: 2000)")
    parser.add_argument("--alone", type=int, default=2000, help="how many single submissions (default: 2000)")
    parser.add_argument("--level", default="namespaces", choices=sorted(BY_MECHANISM))
    parser.add_argument("--without", action="append", default=[], choices=[*MENDS, "all"])
    parser.add_argument("--seeds", type=int, default=3, help="with --without: how many seeds, from --seed on")
    parser.add_argument("--unsealed", action="store_true", help="without walls, to see that it finds something")
    options = parser.parse_args()
    if options.without:
        names = list(MENDS) if "all" in options.without else options.without
        seeds = range(options.seed, options.seed + options.seeds)
        return int(not report_without(names, options.level, seeds, options.pairs, options.alone))
    return int(
        report(NONE.mechanism if options.unsealed else options.level, options.seed, options.pairs, options.alone)
    )


if __name__ == "__main__":
    sys.exit(main())
