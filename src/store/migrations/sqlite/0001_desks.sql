-- Times are seconds since 1970, flags are 0 or 1. Secrets (phones.secret, users.pin, users.sip_secret)
-- are encrypted with the key file.
CREATE TABLE phones (
    mac TEXT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL,
    vendor TEXT,
    model TEXT,
    label TEXT,
    desk_extension TEXT UNIQUE,
    owner TEXT,
    hot_desk BIGINT NOT NULL,
    emergency_caller_id TEXT,
    emergency_location TEXT,
    added BIGINT NOT NULL
);
CREATE INDEX phones_by_owner ON phones (owner);

CREATE TABLE users (
    extension TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    pin BLOB,
    pin_hash TEXT,
    sip_secret BLOB,
    hot_desk BIGINT NOT NULL,
    away TEXT NOT NULL,
    call_groups TEXT NOT NULL,
    params TEXT NOT NULL,
    variables TEXT NOT NULL,
    source TEXT NOT NULL
);

CREATE TABLE desk_sessions (
    phone TEXT NOT NULL PRIMARY KEY REFERENCES phones (mac),
    extension TEXT NOT NULL REFERENCES users (extension),
    since BIGINT NOT NULL,
    origin TEXT NOT NULL
);
CREATE INDEX desk_sessions_by_extension ON desk_sessions (extension);

-- Identities that were ours once: FreeSWITCH must never look for them in its own files.
CREATE TABLE retired (
    identity TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL
);

CREATE TABLE wanted (
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    value TEXT NOT NULL,
    since BIGINT NOT NULL,
    expires BIGINT,
    PRIMARY KEY (kind, target)
);

-- extension and phone are empty where they are no part of the key.
CREATE TABLE pin_counters (
    kind TEXT NOT NULL,
    extension TEXT NOT NULL,
    phone TEXT NOT NULL,
    wrong BIGINT NOT NULL,
    since BIGINT,
    locked_until BIGINT,
    locks BIGINT NOT NULL,
    PRIMARY KEY (kind, extension, phone)
);

CREATE TABLE journal (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    phone TEXT,
    extension TEXT,
    entry TEXT NOT NULL
);
CREATE INDEX journal_by_phone ON journal (phone, id);
CREATE INDEX journal_by_extension ON journal (extension, id);
