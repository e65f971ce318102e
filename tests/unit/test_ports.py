"""The ports that tests give to servers."""

import random
import subprocess
import sys

from tests.ports import free_ports
from tests.samples import ROOT

FIRST_FIT = "import random; random.sample = lambda found, count: list(found)"
ASK = f"{FIRST_FIT}; from tests.ports import free_ports; print(free_ports(3))"


def test_two_who_ask_get_different_ports(monkeypatch):
    """What one process was given is given to no other while the first one lives, though nothing listens there yet."""
    monkeypatch.setattr(random, "sample", lambda found, count: list(found))
    ours = free_ports(3)
    done = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) > ours
