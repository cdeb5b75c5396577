-- Events that webhooks are to be told, written with what happened. `id`: what the target knows the event by. `state`:
-- `waiting` or `dead`. `body`: what is sent, as it is signed. Times are microseconds (`at`) or seconds since 1970.
CREATE TABLE webhook_deliveries (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    event TEXT NOT NULL,
    entry BIGINT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next BIGINT NOT NULL,
    error TEXT
);
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (target, state, id);

-- Phones that do not go on, and since when somebody was told so.
CREATE TABLE stuck_phones (
    phone TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- One row that is written to find out whether the store takes anything.
CREATE TABLE probe (at BIGINT NOT NULL);
INSERT INTO probe (at) VALUES (0);
