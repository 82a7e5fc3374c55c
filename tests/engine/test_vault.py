"""From inside the builder's box and the product's: the vault and the host are out of reach."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import Running, call, recording, text

PROBE = Path(__file__).with_name("probe.sh").read_text()


@pytest.fixture
def listener() -> Iterator[int]:
    """A service on the host's loopback that nobody inside may reach."""
    server = socket.create_server(("127.0.0.1", 0))
    reached = threading.Event()

    def accept() -> None:
        try:
            server.accept()
            reached.set()
        except OSError:
            pass

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1]
    assert not reached.is_set()
    server.close()


def checked(output: str, factory: Path) -> None:
    lines = dict(line.partition(": ")[::2] for line in output.splitlines() if ": " in line)
    assert "No such file" in lines["scenario"]
    assert "train.md" not in lines.get("found", "")
    assert "No such file" in lines["store"]
    assert lines["key"].split() == ["0", "0"]
    assert int(lines["processes"].split()[0]) < 12
    assert lines["processes"].split()[1] == "0"
    assert "Refused" in lines["host"] or "refused" in lines["host"]
    assert "unreachable" in lines["net"]
    assert "No such file" in lines["git"]
    assert "Somebody counts the people" not in output
    assert "train-count" not in output


def test_neither_builder_nor_product_reaches_the_vault(
    start: Callable[..., Running],
    folder: Path,
    tmp_path: Path,
    listener: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-in-the-environment")
    probe = PROBE.replace("{factory}", str(folder)).replace("{port}", str(listener))
    answers = [
        [call("write_file", file_path="tool", content=probe)],
        [call("shell", command="chmod +x tool && ./tool")],
        [text("Done.")],
    ]
    run = start(recording=str(recording(tmp_path / "r.jsonl", answers)))
    run.wait_for("iteration.scored")
    shell = [e for e in run.events("agent.tool") if e.data["tool"] == "shell"]
    checked(shell[0].data["detail"], folder)

    trial = run.store.trials(run.id, iteration=1)[0]
    done = next(s for s in run.store.steps(trial.id) if s.kind == "run")
    checked(done.data["stdout"], folder)
    assert "write: 3" in done.data["stdout"]

    host = Path(f"/proc/{run.store.run(run.id).pid}/environ").read_bytes()
    assert b"canary-in-the-environment" in host  # the positive control
    for child in Path("/proc").glob("[0-9]*"):
        try:
            command = (child / "cmdline").read_bytes()
            environment = (child / "environ").read_bytes()
        except OSError:
            continue
        if b"factory_tui.trials.host" in command and child.name != str(os.getpid()):
            assert b"canary-in-the-environment" not in environment
