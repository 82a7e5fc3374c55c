"""The tables of ``factory.db``, as numbered migrations; the last number is the version.

A migration that has been released is never edited: a change is a new one at the end.

``turn``, ``blob``, ``log`` and ``journal`` are write-once, which triggers enforce for every
program that opens the file. The only way out is ``remove_run``, which names the run in
``removal`` for the length of its transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .migrations import Migration, Plan

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["FACTORY"]

_FIRST: Final = (
    # --- runs -----------------------------------------------------------------------------
    """CREATE TABLE run(
      id TEXT PRIMARY KEY, name TEXT NOT NULL, spec_path TEXT NOT NULL, spec_hash TEXT NOT NULL,
      status TEXT NOT NULL, created_ms INTEGER NOT NULL, finished_ms INTEGER,
      pid INTEGER, pid_started INTEGER, heartbeat_ms INTEGER, iteration INTEGER NOT NULL,
      budget_tokens INTEGER, budget_usd TEXT,
      recorded INTEGER NOT NULL, tier TEXT NOT NULL, factory_dir TEXT NOT NULL,
      seed_from TEXT NOT NULL, settings TEXT NOT NULL,
      spent_tokens INTEGER NOT NULL DEFAULT 0, spent_usd TEXT NOT NULL DEFAULT '0',
      held_tokens INTEGER NOT NULL DEFAULT 0, held_usd TEXT NOT NULL DEFAULT '0',
      unpriced INTEGER NOT NULL DEFAULT 0  -- ledger entries whose dollars are unknown
    ) STRICT""",
    """CREATE TABLE control(
      id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL REFERENCES run(id),
      verb TEXT NOT NULL, args TEXT NOT NULL, who TEXT NOT NULL, ts_ms INTEGER NOT NULL,
      done_ms INTEGER, result TEXT) STRICT""",
    "CREATE INDEX control_pending ON control(run_id, id) WHERE done_ms IS NULL",
    """CREATE TABLE live(
      run_id TEXT NOT NULL REFERENCES run(id), who TEXT NOT NULL, text TEXT NOT NULL,
      ts_ms INTEGER NOT NULL, PRIMARY KEY(run_id, who)) STRICT, WITHOUT ROWID""",
    # --- journal --------------------------------------------------------------------------
    """CREATE TABLE journal(
      seq INTEGER PRIMARY KEY AUTOINCREMENT, ts_ms INTEGER NOT NULL,
      run_id TEXT NOT NULL REFERENCES run(id), kind TEXT NOT NULL, iteration INTEGER NOT NULL,
      scenario TEXT NOT NULL, trial TEXT NOT NULL, data TEXT NOT NULL) STRICT""",
    # kind at the end lets a filtered page skip rows inside the index
    "CREATE INDEX journal_order ON journal(run_id, seq, kind)",
    "CREATE INDEX journal_kind ON journal(run_id, kind, seq)",
    # --- trials ---------------------------------------------------------------------------
    """CREATE TABLE iteration(
      run_id TEXT NOT NULL REFERENCES run(id), n INTEGER NOT NULL, commit_id TEXT NOT NULL,
      tree_id TEXT NOT NULL, spec_hash TEXT NOT NULL, started_ms INTEGER NOT NULL,
      finished_ms INTEGER, scores TEXT NOT NULL, PRIMARY KEY(run_id, n)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE scenario(
      run_id TEXT NOT NULL REFERENCES run(id), id TEXT NOT NULL, position INTEGER NOT NULL,
      title TEXT NOT NULL, split TEXT NOT NULL, weight REAL NOT NULL, hash TEXT NOT NULL,
      judged INTEGER NOT NULL, PRIMARY KEY(run_id, id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE trial(
      id TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES run(id), iteration INTEGER NOT NULL,
      scenario TEXT NOT NULL, n INTEGER NOT NULL, seed TEXT NOT NULL, split TEXT NOT NULL,
      product_tree TEXT NOT NULL, tier TEXT NOT NULL, outcome TEXT NOT NULL,
      source TEXT NOT NULL, reason TEXT NOT NULL, ms INTEGER NOT NULL,
      started_ms INTEGER NOT NULL, confirmation INTEGER NOT NULL) STRICT""",
    "CREATE INDEX trial_place ON trial(run_id, iteration, scenario, confirmation, n)",
    """CREATE TABLE step(
      trial TEXT NOT NULL REFERENCES trial(id), n INTEGER NOT NULL, kind TEXT NOT NULL,
      who TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL, t_ms INTEGER NOT NULL,
      step INTEGER NOT NULL, PRIMARY KEY(trial, n)) STRICT""",
    """CREATE TABLE verdict(
      trial TEXT PRIMARY KEY REFERENCES trial(id), outcome TEXT NOT NULL, satisfied INTEGER,
      q REAL, source TEXT NOT NULL, judge_model TEXT NOT NULL, prompt_hash TEXT NOT NULL,
      facts TEXT NOT NULL, criteria TEXT NOT NULL, reason TEXT NOT NULL,
      evidence_steps TEXT NOT NULL, tier TEXT NOT NULL) STRICT""",
    # --- ledger ---------------------------------------------------------------------------
    """CREATE TABLE ledger(
      id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL REFERENCES run(id),
      opened_ms INTEGER NOT NULL, closed_ms INTEGER, role TEXT NOT NULL, model TEXT NOT NULL,
      key TEXT NOT NULL, held_tokens INTEGER NOT NULL CHECK(held_tokens >= 0), held_usd TEXT,
      state TEXT NOT NULL DEFAULT 'open' CHECK(state IN ('open', 'committed', 'forfeited')),
      tokens INTEGER NOT NULL DEFAULT 0 CHECK(tokens >= 0), usd TEXT,
      usage TEXT NOT NULL DEFAULT '{}') STRICT""",
    "CREATE INDEX ledger_run ON ledger(run_id, id)",
    "CREATE INDEX ledger_open ON ledger(run_id) WHERE state = 'open'",
    # --- turns ----------------------------------------------------------------------------
    """CREATE TABLE blob(
      id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32),
      codec INTEGER NOT NULL,  -- 0 raw, 1 zstd
      raw_len INTEGER NOT NULL, data BLOB NOT NULL) STRICT""",
    # blobs stored for their own sake, which remove_run must spare
    "CREATE TABLE kept(blob INTEGER PRIMARY KEY REFERENCES blob(id)) STRICT",
    """CREATE TABLE type(
      id INTEGER PRIMARY KEY, type_id TEXT NOT NULL, version INTEGER NOT NULL,
      UNIQUE(type_id, version)) STRICT""",
    """CREATE TABLE context(
      id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, tag TEXT NOT NULL,
      title TEXT NOT NULL, labels TEXT NOT NULL,
      head_id INTEGER REFERENCES turn(id), base_id INTEGER REFERENCES turn(id),
      created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT""",
    "CREATE INDEX context_run ON context(run_id, tag)",
    "CREATE INDEX context_head ON context(head_id)",
    "CREATE INDEX context_base ON context(base_id)",
    """CREATE TABLE turn(
      id INTEGER PRIMARY KEY AUTOINCREMENT, parent_id INTEGER REFERENCES turn(id),
      depth INTEGER NOT NULL, jump_id INTEGER,  -- skew-binary ancestor pointer
      context_id INTEGER NOT NULL REFERENCES context(id),  -- where it was appended
      type INTEGER NOT NULL REFERENCES type(id), blob INTEGER NOT NULL REFERENCES blob(id),
      created_ms INTEGER NOT NULL) STRICT""",
    "CREATE INDEX turn_parent ON turn(parent_id)",
    "CREATE INDEX turn_context ON turn(context_id)",
    "CREATE INDEX turn_blob ON turn(blob)",
    """CREATE TABLE log(
      seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
      context_id INTEGER NOT NULL REFERENCES context(id), turn_id INTEGER REFERENCES turn(id),
      ts_ms INTEGER NOT NULL) STRICT""",
    "CREATE INDEX log_context ON log(context_id)",
    "CREATE INDEX log_turn ON log(turn_id)",
    """CREATE TABLE idem(
      context_id INTEGER NOT NULL REFERENCES context(id), key TEXT NOT NULL,
      turn_id INTEGER NOT NULL REFERENCES turn(id),
      PRIMARY KEY(context_id, key)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX idem_turn ON idem(turn_id)",
    # --- what is written once stays -------------------------------------------------------
    "CREATE TABLE removal(run_id TEXT PRIMARY KEY) STRICT",
    *(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is immutable'); END"
        for table in ("turn", "blob", "log", "journal")
    ),
    """CREATE TRIGGER ledger_fixed BEFORE UPDATE ON ledger WHEN OLD.state <> 'open'
      BEGIN SELECT RAISE(ABORT, 'a closed ledger entry is immutable'); END""",
    *(
        f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} "
        "WHEN OLD.run_id NOT IN (SELECT run_id FROM removal) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is immutable'); END"
        for table in ("journal", "ledger")
    ),
    *(
        f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} WHEN NOT EXISTS "
        "(SELECT 1 FROM context JOIN removal USING (run_id) WHERE id = OLD.context_id) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is immutable'); END"
        for table in ("turn", "log")
    ),
    """CREATE TRIGGER blob_stays BEFORE DELETE ON blob WHEN NOT EXISTS (SELECT 1 FROM removal)
      BEGIN SELECT RAISE(ABORT, 'blob is immutable'); END""",
)


def _first(db: Database) -> None:
    for statement in _FIRST:
        db.execute(statement)


_PLACES: Final = (
    # --- where in the pipeline money went
    "ALTER TABLE ledger ADD COLUMN node TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE ledger ADD COLUMN pipeline TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE ledger ADD COLUMN branch TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE ledger ADD COLUMN visit INTEGER NOT NULL DEFAULT 0",
    # --- trials of a candidate that is not (yet) the run's product
    "ALTER TABLE trial ADD COLUMN candidate TEXT NOT NULL DEFAULT ''",
    # --- workspaces: one on the main line (key ""), one per parallel branch
    """CREATE TABLE place(
      run_id TEXT NOT NULL REFERENCES run(id), key TEXT NOT NULL, name TEXT NOT NULL,
      parent TEXT NOT NULL, base TEXT NOT NULL, tree TEXT NOT NULL, iteration INTEGER NOT NULL,
      commit_id TEXT NOT NULL, tree_id TEXT NOT NULL, scores TEXT NOT NULL, kept INTEGER NOT NULL,
      PRIMARY KEY(run_id, key)) STRICT, WITHOUT ROWID""",
    # --- trials that somebody asked for and that are still to be performed
    """CREATE TABLE wanted(
      id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL REFERENCES run(id),
      scenario TEXT NOT NULL, iteration INTEGER NOT NULL, first INTEGER NOT NULL,
      trials INTEGER NOT NULL, done_ms INTEGER) STRICT""",
)


def _places(db: Database) -> None:
    for statement in _PLACES:
        db.execute(statement)


_ANSWER: Final = """CREATE TABLE answer(
  run_id TEXT NOT NULL REFERENCES run(id), slot TEXT NOT NULL, asked TEXT NOT NULL,
  answer TEXT NOT NULL, PRIMARY KEY(run_id, slot)) STRICT, WITHOUT ROWID"""


def _answers(db: Database) -> None:
    db.execute(_ANSWER)  # a model's last answer in a conversation, until its turn is stored


FACTORY: Final = Plan(
    name="factory",
    application_id=0x66616374,  # "fact"
    steps=(
        Migration("0001 first", _first),
        Migration("0002 places", _places),
        Migration("0003 answers", _answers),
    ),
)
