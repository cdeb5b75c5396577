-- What redirection services were told of phones. No reference to `phones`: a row stays until the service has forgotten the
-- phone. `digest`: of the URL, which holds a key and stands nowhere. `registered`: when the service was first seen to have it.
CREATE TABLE redirections (
    phone TEXT NOT NULL,
    service TEXT NOT NULL,
    state TEXT NOT NULL,
    digest TEXT NOT NULL,
    old_digest TEXT,
    reason TEXT,
    at BIGINT NOT NULL,
    registered BIGINT,
    PRIMARY KEY (phone, service)
);
