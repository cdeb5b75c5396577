-- The handsets of DECT bases (JSON), in the order of their numbers. Their secrets are derived and stand nowhere.
ALTER TABLE phones ADD COLUMN handsets TEXT NOT NULL DEFAULT '[]';
