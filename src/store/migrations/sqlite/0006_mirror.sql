-- As whom the directory server knows a user (a UUID).
ALTER TABLE users ADD COLUMN person TEXT;

-- How far the mirror of a source has come (JSON), by the source's name.
CREATE TABLE mirror (
    source TEXT NOT NULL PRIMARY KEY,
    entry TEXT NOT NULL
);

-- Teams as the directory server's groups describe them (JSON).
CREATE TABLE mirrored_teams (
    id TEXT NOT NULL PRIMARY KEY,
    settings TEXT NOT NULL
);
