//! Who is signed in.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Whoever asks.
#[derive(Debug, Clone)]
pub struct Signed {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) csrf: &'static str,
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { name: "admin", role: "admin", csrf: "x" })
    }
}

impl Signed {
    /// For a template.
    pub(super) fn context(&self) -> minijinja::Value {
        let Self { name, role, csrf } = self.clone();
        minijinja::context! { name, role, csrf, helpdesk => true, admin => true }
    }
}
