"""Opening, migrating and refusing database files."""

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from factory_tui.store import RunRow, Store, StoreError, Traffic
from factory_tui.store.connection import Connection
from factory_tui.store.migrations import Migration, Plan
from factory_tui.store.schema import FACTORY

from .conftest import RUN


def schema(path: Path) -> list[tuple[str, str]]:
    conn = sqlite3.connect(path)
    try:
        return conn.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        ).fetchall()
    finally:
        conn.close()


def test_a_new_store_is_at_the_latest_version_in_wal_mode(path: Path) -> None:
    Store.open(path).close()
    conn = sqlite3.connect(path)
    assert conn.execute("PRAGMA user_version").fetchone() == (FACTORY.version,)
    assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    applied = conn.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    assert [name for (name,) in applied] == [step.name for step in FACTORY.steps]
    conn.close()


def test_opening_again_changes_nothing_and_keeps_everything(path: Path) -> None:
    with Store.open(path) as store:
        store.add_run(RunRow(RUN))
        store.append(RUN, "note", {"text": "hello", "level": "info"})
    before = schema(path)
    with Store.open(path) as store:
        assert [event.data["text"] for event in store.events()] == ["hello"]
    assert schema(path) == before


def test_a_missing_store_is_refused_when_it_must_exist(path: Path) -> None:
    with pytest.raises(StoreError, match="There is no database at"):
        Store.open(path, create=False)
    assert not path.exists()


def test_a_newer_store_is_refused_untouched_with_a_clear_sentence(path: Path) -> None:
    Store.open(path).close()
    conn = sqlite3.connect(path)
    conn.execute(f"PRAGMA user_version={FACTORY.version + 3}")
    conn.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer factory-tui.*please upgrade"):
        Store.open(path)
    assert path.read_bytes() == before


def test_garbage_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, it is a text\n" * 100)
    with pytest.raises(StoreError, match="damaged or not a database"):
        Store.open(path)


def test_a_directory_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="not a file"):
        Store.open(path)


def test_somebody_elses_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE recipe(name TEXT)")
    conn.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path)


def test_a_traffic_file_is_no_store(path: Path) -> None:
    Traffic.open(path).close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path)


def test_migrations_run_in_order_from_any_version_and_keep_rows(path: Path) -> None:
    with Store.open(path) as store:
        store.add_run(RunRow(RUN, name="kept"))
    later = Plan(
        FACTORY.name,
        FACTORY.application_id,
        (
            *FACTORY.steps,
            Migration("9001 colour", lambda db: db["run"].add_column("colour", str)),  # type: ignore[union-attr]
            Migration("9002 paint", lambda db: _run(db, "UPDATE run SET colour = 'red'")),
        ),
    )
    db = Connection(path, later, create=False, durable=True)
    assert db.one("SELECT name, colour FROM run") == ("kept", "red")
    assert db.one("PRAGMA user_version") == (FACTORY.version + 2,)
    db.close()
    with pytest.raises(StoreError, match="newer"):
        Store.open(path)


def _run(db: object, sql: str) -> None:
    db.execute(sql)  # type: ignore[attr-defined]


def test_a_failing_migration_leaves_the_file_as_it_was(path: Path) -> None:
    Store.open(path).close()
    before = schema(path)
    broken = Plan(
        FACTORY.name,
        FACTORY.application_id,
        (
            *FACTORY.steps,
            Migration("9001 good", lambda db: _run(db, "CREATE TABLE extra(x)")),
            Migration("9002 bad", lambda db: _run(db, "INSERT INTO nowhere VALUES(1)")),
        ),
    )
    with pytest.raises(StoreError, match="nowhere"):
        Connection(path, broken, create=False, durable=True)
    assert schema(path) == before
    Store.open(path, create=False).close()


def test_many_processes_may_create_the_same_store_at_once(path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "import sqlite_utils; from factory_tui.store import Store, RunRow\n"
        "print('ready', flush=True); start = float(sys.stdin.readline())\n"
        "for n in range(10):\n"
        "    while time.time() < start + n * 0.05: pass\n"
        "    s = Store.open(Path(sys.argv[1]) / f'{n}.db'); s.add_run(RunRow(sys.argv[2]))\n"
        "    s.close()"
    )
    creators = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path.parent), f"run{n}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    for creator in creators:
        assert creator.stdout
        assert creator.stdout.readline() == "ready\n"
    start = time.time() + 0.05
    for creator in creators:
        assert creator.stdin
        creator.stdin.write(f"{start}\n")
        creator.stdin.flush()
    for creator in creators:
        creator.communicate()
    assert [creator.returncode for creator in creators] == [0] * 4
    for n in range(10):
        with Store.open(path.parent / f"{n}.db", create=False) as store:
            assert {run.id for run in store.runs()} == {f"run{n}" for n in range(4)}


def test_any_folder_name_will_do(tmp_path: Path) -> None:
    odd = tmp_path / "my #1 factory? 100% é" / "factory.db"
    with Store.open(odd) as store:
        store.add_run(RunRow(RUN))
        assert [item["type"] for item in store.export(RUN)] == ["run"]
    assert odd.is_file()
    with Store.open(odd, create=False) as store:
        assert store.path == odd


def test_a_store_that_was_cut_to_nothing_is_no_new_one(path: Path) -> None:
    Store.open(path).close()
    (path.parent / "r1").mkdir()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(b"")
    for create in (True, False):
        with pytest.raises(StoreError, match="is empty, although there are runs beside it"):
            Store.open(path, create=create)
    assert path.read_bytes() == b""
    (path.parent / "r1").rmdir()
    Store.open(path).close()  # an empty file in an empty folder is a new store


NO_SPACE = """
import resource, sys
from pathlib import Path
from factory_tui.store import RunRow, Store, StoreError

resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as on a full disk: no file grows
with Store.open(Path(sys.argv[1])) as store:
    print(*[event.data["text"] for event in store.events()])
    try:
        store.add_run(RunRow("01ARZ3NDEKTSV4RRFFQ69G5FAX"))
    except StoreError as error:
        print(error)
"""


@pytest.mark.parametrize("busy", [False, True])
def test_a_store_can_be_read_where_nothing_can_be_written(path: Path, busy: bool) -> None:
    with Store.open(path) as store:
        store.add_run(RunRow(RUN))
        store.append(RUN, "note", {"text": "hello", "level": "info"})
    holder = Store.open(path) if busy else None
    if holder is not None:
        holder.append(RUN, "note", {"text": "again", "level": "info"})
    done = subprocess.run(
        [sys.executable, "-c", NO_SPACE, str(path)], capture_output=True, text=True, timeout=120
    )
    if holder is not None:
        holder.close()
    assert done.stderr == ""
    read, refused = done.stdout.splitlines()
    assert read == ("hello again" if busy else "hello")
    assert refused.startswith(f"{path}") and "\n" not in refused
    with Store.open(path) as store:
        assert len(store.runs()) == 1


@pytest.mark.slow
def test_a_writer_waits_for_somebody_who_holds_the_lock_for_long(path: Path) -> None:
    with Store.open(path) as store:
        store.add_run(RunRow(RUN))
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(25, other.execute, ["COMMIT"]).start()
        assert store.events() == []  # reading waits for nobody
        store.append(RUN, "note", {"text": "late", "level": "info"})
        assert [event.data["text"] for event in store.events()] == ["late"]
        other.close()
