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
