"""``factory-tui twins``: the digital twins on their own, for people outside the factory."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from factory_tui.cli_common import chosen_folder, may_replace, refusal

if TYPE_CHECKING:
    from factory_tui.universe.replay import Agreement

__all__ = ["twins"]

PACKS = ("okta", "slack", "jira")
_PROBLEM = 2

folder_option = click.option(
    "--factory",
    "--folder",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The factory whose twins/ to take; else those that ship with factory-tui.",
    callback=lambda ctx, _param, value: chosen_folder(ctx, value),
)
control_option = click.option(
    "--control",
    envvar="TWINS_CONTROL",
    default="http://127.0.0.1:9099",
    show_default=True,
    help="Where the control API of `twins serve --control-port` is.",
)
universe_option = click.option(
    "--universe", default="main", show_default=True, help="Which universe."
)


def fail(sentence: str) -> NoReturn:
    """Say what is wrong and end with status 2."""
    click.echo(f"factory-tui: {sentence}", err=True)
    sys.exit(_PROBLEM)


def packs_folder(folder: Path) -> Path:
    """The factory's own packs, or those that ship."""
    from factory_tui import sample

    own = folder / "twins"
    return own if own.is_dir() else sample.root() / "twins"


def known_packs(folder: Path, names: tuple[str, ...]) -> Path:
    """The folder of packs, when all that are named are in it; else the command ends."""
    packs = packs_folder(folder)
    there = sorted(entry.parent.name for entry in packs.glob("*/__init__.py"))
    for name in names:
        if name not in there:
            has = f"it has {', '.join(there)}" if there else "it has none"
            fail(f'there is no twin pack "{name}" in {packs}; {has}')
    return packs


def known_clock(text: str) -> None:
    """End the command unless a clock can start there."""
    from factory_tui.universe.clock import clock_at

    try:
        clock_at(text)
    except ValueError as error:
        fail(f"--{error}")


@click.group()
def twins() -> None:
    """The digital twins on their own."""


# -- serving ---------------------------------------------------------------------------------


