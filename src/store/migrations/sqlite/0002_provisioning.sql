-- Settings and keys are JSON.
ALTER TABLE phones ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN keys TEXT NOT NULL DEFAULT '[]';

-- The keys are encrypted. Times are seconds since 1970.
CREATE TABLE enrolments (
    phone TEXT NOT NULL PRIMARY KEY,
    url_key BLOB NOT NULL,
    old_key BLOB,
    old_until BIGINT,
    window_until BIGINT,
    proven BIGINT,
    proof TEXT
);

-- What each phone was last given of what depends on people (JSON).
CREATE TABLE shown (
    phone TEXT NOT NULL PRIMARY KEY,
    entry TEXT NOT NULL
);

-- The newest requests of each phone (JSON); the rest is deleted.
CREATE TABLE phone_requests (
    id BIGINT NOT NULL PRIMARY KEY,
    phone TEXT NOT NULL,
    entry TEXT NOT NULL
);
CREATE INDEX phone_requests_by_phone ON phone_requests (phone, id);

-- What phones sent back of a person's own: settings made at the phone, call lists, contacts.
CREATE TABLE personal_files (
    extension TEXT NOT NULL,
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (extension, name)
);
