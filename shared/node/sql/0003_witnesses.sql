-- What others were seen to hold, what could not be taken and how often it came, what was forgotten, what looks wrong.
CREATE TABLE heads_seen (
    witness TEXT NOT NULL,
    journal TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (witness, journal)
);
DROP TABLE quarantine;
CREATE TABLE quarantine (
    digest TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    times INTEGER NOT NULL,
    source TEXT NOT NULL,
    payload TEXT NOT NULL,
    reason TEXT NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE forgets (
    journal TEXT NOT NULL,
    seq BIGINT NOT NULL,
    forget TEXT NOT NULL,
    PRIMARY KEY (journal, seq, forget)
);
CREATE TABLE flags (
    ref TEXT NOT NULL,
    why TEXT NOT NULL,
    at TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (ref, why)
);
