-- Calls of customers that FreeSWITCH may still tell more of, and who served whom the last time. `caller` is derived from
-- the number: no number of a customer stands here.
CREATE TABLE customer_calls (
    call TEXT PRIMARY KEY NOT NULL,
    caller TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX customer_calls_at ON customer_calls (at);
CREATE TABLE last_agents (
    caller TEXT PRIMARY KEY NOT NULL,
    agent TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX last_agents_at ON last_agents (at);
