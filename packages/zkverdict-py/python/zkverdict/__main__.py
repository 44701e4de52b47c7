"""The command line: `zkverdict` and `python -m zkverdict`."""

import sys

from ._zkverdict import run_command


def main() -> int:
    # Which is behind what Python writes here.
    sys.stdout.flush()
    return run_command(["zkverdict", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
