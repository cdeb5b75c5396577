//! Looking a caller up.

use futures_util::future::BoxFuture;

use crate::model::LookUp;

/// A way to find the customer who calls.
pub trait CustomerLookup: Send + Sync + 'static {
    /// Who calls from `number`, as FreeSWITCH has it (`+4315550100`, `015550100`, `anonymous`, empty).
    /// Answers within a deadline of its own, and never fails: that it could not is an answer too.
    fn look_up<'a>(&'a self, number: &'a str) -> BoxFuture<'a, LookUp>;
}
