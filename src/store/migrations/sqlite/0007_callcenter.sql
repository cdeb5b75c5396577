-- Queues and agents that are, or were, made by hotdeskd at a FreeSWITCH: nothing else there is touched. `definition`: the
-- parameters that a queue was last loaded with there.
CREATE TABLE callcenter (
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT,
    PRIMARY KEY (node, kind, name)
);
