-- What happened, by its kind too; and nothing of it is changed, or forgotten before its time.
ALTER TABLE journal ADD COLUMN what TEXT NOT NULL DEFAULT '';
UPDATE journal SET what = COALESCE(json_extract(entry, '$.what'), '');
CREATE INDEX journal_by_what ON journal (what, id);
CREATE INDEX journal_by_time ON journal (at, id);

-- Entries before this one may be forgotten now: set by the one write that forgets, and back to 0 by the same.
CREATE TABLE journal_retention (
    before BIGINT NOT NULL
);
INSERT INTO journal_retention (before) VALUES (0);

CREATE TRIGGER journal_only_grows BEFORE INSERT ON journal
WHEN NEW.id <= (SELECT MAX(id) FROM journal)
BEGIN
    SELECT RAISE(ABORT, 'the journal only grows: a new entry comes behind the newest');
END;
CREATE TRIGGER journal_does_not_change BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal only grows: an entry does not change');
END;
CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal
WHEN OLD.id >= COALESCE((SELECT MAX(before) FROM journal_retention), 0)
BEGIN
    SELECT RAISE(ABORT, 'the journal only grows: an entry is not forgotten before its time');
END;

-- When people are logged out at this desk by itself; absent: as for the whole site.
ALTER TABLE phones ADD COLUMN logout TEXT;
ALTER TABLE phone_imports ADD COLUMN logout TEXT;

-- The last call of a phone at which somebody sits who is logged out when there is none for long, and until when
-- somebody watched the calls at all.
CREATE TABLE phone_calls (
    phone TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
CREATE TABLE calls_watched (
    until BIGINT NOT NULL
);
INSERT INTO calls_watched (until) VALUES (0);

-- Emergency calls by FreeSWITCH's Unique-ID: each is told once, however often we hear of it.
CREATE TABLE emergency_calls (
    call TEXT NOT NULL PRIMARY KEY,
    phone TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX emergency_calls_by_time ON emergency_calls (at);
