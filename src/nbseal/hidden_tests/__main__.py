"""``python -m nbseal.hidden_tests DESCRIPTOR``: the judge's process begins here."""

import sys

from nbseal.hidden_tests.judge_process import main

if __name__ == "__main__":
    main(int(sys.argv[1]))
