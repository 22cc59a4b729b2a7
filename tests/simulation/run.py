"""Run seeds by hand: ``python -m tests.simulation.run --seed 17 --trace``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.simulation import simulate


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulate the engine by seed.")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds")
    parser.add_argument("--trace", action="store_true", help="print what happened")
    parser.add_argument("--untimed", action="store_true", help="print nothing that differs from run to run")
    arguments = parser.parse_args()
    sometimes: Counter[str] = Counter()
    found = 0
    begun = time.perf_counter()
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        report = simulate(seed, traces=arguments.trace)
        sometimes += report.sometimes
        if arguments.trace:
            print("\n".join(report.trace))
        if report.problem is not None:
            found += 1
            print(f"seed {seed}: {report.problem}\n  {report.options.text}")
    took = "" if arguments.untimed else f", {time.perf_counter() - begun:.1f} s"
    print(f"{arguments.count} seeds, {found} violations{took}")
    for what, count in sorted(sometimes.items()):
        print(f"  {count:7d} {what}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
