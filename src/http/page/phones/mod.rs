//! *Phones*: found by what is typed, and one phone's page.

mod actions;
mod file;
mod one;

use std::fmt::Write as _;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use minijinja::context;
use serde::{Deserialize, Serialize};

pub(super) use actions::{enrol, log_in, log_out, restart, resync};
pub(super) use file::show as file;
pub(super) use one::{live, show};

use super::views::value;
use super::{Page, encoded};
use crate::http::access::Signed;
use crate::http::admin::{Ask, PhonesFound, UsersFound};
use crate::http::problem::Problem;
use crate::model::Stage;

/// How many rows a page has.
pub(super) const ROWS: usize = 100;

/// What the address says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    q: String,
    stage: Option<Stage>,
    stuck: bool,
    moved: bool,
    waiting: bool,
    occupied: bool,
    offset: usize,
}

impl Filter {
    /// Without the page: what the links to other pages keep.
    fn query(&self) -> String {
        let mut query = format!("q={}", encoded(&self.q));
        let _ = self.stage.map(|stage| write!(query, "&stage={stage}"));
        for (name, is_set) in [
            ("stuck", self.stuck),
            ("moved", self.moved),
            ("waiting", self.waiting),
            ("occupied", self.occupied),
        ] {
            if is_set {
                let _ = write!(query, "&{name}=true");
            }
        }
        query
    }

    /// The one thing that is filtered by, for the filters' marks.
    fn only(&self) -> &'static str {
        match self.stage {
            Some(stage) => stage.as_str(),
            None if self.stuck => "stuck",
            None if self.moved => "moved",
            None if self.waiting => "waiting",
            None if self.occupied => "occupied",
            None => "",
        }
    }
}

pub(super) async fn list(
    State(page): State<Page>,
    signed: Signed,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let query = filter.query();
    let path = format!("/phones/search?{query}&offset={}&limit={ROWS}", filter.offset);
    let found: PhonesFound = page.ask(&signed, Ask::get(&path)).await?;
    let values = context! {
        here => "phones",
        found => value(found),
        only => filter.only(),
        words => encoded(&filter.q),
        filter => value(filter),
        query,
        rows => ROWS,
    };
    page.html("phones.html", &signed, values)
}

/// What is found from the bar.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Find {
    q: String,
}

/// Phones and people at once; where there is one only, its page.
pub(super) async fn find(
    State(page): State<Page>,
    signed: Signed,
    Query(Find { q }): Query<Find>,
) -> Result<Response, Problem> {
    let words = encoded(&q);
    let phones = format!("/phones/search?q={words}&limit=20");
    let phones: PhonesFound = page.ask(&signed, Ask::get(&phones)).await?;
    let users = format!("/users/search?q={words}&limit=20");
    let users: UsersFound = page.ask(&signed, Ask::get(&users)).await?;
    match (phones.phones.as_slice(), users.users.as_slice()) {
        _ if q.trim().is_empty() => Ok(Redirect::to("/phones").into_response()),
        ([phone], []) => Ok(Redirect::to(&format!("/phones/{}", phone.mac)).into_response()),
        ([], [user]) => Ok(Redirect::to(&format!("/people/{}", user.extension)).into_response()),
        _ => {
            let values = context! {
                here => "", found_by => q, words, phones => value(phones), users => value(users),
            };
            page.html("find.html", &signed, values)
        }
    }
}
