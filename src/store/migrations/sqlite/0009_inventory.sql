-- The operator's words for groups of phones (JSON).
ALTER TABLE phones ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';

-- Phones of an import, until all of them are here and become phones in one step. A new one has a secret and an
-- enrolment. Emptied before the next import.
CREATE TABLE phone_imports (
    mac TEXT NOT NULL PRIMARY KEY,
    vendor TEXT,
    model TEXT,
    label TEXT,
    desk_extension TEXT,
    owner TEXT,
    hot_desk BIGINT NOT NULL,
    emergency_caller_id TEXT,
    emergency_location TEXT,
    tags TEXT NOT NULL,
    added BIGINT NOT NULL,
    secret BLOB,
    url_key BLOB,
    window_until BIGINT
);
