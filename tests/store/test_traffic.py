"""The traffic file: pages, filters, bodies."""

import dataclasses
import random
import sqlite3
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from factory_tui.store import ExchangeRow, StoreError, Traffic

TWINS = ("okta", "slack", "jira")


def exchange(n: int) -> ExchangeRow:
    return ExchangeRow(
        ts_ms=n,
        t_virtual="2026-03-02T09:00:00Z",
        run_id="a1b2c3",
        iteration=n // 100 + 1,
        scenario=f"s{n // 20 % 3}",
        trial=f"t{n // 20}",
        step=n % 20 // 5,
        n=n % 20,
        twin=TWINS[n % 3],
        operation="listUsers",
        method="GET",
        path=f"/api/v1/users?after={n}",
        status=[200, 429, 201, 0, 302][n % 5],
        ms=1.5,
        fault="rate limit" if n % 5 == 1 else "",
        gap="GET /api/v1/logs" if n % 11 == 0 else "",
        request_headers={"authorization": "SSWS ..."},
        request_body=f"<{n}>" * (n % 100),
        response_headers={"content-type": "application/json"},
        response_body='{"ok": true}',
    )


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    with Traffic.open(tmp_path_factory.mktemp("traffic") / "traffic.db") as opened:
        opened.add([exchange(n) for n in range(150)])
        opened.add([])
        opened.add([exchange(n) for n in range(150, 300)])
        yield opened


def short(row: ExchangeRow, seq: int) -> ExchangeRow:
    return dataclasses.replace(
        row, seq=seq, request_headers={}, request_body="", response_headers={}, response_body=""
    )


ALL = [short(exchange(n), n + 1) for n in range(300)]


def test_an_exchange_comes_back_with_its_bodies(traffic: Traffic) -> None:
    for n in (0, 99, 299):
        assert traffic.get(n + 1) == dataclasses.replace(exchange(n), seq=n + 1)
    for nothing in (0, 301):
        with pytest.raises(StoreError, match="no exchange"):
            traffic.get(nothing)


def test_the_whole_is_paged_without_bodies(traffic: Traffic) -> None:
    assert traffic.count() == 300
    assert traffic.page(offset=0, limit=1000) == ALL
    assert traffic.page(offset=123, limit=10) == ALL[123:133]
    assert traffic.page(offset=295, limit=10) == ALL[295:]
    assert traffic.page(offset=300, limit=10) == []
    assert traffic.after(290, 5) == ALL[290:295]


CHOICES: dict[str, list[Any]] = {
    "trial": [None, "t3", "nothing"],
    "scenario": [None, "s1"],
    "iteration": [None, 2],
    "twin": [None, "okta"],
    "step": [None, 2],
    "errors_only": [False, True],
}


@pytest.mark.parametrize("choice", product(*CHOICES.values()))
def test_every_combination_of_filters_agrees_with_a_plain_loop(
    traffic: Traffic, choice: tuple[Any, ...]
) -> None:
    chosen: Any = {k: v for k, v in zip(CHOICES, choice, strict=True) if v is not None}
    expected = [
        row
        for row in ALL
        if all(getattr(row, k) == v for k, v in chosen.items() if k != "errors_only")
        and (not chosen["errors_only"] or row.failed)
    ]
    assert traffic.count(**chosen) == len(expected)
    assert traffic.page(offset=2, limit=7, **chosen) == expected[2:9]
    assert traffic.after(77, 9, **chosen) == [row for row in expected if row.seq > 77][:9]


def test_what_counts_as_failed() -> None:
    assert [
        ExchangeRow(status=200).failed,
        ExchangeRow(status=302).failed,
        ExchangeRow(status=404).failed,
        ExchangeRow(status=0).failed,
        ExchangeRow(status=200, fault="delay").failed,
        ExchangeRow(status=200, gap="x").failed,
    ] == [False, False, True, True, True, True]


def test_an_unknown_filter_is_an_error(traffic: Traffic) -> None:
    with pytest.raises(TypeError, match="colour"):
        traffic.count(colour="red")  # type: ignore[call-arg]


def test_a_batch_is_all_or_nothing_and_leaves_no_gap(tmp_path: Path) -> None:
    with Traffic.open(tmp_path / "traffic.db") as traffic:
        broken = dataclasses.replace(exchange(2), status="many")  # type: ignore[arg-type]
        with pytest.raises((sqlite3.IntegrityError, TypeError)):
            traffic.add([exchange(1), broken])
        assert traffic.count() == 0
        traffic.add([exchange(1)])
        assert traffic.get(1).n == 1


def test_rows_cannot_be_taken_out(traffic: Traffic) -> None:
    conn = sqlite3.connect(traffic._db.path)
    with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
        conn.execute("DELETE FROM exchange WHERE seq = 5")
    conn.close()


def test_a_missing_file_is_refused_when_it_must_exist(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database"):
        Traffic.open(tmp_path / "traffic.db", create=False)


@pytest.mark.slow
def test_a_million_rows_are_paged_along_an_index(tmp_path: Path) -> None:
    """Compared with reading the table, so that the speed of the machine does not matter."""
    draw = random.Random(5)
    with Traffic.open(tmp_path / "traffic.db") as traffic:
        for start in range(0, 1_000_000, 5_000):
            traffic.add(
                [
                    ExchangeRow(trial=f"t{n // 200}", twin=draw.choice(TWINS), status=200, n=n)
                    for n in range(start, start + 5_000)
                ]
            )
        began = time.perf_counter()
        traffic._db.all("SELECT sum(length(path) + status) FROM exchange")
        scan = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(20):
            offset = draw.randrange(990_000)
            assert traffic.page(offset=offset, limit=50)[0].n == offset
        assert (time.perf_counter() - began) / 20 < scan / 10
        began = time.perf_counter()
        assert len(traffic.page(offset=300_000, limit=50, twin="okta")) == 50
        assert time.perf_counter() - began < scan
