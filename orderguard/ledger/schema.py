"""The database's tables, as steps: a ledger at version n gets the steps after n, each in one transaction.

A step that has been released is never edited; a change is a new step at the end.
"""

PAGES = "PRAGMA page_size = 16384"
"""Of a database that is made now. With SQLite's 4 KB half a million new cases take a seventh more time and their commit
twice as long; a first scan of 100 orders takes the same."""

STEPS = (
    # 1: runs, history, findings, cases, their trail, verdicts, watched files, recorded sheets
    """
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY, started_at TEXT NOT NULL, version TEXT NOT NULL, rulebook TEXT NOT NULL,
  inputs TEXT NOT NULL, counts TEXT NOT NULL, delivered_at TEXT);
CREATE TABLE history (
  path TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs, rows INTEGER NOT NULL,
  first_at INTEGER, last_at INTEGER, seq INTEGER NOT NULL);
CREATE INDEX history_span ON history (last_at, first_at);
CREATE TABLE findings (
  platform TEXT NOT NULL, order_id TEXT NOT NULL, rule_id TEXT NOT NULL, rule_fingerprint TEXT NOT NULL,
  value REAL, reason TEXT NOT NULL, points REAL NOT NULL, status TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs, found_at TEXT NOT NULL,
  PRIMARY KEY (platform, order_id, rule_id, rule_fingerprint)) WITHOUT ROWID;
CREATE TABLE cases (
  case_id TEXT PRIMARY KEY, platform TEXT NOT NULL, order_id TEXT NOT NULL, state TEXT NOT NULL,
  band TEXT NOT NULL, score REAL NOT NULL, cluster TEXT NOT NULL, linked_by TEXT NOT NULL, agent TEXT NOT NULL,
  opened_run TEXT NOT NULL REFERENCES runs, opened_at TEXT NOT NULL, due_at TEXT NOT NULL,
  task_run TEXT, hold_run TEXT, evidence TEXT NOT NULL,
  UNIQUE (platform, order_id));
CREATE INDEX cases_open ON cases (state, agent);
CREATE TABLE events (
  event_id INTEGER PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases, at TEXT NOT NULL, who TEXT NOT NULL,
  what TEXT NOT NULL, why TEXT NOT NULL, run_id TEXT);
CREATE INDEX events_case ON events (case_id);
CREATE TABLE verdicts (
  verdict_id INTEGER PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases, result TEXT NOT NULL,
  code TEXT NOT NULL, note TEXT NOT NULL, agent TEXT NOT NULL, at TEXT NOT NULL, why TEXT NOT NULL,
  evidence TEXT NOT NULL, source TEXT NOT NULL, source_row INTEGER NOT NULL, replaced_by INTEGER REFERENCES verdicts, ended_run TEXT);
CREATE INDEX verdicts_case ON verdicts (case_id);
CREATE TABLE watched (
  path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
  said TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (path, size, mtime_ns)) WITHOUT ROWID;
CREATE TABLE sheets (sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, recorded_at TEXT NOT NULL, path TEXT NOT NULL);
""",
    # report: when each found order was made, and how many new orders each quarter of an hour brought
    """
ALTER TABLE findings ADD COLUMN ordered_at INTEGER;
CREATE INDEX findings_ordered ON findings (ordered_at, rule_id);
CREATE TABLE traffic (
  quarter INTEGER NOT NULL, platform TEXT NOT NULL, run_id TEXT NOT NULL REFERENCES runs, orders INTEGER NOT NULL,
  PRIMARY KEY (quarter, platform, run_id)) WITHOUT ROWID;
""",
    # divert: where a case belongs, when it was ordered, what became of it at time-out;
    # notices, who was told of which case, what reached which target
    """
ALTER TABLE cases ADD COLUMN region TEXT;
ALTER TABLE cases ADD COLUMN ordered_at INTEGER;
ALTER TABLE cases ADD COLUMN escalated_at TEXT;
ALTER TABLE cases ADD COLUMN release_run TEXT;
CREATE TABLE notices (
  notice_id INTEGER PRIMARY KEY, who TEXT NOT NULL, created_at TEXT NOT NULL, run_id TEXT NOT NULL);
CREATE INDEX notices_who ON notices (who, created_at);
CREATE TABLE told (
  case_id TEXT NOT NULL REFERENCES cases, who TEXT NOT NULL, kind TEXT NOT NULL,
  notice_id INTEGER NOT NULL REFERENCES notices, PRIMARY KEY (case_id, who, kind)) WITHOUT ROWID;
CREATE INDEX told_notice ON told (notice_id);
CREATE TABLE deliveries (
  notice_id INTEGER NOT NULL REFERENCES notices, target TEXT NOT NULL, label TEXT NOT NULL, state TEXT NOT NULL,
  tries INTEGER NOT NULL, said TEXT NOT NULL, at TEXT NOT NULL, claim TEXT NOT NULL,
  PRIMARY KEY (notice_id, target)) WITHOUT ROWID;
CREATE INDEX deliveries_state ON deliveries (state);
""",
    # divert: rules that are silent about a value until a date; task sheets by number
    """
CREATE TABLE snoozes (
  snooze_id INTEGER PRIMARY KEY, rule_id TEXT NOT NULL, value TEXT NOT NULL, until TEXT NOT NULL, who TEXT NOT NULL,
  why TEXT NOT NULL, at TEXT NOT NULL, ended_at TEXT, ended_by TEXT);
CREATE INDEX cases_no_task ON cases (agent) WHERE task_run IS NULL;
CREATE INDEX cases_no_hold ON cases (state) WHERE hold_run IS NULL AND band = 'hold';
CREATE TABLE issued (
  agent TEXT NOT NULL, number INTEGER NOT NULL, run_id TEXT NOT NULL, at TEXT NOT NULL, orders INTEGER NOT NULL,
  PRIMARY KEY (agent, number)) WITHOUT ROWID;
""",
    # how far tables and queries of databases were read
    """
CREATE TABLE marks (
  source TEXT PRIMARY KEY, shown TEXT NOT NULL, "column" TEXT NOT NULL, value TEXT NOT NULL, seen TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs, at TEXT NOT NULL) WITHOUT ROWID;
""",
    # divert: how far the journal has come
    """
CREATE TABLE journal (seq INTEGER NOT NULL, size INTEGER NOT NULL);
INSERT INTO journal VALUES (0, 0);
""",
    # learn: orders drawn at random for control; second opinions
    """
CREATE TABLE controls (
  case_id TEXT PRIMARY KEY REFERENCES cases, run_id TEXT NOT NULL REFERENCES runs, share REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE doubles (
  case_id TEXT PRIMARY KEY REFERENCES cases, agent TEXT NOT NULL, run_id TEXT NOT NULL REFERENCES runs, task_run TEXT,
  result TEXT, code TEXT, note TEXT, at TEXT, source TEXT, source_row INTEGER) WITHOUT ROWID;
CREATE INDEX doubles_agent ON doubles (agent);
""",
    # cases of orders that are over: the stage, when the ledger learned it, which word for the platform said so;
    # how old the export is that last said something of the order (microseconds; 0: unknown, null: never looked)
    """
ALTER TABLE cases ADD COLUMN ended TEXT;
ALTER TABLE cases ADD COLUMN ended_at TEXT;
ALTER TABLE cases ADD COLUMN ended_word TEXT;
ALTER TABLE cases ADD COLUMN heard_at INTEGER;
CREATE INDEX cases_unheard ON cases (case_id) WHERE heard_at IS NULL;
""",
)


def statements(step: str) -> list[str]:
    """The statements of a step."""
    return [s for s in step.split(";\n") if s.strip()]
