"""Open the screens on a seeded factory: ``python -m tests.ui.try_it DIR [RUN]``."""

from __future__ import annotations

import sys
from pathlib import Path

from factory_tui.ui.app import FactoryApp
from factory_tui.ui.terminal import show

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    run = sys.argv[2] if len(sys.argv) > 2 else None
    sys.exit(show(FactoryApp(folder, folder / "runs" / "factory.db", run_id=run)))
