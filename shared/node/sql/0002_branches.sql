-- A journal may fork; every branch is kept. A journal may begin above a floor: what lies below was pruned, or comes later.
ALTER TABLE facts ADD COLUMN branch INTEGER NOT NULL DEFAULT 0;
DROP INDEX idx_facts_journal_seq;
DROP INDEX idx_facts_at;
CREATE UNIQUE INDEX idx_facts_place ON facts (journal, seq, branch);
CREATE TABLE journals (
    journal TEXT NOT NULL,
    branch INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    floor BIGINT NOT NULL,
    floor_hash TEXT NOT NULL,
    PRIMARY KEY (journal, branch)
);
INSERT INTO journals (journal, branch, seq, hash, floor, floor_hash)
    SELECT f.journal, 0, f.seq, f.hash, 0, '0000000000000000000000000000000000000000000000000000000000000000'
    FROM facts f JOIN (SELECT journal, max(seq) AS seq FROM facts GROUP BY journal) t
    ON t.journal = f.journal AND t.seq = f.seq;
ALTER TABLE signatures RENAME TO signatures_1;
CREATE TABLE signatures (
    journal TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (journal, seq, hash)
);
INSERT INTO signatures SELECT journal, seq, hash, signature FROM signatures_1;
DROP TABLE signatures_1;
ALTER TABLE private_values RENAME TO private_values_1;
CREATE TABLE private_values (
    journal TEXT NOT NULL,
    seq BIGINT NOT NULL,
    branch INTEGER NOT NULL,
    pointer TEXT NOT NULL,
    salt TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (journal, seq, branch, pointer)
);
INSERT INTO private_values SELECT journal, seq, 0, pointer, salt, value FROM private_values_1;
DROP TABLE private_values_1;
CREATE INDEX idx_facts_flaw ON facts (flaw) WHERE flaw IS NOT NULL;