@twins.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--port-base", type=click.IntRange(0, 65000), default=9100, show_default=True)
@click.option("--control-port", type=click.IntRange(0, 65535), help="Serve the control API there.")
@click.option("--seed", "dataset", default="acme-12", show_default=True, help="Named data set.")
@click.option("--random-seed", type=int, default=1, show_default=True)
@click.option(
    "--clock",
    default="2026-03-02T09:00:00Z",
    show_default=True,
    help="Virtual start; now: the real time, which the twins then follow.",
)
@click.option("--limits", is_flag=True, help="Enforce the rate limits that the vendors publish.")
@click.option("--tls-ca", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--tap", is_flag=True, help="Show the traffic.")
@folder_option
def serve(
    names: tuple[str, ...],
    port_base: int,
    control_port: int | None,
    dataset: str,
    random_seed: int,
    clock: str,
    limits: bool,
    tls_ca: Path | None,
    tap: bool,
    folder: Path,
) -> None:
    """Serve twins on loopback, one port each; prints URLs and credentials.

    With --tls-ca they speak HTTPS under an authority of this run, whose certificate is written
    to that file.
    """
    from factory_tui.universe import PackError
    from factory_tui.universe.__main__ import line, wait
    from factory_tui.universe.standalone import run, serve_packs

    packs = known_packs(folder, names)

    async def work() -> None:
        authority = None
        if tls_ca is not None:
            from factory_tui.universe.tls import Authority

            authority = Authority()
            may_replace(tls_ca, (b"-----BEGIN CERTIFICATE",), "a certificate")
            try:
                authority.write(tls_ca)
            except OSError as error:
                fail(f"--tls-ca {refusal(error)}")
        serving = await serve_packs(
            names,
            port_base,
            random_seed,
            (lambda exchange: click.echo(line(exchange))) if tap else None,
            folder=packs,
            org=dataset,
            clock=clock,
            limits=limits,
            tls=authority,
        )
        await wait(serving, "127.0.0.1", control_port)

    known_clock(clock)
    try:
        run(work())
    except OSError as error:
        fail(f"{error}; give another --port-base or --control-port")
    except (PackError, ValueError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


# -- talking to the control API --------------------------------------------------------------


def _open(control: str, method: str, path: str, body: Any = None) -> Any:
    """A response of the control API; ends the command where there is none."""
    import urllib.error
    import urllib.request

    if not control.startswith(("http://", "https://")):
        fail(f"--control {control}: give a URL such as http://127.0.0.1:9099")
    request = urllib.request.Request(
        control.rstrip("/") + path,
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json"},
        method=method,
    )
    try:
        return urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        try:
            sentence = json.loads(error.read())["error"]
        except (ValueError, KeyError, TypeError):
            sentence = f"the control API answers {error.code}"
        fail(str(sentence))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        reason = getattr(reason, "strerror", None) or reason
        fail(f"no control API at {control}: {reason}. Try: twins serve okta --control-port 9099")


def _ask(control: str, method: str, path: str, body: Any = None) -> Any:
    with _open(control, method, path, body) as response:
        return json.loads(response.read())


@twins.command()
@click.argument("org", required=False)
@click.option("--random-seed", type=int)
@click.option("--clock", help="Virtual start; now: the real time.")
@click.option("--vary", multiple=True, help="What else the seed changes: ids, names, order, …")
@universe_option
@control_option
def seed(
    org: str | None,
    random_seed: int | None,
    clock: str | None,
    vary: tuple[str, ...],
    universe: str,
    control: str,
) -> None:
    """Give the served twins another data set, or (without one) go back to the start."""
    if clock is not None:
        known_clock(clock)
    fields: dict[str, Any] = {"org": org, "seed": random_seed, "clock": clock, "vary": list(vary)}
    wanted = {name: value for name, value in fields.items() if value not in (None, [])}
    verb = "seed" if wanted else "reset"
    told = _ask(control, "POST", f"/universes/{universe}/{verb}", wanted)
    for name, twin in told["twins"].items():
        click.echo(f"{name:8} {twin['seed']:12} {twin['url']}")


@twins.command()
@click.option("--follow/--no-follow", "-f", default=True, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per exchange, whole.")
@click.option("--twin", default="", help="Only this one.")
@click.option("--after", type=int, default=0, help="Only exchanges after this number.")
@universe_option
@control_option
def tap(follow: bool, as_json: bool, twin: str, after: int, universe: str, control: str) -> None:
    """Show the traffic of the served twins, events that they send included."""
    path = f"/universes/{universe}/traffic?twin={twin}&after={after}"
    try:
        for row in _rows(control, path, follow):
            click.echo(json.dumps(row) if as_json else _line(row))
    except (KeyboardInterrupt, BrokenPipeError):
        pass


def _rows(control: str, path: str, follow: bool) -> Iterator[dict[str, Any]]:
    if not follow:
        yield from _ask(control, "GET", path)["traffic"]
        return
    with _open(control, "GET", f"{path}&follow=1") as response:
        for line in response:
            yield json.loads(line)


def _line(row: dict[str, Any]) -> str:
    from factory_tui.text import clean

    arrow = "->" if row.get("direction") == "out" else "<-"
    told = f"  fault: {row['fault']}" if row["fault"] else ""
    told += f"  gap: {row['gap']}" if row["gap"] else ""
    path = clean(row["path"], limit=200)
    return (
        f"{row['n']:>5} {row['t_virtual']}  {row['twin']:6} {arrow} {row['method']:6} {path}  "
        f"{row['status']}{told}"
    )


@twins.command()
@click.argument("snapshot", default="start")
@click.option("--take", is_flag=True, help="Take a snapshot of that name instead.")
@click.option("--json", "as_json", is_flag=True, help="Rows before and after, as JSON.")
@universe_option
@control_option
def diff(snapshot: str, take: bool, as_json: bool, universe: str, control: str) -> None:
    """Show what changed in the served twins since a snapshot (default: the start)."""
    place = f"/universes/{universe}/snapshots"
    if take:
        _ask(control, "POST", place, {"name": snapshot})
        click.echo(f"took {snapshot}")
        return
    changed = _ask(control, "GET", f"{place}/{snapshot}/diff")
    if as_json:
        click.echo(json.dumps(changed))
        return
    for twin, tables in changed.items():
        for table, rows in tables.items():
            for row in rows:
                click.echo(f"{twin:6} {table:16} {_change(row)}")
    if not changed:
        click.echo("nothing has changed")


def _change(row: dict[str, Any]) -> str:
    from factory_tui.text import clean

    before, after, key = row["before"], row["after"], row["key"]
    name = clean("/".join(key) if isinstance(key, list) else str(key))
    if before is None:
        return f"+ {name}"
    if after is None:
        return f"- {name}"
    fields = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    return f"~ {name}  {clean(', '.join(fields))}"


# -- recording and scoring -------------------------------------------------------------------


@twins.command()
@click.argument("twin")
@click.argument("upstream")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: TWIN.jsonl.")
@click.option("--port", type=click.IntRange(0, 65535), default=9180, show_default=True)
@click.option("--keep-people", is_flag=True, help="Do not replace e-mail addresses.")
def record(twin: str, upstream: str, out: Path | None, port: int, keep_people: bool) -> None:
    """Pass requests on to a real service and record them, without secrets, as JSON lines.

    TWIN names what is recorded (okta); UPSTREAM is the service (https://acme.okta.com). Point
    the program at the printed address and let it run with its own credentials.
    """
    from factory_tui.universe import Courier, record
    from factory_tui.universe.server import serve as serve_twin
    from factory_tui.universe.standalone import run

    target = out or Path(f"{twin}.jsonl")
    may_replace(target, (b"{",), "a recording")

    async def work() -> None:
        import asyncio
        import socket

        universe = record.proxy(upstream)
        sock = socket.create_server(("127.0.0.1", port))
        # What was recorded before stays: a session may have several parts.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            universe.on_exchange = record.recorder(
                twin, upstream, file.write, people=not keep_people
            )
            async with Courier(universe):
                server = await serve_twin(universe, "proxy", sock)
                click.echo(f"http://127.0.0.1:{server.port} -> {upstream}, recorded in {target}")
                try:
                    await asyncio.Event().wait()
                finally:
                    await server.close()

    try:
        run(work())
    except OSError as error:
        fail(refusal(error) if error.filename else f"{error}; give another --port")
    except ValueError as error:
        fail(str(error))
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


@twins.command()
@click.argument("names", nargs=-1)
@click.option(
    "--recordings",
    "-r",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A recording (.jsonl, or a VCR .yaml) or a folder of them; may be repeated.",
)
@click.option("--of", "twin", default="", help="Whose VCR cassettes these are.")
@click.option("--seed", "dataset", default="acme-12", show_default=True)
@click.option("--gaps", is_flag=True, help="List the operations that are not implemented.")
@click.option("--json", "as_json", is_flag=True)
@click.option("--at-least", type=click.FloatRange(0, 100), help="Fail below so much agreement.")
@folder_option
def score(
    names: tuple[str, ...],
    recordings: tuple[Path, ...],
    twin: str,
    dataset: str,
    gaps: bool,
    as_json: bool,
    at_least: float | None,
    folder: Path,
) -> None:
    """Print what each twin covers and, given recordings, how far it agrees with them."""
    from factory_tui.universe import PackError, load_packs
    from factory_tui.universe import score as scoring
    from factory_tui.universe.record import RecordingError
    from factory_tui.universe.replay import Agreement

    try:
        packs = load_packs(known_packs(folder, names), names or PACKS)
        files = scoring.recordings(recordings, twin)
        if recordings and not any(found for _, found in files):
            fail(f"{', '.join(map(str, recordings))}: there is no recorded exchange in it")
        agreed = scoring.agreement(packs, files, dataset)
    except (PackError, RecordingError, ValueError) as error:
        fail(str(error))
    covered = [scoring.coverage(pack) for pack in packs.values()]
    if as_json:
        for one in covered:
            found = agreed.get(one.twin, Agreement())
            shown = {
                "twin": one.twin,
                "described": one.described,
                "implemented": len(one.implemented),
                "gaps": list(one.gaps),
                "driven": None if one.driven is None else len(one.driven),
                "agreeing": None if one.agreeing is None else len(one.agreeing),
                "refusing": None if one.refusing is None else len(one.refusing),
                "replayed": found.total,
                "agreed": found.agreed,
                "disagreements": [_disagreement(item) for item in found.disagreements],
            }
            click.echo(json.dumps(shown))
    else:
        click.echo(
            f"{'twin':8}{'described':>10}{'implemented':>13}{'gaps':>6}{'by a client':>13}"
            f"{'agree':>7}{'refuse':>8}{'recordings':>20}"
        )
        for one in covered:
            agrees = _share(agreed.get(one.twin))
            click.echo(
                f"{one.twin:8}{one.described:>10}{len(one.implemented):>13}{len(one.gaps):>6}"
                f"{_count(one.driven):>13}{_count(one.agreeing):>7}{_count(one.refusing):>8}"
                f"{agrees:>20}"
            )
            if gaps:
                for name in one.gaps:
                    click.echo(f"  gap  {name}")
            for item in agreed.get(one.twin, Agreement()).disagreements:
                click.echo(f"  {item.method} {item.path}  ({item.operation}): {item.problem}")
    if at_least is not None:
        total = sum(found.total for found in agreed.values())
        good = sum(found.agreed for found in agreed.values())
        if not total or 100 * good / total < at_least:
            sys.exit(1)


def _count(names: tuple[str, ...] | None) -> str:
    return "-" if names is None else str(len(names))


def _share(found: Agreement | None) -> str:
    if found is None or not found.total:
        return "-"
    return f"{found.agreed}/{found.total} {100 * found.agreed / found.total:.1f} %"


def _disagreement(item: Any) -> dict[str, str]:
    return {name: getattr(item, name) for name in ("operation", "method", "path", "problem")}


# -- packing ---------------------------------------------------------------------------------


@twins.command()
@click.argument("names", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: NAME-twin.pyz."
)
@folder_option
def pack(names: tuple[str, ...], out: Path | None, folder: Path) -> None:
    """Write twins as one file that serves them, for this Python and platform."""
    from factory_tui.universe import PackError
    from factory_tui.universe.bundle import write_bundle

    target = out or Path(f"{'-'.join(names)}-twin.pyz")
    may_replace(target, (b"#!/usr/bin/env python3\nPK", b"PK"), "a pack")
    try:
        write_bundle(known_packs(folder, names), names, target)
    except OSError as error:
        fail(refusal(error) if error.filename else f"{target}: {error.strerror or error}")
    except PackError as error:
        fail(str(error))
    size = target.stat().st_size / 1e6
    click.echo(f"{target} ({size:.1f} MB); run: {target.resolve()} --control-port 9099")
