-- Facts with their signed heads, personal values apart, and what could not be taken.
CREATE TABLE facts (
    position INTEGER PRIMARY KEY,
    v BIGINT NOT NULL,
    journal TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    flaw TEXT
);
CREATE UNIQUE INDEX idx_facts_journal_seq ON facts (journal, seq);
CREATE INDEX idx_facts_subject ON facts (subject);
CREATE INDEX idx_facts_kind ON facts (kind);
CREATE INDEX idx_facts_at ON facts (at);
CREATE TABLE signatures (
    journal TEXT,
    seq BIGINT,
    hash TEXT,
    signature TEXT,
    PRIMARY KEY (journal, seq)
);
CREATE TABLE private_values (
    journal TEXT,
    seq BIGINT,
    pointer TEXT,
    salt TEXT,
    value TEXT,
    PRIMARY KEY (journal, seq, pointer)
);
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    at TEXT,
    source TEXT,
    payload TEXT,
    reason TEXT
);
CREATE TABLE node (
    name TEXT PRIMARY KEY,
    value TEXT
);
