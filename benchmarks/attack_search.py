"""``python -m benchmarks.attack_search``: an attacker that searches by itself for a way between two submissions.

It draws thousands of compositions (tests/hostile/search.py) under a seed and runs each in a pair of sealed processes.
A secret that crosses is printed with the code of both sides. ``--unsealed`` shows that the search finds what is there:
it tries the compositions that are harmless without walls.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from nbseal.course import Seal
from nbseal.sandbox import NONE, WarmProcess
from nbseal.sandbox.levels import BY_MECHANISM
from tests.hostile.search import HARMLESS, LANES, SECRETS, SLOT, Composition, compositions, crossed

PAIRS = 3  # at the same time
IN_A_PAIR = 25 * LANES


def search(mechanism: str, seed: int, count: int) -> dict[Composition, int]:
    """Compositions that let secrets cross, and the number of each."""
    drawn = (one for one in compositions(seed) if mechanism != NONE.mechanism or one.kind in HARMLESS)
    tried = list(islice(drawn, count))
    seconds = IN_A_PAIR / LANES * SECRETS * SLOT + 30
    with tempfile.TemporaryDirectory(prefix="nbseal-search-") as name:
        Path(name).chmod(0o755)
        ours = Path(name) / "for all to read"
        ours.write_bytes(bytes(1 << 16))
        seal = Seal(cell_seconds=seconds, notebook_seconds=2 * seconds, processes=32, readable_paths=[name])
        with (
            WarmProcess(seal, BY_MECHANISM.get(mechanism, NONE)).start() as warm,
            ThreadPoolExecutor(PAIRS) as pool,
        ):
            batches = [tried[start : start + IN_A_PAIR] for start in range(0, count, IN_A_PAIR)]
            found = pool.map(lambda batch: crossed(warm, batch, random.Random(seed), ours), batches)
            numbers = {id(one): number for number, one in enumerate(tried)}
            return {one: numbers[id(one)] for batch in found for one in batch}


def main() -> int:
    """Search, and print what was found; exit code 1 if a secret crossed walls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compositions", type=int, default=2000)
    parser.add_argument("--level", default="namespaces", choices=sorted(BY_MECHANISM))
    parser.add_argument("--unsealed", action="store_true", help="without walls, to see that it finds something")
    options = parser.parse_args()
    mechanism = NONE.mechanism if options.unsealed else options.level
    began = time.monotonic()
    found = search(mechanism, options.seed, options.compositions)
    for one, number in {} if options.unsealed else found.items():
        print(f"--- composition {number}, {one.kind}; the speaker:\n{one.tell}\n--- the listener:\n{one.hear}")
    kinds = Counter(one.kind for one in found)
    print(
        f"{options.compositions} compositions at {mechanism} in {time.monotonic() - began:.0f} s: {len(found)} crossed"
    )
    print(", ".join(f"{kind}: {kinds[kind]}" for kind in sorted(kinds)) or "nothing")
    return int(bool(found) and not options.unsealed)


if __name__ == "__main__":
    sys.exit(main())
