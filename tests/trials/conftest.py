"""Small products, tried: real host processes, real boxes, real twins."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui import scenarios
from factory_tui.trials import HostOptions, Job, Pool, Report, perform

ROOT = Path(__file__).resolve().parents[2]

HEAD = """---
id: tried
title: A small product is tried
setup:
  clock: 2026-03-02T09:00:00Z
  twins: {slack: {seed: acme-12}}
  slack: {%s}
  files:
    greeting.txt: hello
%s
---
# Story
A program is tried.
# Steps
%s
# Satisfied when
%s
"""

MakeJob = Callable[..., Job]


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool(HostOptions(ROOT / "twins", ("okta", "slack", "jira")), 1) as running:
        yield running


@pytest.fixture
def job(tmp_path: Path) -> MakeJob:
    """``job(product, steps, criteria, head, slack=…)``: a trial of one executable file."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)

    def make(
        product: str, steps: str, criteria: str, head: str = "", slack: str = "", **limits: Any
    ) -> Job:
        program = tmp_path / "product" / "tool"
        program.parent.mkdir(exist_ok=True)
        program.write_text(product)
        program.chmod(0o755)
        path = tmp_path / "tried.md"
        path.write_text(HEAD % (slack, head, steps, criteria))
        return Job(
            trial="t",
            scenario=scenarios.load(path),
            product=program.parent,
            command="./tool",
            scratch=tmp_path / "scratch",
            seed=7,
            limits=limits,
        )

    return make


async def tried(pool: Pool, job: Job, mind: Any = None) -> tuple[Report, list[Any]]:
    """The report and the exchanges of one trial."""
    exchanges: list[Any] = []
    async with pool.host() as host:
        return await perform(host, job, mind, exchanges.extend), exchanges
