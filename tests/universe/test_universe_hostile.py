"""Clients and receivers that mean ill: what they can make a host of twins keep, wait or open."""

from pathlib import Path

import aiohttp
import pytest

from factory_tui.universe.standalone import serve_packs

AUTH = {"authorization": "Bearer t0p"}


async def test_twins_that_stand_alone_forget_their_oldest_traffic(
    packs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.universe.standalone._TAP_BYTES", 2_000_000)
    monkeypatch.setattr("factory_tui.universe.standalone._TAP_LEAST", 500_000)
    serving = await serve_packs(["notes"], 0, folder=packs_folder)

    async def fill(url: str, times: int) -> None:
        async with aiohttp.ClientSession(headers=AUTH) as session:
            for n in range(times):
                body = b"x" * 100_000
                async with session.post(f"{url}/none?n={n}", data=body) as response:
                    await response.read()

    main = serving.universe
    await fill(serving.twins[0].url, 60)
    assert 10 < len(main.tap) < 20
    assert sum(exchange.weight for exchange in main.tap) <= 2_000_000
    assert main.tap[-1].path == "/none?n=59"
    fork = await serving.fork()  # each may have half of it now
    assert sum(exchange.weight for exchange in main.tap) <= 1_000_000
    await fill(fork.twins[0].url, 30)
    assert 5 < len(fork.universe.tap) < 10
    await serving.remove(fork.name)
    await fill(serving.twins[0].url, 30)
    assert 10 < len(main.tap) < 20
    await serving.close()
