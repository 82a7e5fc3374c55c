"""Run benchmarks: ``python -m bench [NAME …]``; all of them without a name."""

from __future__ import annotations

import sys

from bench import forks, paint, pipeline, startup, trials, twins

PARTS = {
    "startup": startup.main,
    "forks": forks.main,
    "twins": twins.main,
    "trials": trials.main,
    "paint": paint.main,
    "pipeline": pipeline.main,
}


def main() -> None:
    names = sys.argv[1:] or list(PARTS)
    unknown = [n for n in names if n not in PARTS]
    if unknown:
        sys.exit(f"unknown benchmark {unknown[0]!r}; there are: {', '.join(PARTS)}")
    for name in names:
        print(f"== {name}")
        PARTS[name]()


if __name__ == "__main__":
    main()
