"""The example of a product that keeps running: its scenarios are sound, and can be satisfied."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from factory_tui import scenarios
from factory_tui.trials import HostOptions, Job, Pool, perform

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted((ROOT / "examples/kudos/scenarios").glob("*.md"))


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool(HostOptions(ROOT / "twins", ("slack",)), 1) as running:
        yield running


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
@pytest.mark.parametrize("does", ["everything", "nothing"])
async def test_the_bot_satisfies_every_scenario_and_nothing_none(
    pool: Pool, path: Path, does: str, tmp_path: Path
) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    product = tmp_path / "product"
    product.mkdir()
    if does == "everything":
        shutil.copy(Path(__file__).with_name("kudos"), product / "kudos")
    else:
        (product / "kudos").write_text("#!/bin/sh\nexit 0\n")
    (product / "kudos").chmod(0o755)
    scenario = scenarios.load(path)
    job = Job(
        trial="t",
        scenario=scenario,
        product=product,
        command="./kudos",
        scratch=tmp_path / "scratch",
        seed=11,
        limits={},
    )
    async with pool.host() as host:
        report = await perform(host, job, None, lambda rows: None)
    kept = [fact["ok"] != (fact["level"] == "never") for fact in report.facts]
    assert all(kept) if does == "everything" else not all(kept), report.facts
