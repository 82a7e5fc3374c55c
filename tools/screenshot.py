"""Draw a run's dashboard as it is now: ``python tools/screenshot.py FACTORY RUN OUT.svg``.

The picture in the README is made so from a running demo, then turned into a PNG with
``sed 's/<svg class="rich-terminal"/& xml:space="preserve"/' OUT.svg | rsvg-convert -o OUT.png``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from factory_tui.ui.app import FactoryApp


async def draw(folder: Path, run: str, out: Path, keys: list[str]) -> None:
    app = FactoryApp(folder, folder / "runs" / "factory.db", run_id=run)
    async with app.run_test(size=(160, 48)) as pilot:
        while not app.caught_up:
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.5)
        out.write_text(app.export_screenshot(title=""), encoding="utf-8")


if __name__ == "__main__":
    folder, run, out, *keys = sys.argv[1:]
    asyncio.run(draw(Path(folder).resolve(), run, Path(out), keys))
