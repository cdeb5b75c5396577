-- The teams whose queues a user serves, as a JSON list.
ALTER TABLE users ADD COLUMN teams TEXT NOT NULL DEFAULT '[]';
