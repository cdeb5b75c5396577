-- What is kept of each phone's way for good: requests are forgotten. Times are seconds since 1970.
CREATE TABLE phone_contacts (
    phone TEXT NOT NULL PRIMARY KEY,
    first BIGINT NOT NULL,
    configured BIGINT,
    refused BIGINT,
    -- What it is told instead of a file (JSON).
    refusal TEXT
);

-- Where each phone is registered, or was. `moved`: since when it registers from elsewhere than its location's networks.
CREATE TABLE phone_registrations (
    phone TEXT NOT NULL PRIMARY KEY,
    first BIGINT NOT NULL,
    since BIGINT NOT NULL,
    ended BIGINT,
    node TEXT NOT NULL,
    address TEXT,
    agent TEXT NOT NULL,
    moved BIGINT,
    moved_from TEXT
);

-- Phones that are enrolled and were given the file that shows who sits there came, and have their configuration.
INSERT INTO phone_contacts (phone, first, configured)
    SELECT phone, proven, CASE WHEN phone IN (SELECT phone FROM shown) THEN proven END
    FROM enrolments WHERE proven IS NOT NULL;
