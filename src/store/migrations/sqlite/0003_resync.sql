-- How far a wanted row has come whose end only the phone's fetch can tell. Times are seconds since 1970.
ALTER TABLE wanted ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE wanted ADD COLUMN told BIGINT;
ALTER TABLE wanted ADD COLUMN restarted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE wanted ADD COLUMN not_shown BIGINT;
