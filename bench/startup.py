"""How long starting takes and what it weighs, beside a bare interpreter in the same run."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "factory-tui --version": [sys.executable, "-m", "factory_tui", "--version"],
    "import the screens": [sys.executable, "-c", "import factory_tui.ui.app"],
    "import the engine": [sys.executable, "-c", "import factory_tui.engine.__main__"],
    "import anthropic": [sys.executable, "-c", "import anthropic"],
}
ROUNDS = 7


def measure(argv: list[str]) -> tuple[float, float, float]:
    """Median wall and CPU seconds, and peak memory in MiB, of one command."""
    walls, cpus, peak = [], [], 0.0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        _, status, usage = _wait(process.pid)
        process.returncode = status
        if status:
            sys.exit(f"{argv} failed with {status}")
        walls.append(time.perf_counter() - began)
        cpus.append(usage.ru_utime + usage.ru_stime)
        peak = max(peak, usage.ru_maxrss / 1024)
    return statistics.median(walls), statistics.median(cpus), peak


def _wait(pid: int) -> tuple[int, int, resource.struct_rusage]:
    import os

    return os.wait4(pid, 0)


def main() -> None:
    base = 0.0
    print(f"{'':26}{'wall ms':>9}{'cpu ms':>9}{'MiB':>7}{'× python':>10}")
    for name, argv in COMMANDS.items():
        wall, cpu, memory = measure(argv)
        base = base or cpu
        print(f"{name:26}{wall * 1e3:9.0f}{cpu * 1e3:9.0f}{memory:7.0f}{cpu / base:10.1f}")


if __name__ == "__main__":
    main()
