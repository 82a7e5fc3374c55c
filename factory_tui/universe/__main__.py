"""Serve twin packs without the rest of factory-tui: ``python -m factory_tui.universe``.

A zipapp that ``factory-tui twins pack`` writes starts here too.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from factory_tui.universe.clock import START
from factory_tui.universe.control import serve_control
from factory_tui.universe.load import PackError
from factory_tui.universe.standalone import Serving, run, serve_packs
from factory_tui.universe.tap import Exchange

__all__ = ["announce", "line", "main", "wait"]


def line(exchange: Exchange) -> str:
    """One line of traffic, without anything that a terminal would obey."""
    arrow = "<-" if exchange.direction == "in" else "->"
    told = f"  fault: {exchange.fault}" if exchange.fault else ""
    told += f"  gap: {exchange.gap}" if exchange.gap else ""
    path = "".join(letter if letter.isprintable() else "?" for letter in exchange.path[:200])
    return (
        f"{exchange.t_virtual}  {exchange.twin:6} {arrow} {exchange.method:6} {path}  "
        f"{exchange.status}{told}"
    )


def announce(serving: Serving, control: str = "") -> list[str]:
    """What a shell can evaluate to find the twins."""
    lines = []
    for twin in serving.twins:
        lines.append(f"# {twin.name} at {twin.url}")
        lines += [f"export {variable}={value}" for variable, value in twin.env.items()]
    if control:
        lines += [f"# control API at {control}", f"export TWINS_CONTROL={control}"]
    return [*lines, "# ctrl+c stops"]


async def wait(serving: Serving, host: str, control_port: int | None) -> None:
    """Announce what is served, with a control API if it has a port, until cancelled."""
    control = None
    try:
        if control_port is not None:
            control = await serve_control(serving, host, control_port)
        address = f"http://{host}:{control.port}" if control else ""
        print("\n".join(announce(serving, address)), flush=True)
        await asyncio.Event().wait()
    finally:
        if control is not None:
            await control.close()
        await serving.close()


def _options(names: Sequence[str]) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="twins", description="Serve digital twins on loopback, one port each."
    )
    if not names:
        options.add_argument("folder", type=Path, help="where the packs are")
        options.add_argument("names", nargs="+", help="packs")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port-base", type=int, default=9100, help="first port; 0: any")
    options.add_argument("--control-port", type=int, help="serve the control API; 0: any port")
    options.add_argument("--seed", default="acme-12", help="named data set")
    options.add_argument("--random-seed", type=int, default=1)
    options.add_argument("--clock", default=START, help="virtual start; now: the real time")
    options.add_argument("--limits", action="store_true", help="enforce published rate limits")
    options.add_argument("--tap", action="store_true", help="show the traffic")
    return options


def main(
    argv: Sequence[str] | None = None, folder: Path | None = None, names: Sequence[str] = ()
) -> int:
    """Serve until interrupted; returns the exit status.

    Args:
        argv: Instead of the command line.
        folder: Where the packs are, if that is settled.
        names: The packs, if that is settled.
    """
    given = _options(names).parse_args(argv)

    async def work() -> None:
        serving = await serve_packs(
            list(names) or given.names,
            given.port_base,
            given.random_seed,
            (lambda exchange: print(line(exchange), flush=True)) if given.tap else None,
            folder=folder or given.folder,
            org=given.seed,
            clock=given.clock,
            host=given.host,
            limits=given.limits,
        )
        await wait(serving, given.host, given.control_port)

    try:
        run(work())
    except (PackError, ValueError, OSError) as error:
        print(f"twins: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
