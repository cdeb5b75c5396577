//! *System*: each outside thing with its state and age, and the configuration.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;

use super::Page;
use super::views::value;
use crate::http::access::Signed;
use crate::http::admin::{Ask, ConfigurationView, SystemView};
use crate::http::problem::Problem;
use crate::model::Role;

pub(super) async fn show(State(page): State<Page>, signed: Signed) -> Result<Response, Problem> {
    let system: SystemView = page.ask(&signed, Ask::get("/system")).await?;
    let mut configuration = None;
    if signed.operator.may(Role::Admin) {
        let asked = page.ask::<ConfigurationView>(&signed, Ask::get("/system/configuration"));
        configuration = Some(asked.await?.toml);
    }
    let signed_in = page.access.signed_in();
    let values = context! { here => "system", system => value(system), configuration, signed_in };
    page.html("system.html", &signed, values)
}
