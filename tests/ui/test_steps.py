"""The list of what happened in a trial."""

from __future__ import annotations

from factory_tui.store import StepRow
from factory_tui.ui.widgets.steps import StepList


def test_services_and_events_are_told_from_commands_and_calls() -> None:
    entries = [
        StepRow("t", 1, "start", "product", "bot", {"listens": True}, 0, 1),
        StepRow("t", 2, "event", "slack", "message to http://127.0.0.1:8080/", {"status": 200}),
        StepRow("t", 3, "stop", "product", "bot", {"exit": 3, "by_itself": True, "stderr": "no"}),
    ]
    steps = StepList()
    steps.show(entries, (), "")
    lines = ["".join(text for text, _ in steps.draw_row(n, 70)) for n in range(steps.row_count())]
    assert "& bot" in lines[0] and lines[0].rstrip().endswith("listens")
    assert "← slack" in lines[1] and lines[1].rstrip().endswith("200")
    assert lines[2].rstrip().endswith("exit 3")
    assert "no" in lines[3]
