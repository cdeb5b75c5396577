//! Behaviour tests.
// Helpers of tests may panic like the tests themselves (clippy.toml covers only functions marked #[test]).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod event_socket;
