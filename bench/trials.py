"""Trials per hour with a trivial product, beside starting that product bare in the same run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from factory_tui import scenarios
from factory_tui.trials import HostOptions, Job, Pool, perform

ROOT = Path(__file__).resolve().parents[1]
COUNT = 200
PRODUCT = """#!/usr/bin/python3 -IS
import http.client, os, urllib.parse
url = urllib.parse.urlsplit(os.environ["OKTA_URL"])
c = http.client.HTTPConnection(url.hostname, url.port)
for _ in range(5):
    c.request("GET", "/api/v1/users?limit=5",
              headers={"authorization": "SSWS " + os.environ["OKTA_TOKEN"]})
    assert c.getresponse().read()
print("done")
"""
SCENARIO = """---
id: bench
title: The trivial product runs
setup:
  twins: {okta: {seed: acme-12}, slack: {seed: acme-12}, jira: {seed: acme-it}}
---
# Story
A program asks Okta five times.
# Steps
1. run: `{{sut}}`
# Satisfied when
- must fact: cmd[last].exit == 0
- must fact: calls.okta.count == 5
"""


async def measure() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        program = folder / "product" / "tool"
        program.parent.mkdir()
        program.write_text(PRODUCT)
        program.chmod(0o755)
        path = folder / "bench.md"
        path.write_text(SCENARIO)
        scenario = scenarios.load(path)
        began = time.perf_counter()
        for _ in range(20):
            bare = await asyncio.create_subprocess_exec("/usr/bin/python3", "-IS", "-c", "pass")
            await bare.wait()
        floor = (time.perf_counter() - began) / 20
        options = HostOptions(ROOT / "twins", ("okta", "slack", "jira"))
        async with Pool(options) as pool:

            async def one(n: int) -> None:
                async with pool.host() as host:
                    job = Job(
                        trial=f"bench-{n}",
                        scenario=scenario,
                        product=program.parent,
                        command="./tool",
                        scratch=folder / f"scratch{n}",
                        seed=n,
                        limits={},
                    )
                    report = await perform(host, job, None, lambda rows: None)
                    assert all(f["ok"] for f in report.facts), report

            await asyncio.gather(*(one(-n) for n in range(1, 5)))
            began = time.perf_counter()
            await asyncio.gather(*(one(n) for n in range(COUNT)))
            spent = time.perf_counter() - began
        rate = COUNT / spent * 3600
        per_trial = spent / COUNT * pool.size
        print(f"{COUNT} trials on {pool.size} hosts: {rate:,.0f} per hour")
        print(
            f"{per_trial * 1e3:.0f} ms a trial and host = {per_trial / floor:.1f} × a bare python"
        )


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
