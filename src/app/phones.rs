//! What FreeSWITCH knows of phones, for the admin API: over the daemon's connections, or over some of its own.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::http::admin::PhoneWatch;
use crate::model::{Asked, Mac, NodeRegistrations};
use crate::switch::{self, Switch};
use crate::xml_curl::RegisterQuestions;

/// A running daemon.
pub(super) struct Watched {
    /// The connections.
    pub(super) switch: Switch,
    /// What was asked.
    pub(super) asked: RegisterQuestions,
}

impl PhoneWatch for Watched {
    fn asked(&self, phone: Mac) -> Asked {
        self.asked.of(phone)
    }

    fn registrations(&self, phone: Mac) -> BoxFuture<'_, Vec<NodeRegistrations>> {
        self.switch.ask(phone).boxed()
    }
}

/// No daemon runs: nobody heard what FreeSWITCH asked, and it is connected to for each question.
pub(super) struct Unwatched(pub(super) switch::Settings);

impl PhoneWatch for Unwatched {
    fn asked(&self, _: Mac) -> Asked {
        Asked::Unknown
    }

    fn registrations(&self, phone: Mac) -> BoxFuture<'_, Vec<NodeRegistrations>> {
        switch::ask_once(&self.0, phone).boxed()
    }
}
