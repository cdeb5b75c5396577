//! *System*: each outside thing with its state and age, emergency calls, and the configuration.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Response;
use minijinja::context;
use tokio::time::sleep;

use super::notice::WasDone;
use super::views::value;
use super::{Page, done};
use crate::http::access::Signed;
use crate::http::admin::{Ask, ConfigurationView, EmergencyTestView, Method, SystemView};
use crate::http::problem::Problem;
use crate::model::Role;

/// How many phones are shown that would not get through; the command line lists all.
const MOST: usize = 100;
/// How often, and how many times, is looked whether a walk is done.
const LOOK: (Duration, usize) = (Duration::from_millis(200), 40);

pub(super) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Query(asked): Query<WasDone>,
) -> Result<Response, Problem> {
    let system: SystemView = page.ask(&signed, Ask::get("/system")).await?;
    let mut configuration = None;
    if signed.operator.may(Role::Admin) {
        let asked = page.ask::<ConfigurationView>(&signed, Ask::get("/system/configuration"));
        configuration = Some(asked.await?.toml);
    }
    let signed_in = page.access.signed_in();
    let mut emergency: EmergencyTestView = page.ask(&signed, Ask::get("/emergency/test")).await?;
    let failing = emergency.found.as_ref().map_or(0, |found| found.failing.len());
    if let Some(found) = &mut emergency.found {
        found.failing.truncate(MOST);
    }
    let notice = value(asked.notice());
    let emergency = value(emergency);
    let system = value(system);
    let values =
        context! { here => "system", system, emergency, failing, configuration, signed_in, notice };
    page.html("system.html", &signed, values)
}

/// Walks every phone's emergency calls, and shows what was found as soon as it was.
pub(super) async fn test_emergency(
    State(page): State<Page>,
    signed: Signed,
) -> Result<Response, Problem> {
    let begin = Ask::new(Method::POST, "/emergency/test");
    let mut status: EmergencyTestView = page.ask(&signed, begin).await?;
    for _ in 0..LOOK.1 {
        if status.running.is_none() {
            return Ok(done("/system", "walked"));
        }
        sleep(LOOK.0).await;
        status = page.ask(&signed, Ask::get("/emergency/test")).await?;
    }
    // Thousands of phones: the page says that it goes on.
    Ok(done("/system", "started"))
}
