"""All benchmarks, one after the other: ``python -m tests.benchmarks [--small]``.

Each prints one JSON line per figure, with the limits of the disk that were measured in the same run. ``--small`` only shows
that they work. Figures are for comparing two commits on one quiet machine; none is a test.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

# Each with the arguments that make it small.
BENCHMARKS = {
    "core_turn": ["--sizes", "10,100", "--seconds", "0.01"],
    "store_commit": ["--turns", "64", "--rounds", "1"],
    "three_step": ["--workflows", "64", "--alone", "10"],
    "signup": ["--workflows", "64"],
    "timers": ["--workflows", "100"],
    "push": ["--calls", "500"],
    "http": ["--calls", "200", "--workflows", "64", "--alone", "10", "--polls", "50"],
    "search": ["--workflows", "200", "--rounds", "2"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    failed = []
    for name, small in BENCHMARKS.items():
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"tests.benchmarks.{name}", *(small if options.small else [])]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
