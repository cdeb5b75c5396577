//! *Customers*: who calls from a number, and what was decided lately.

use axum::extract::{Query, State};
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::views::value;
use super::{Page, encoded};
use crate::customers::Looked;
use crate::http::access::Signed;
use crate::http::admin::Ask;
use crate::http::problem::Problem;
use crate::model::{JournalEntry, LookUp};

/// How many decisions are shown.
const ENTRIES: usize = 50;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    number: String,
}

pub(super) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Query(Asked { number }): Query<Asked>,
) -> Result<Response, Problem> {
    let number = number.trim().to_owned();
    let (mut looked, mut refused) = (None, None);
    if !number.is_empty() {
        let path = format!("/customers/lookup?number={}", encoded(&number));
        match page.ask::<Looked>(&signed, Ask::get(&path)).await {
            Ok(found) => looked = Some(found),
            Err(problem) => refused = Some(problem.detail().to_owned()),
        }
    }
    let what = "customer-called,customer-hung-up,customer-served,customer-left";
    let journal = format!("/journal?what={what}&limit={ENTRIES}");
    let entries: Vec<JournalEntry> = page.ask(&signed, Ask::get(&journal)).await?;
    let entries = page.lines(entries.iter().rev());
    let sentence = looked.as_ref().map(|looked| looked.answer.to_string());
    let customer = looked.as_ref().and_then(|looked| match &looked.answer {
        LookUp::Found(customer) => Some(value(customer.clone())),
        _ => None,
    });
    let values = context! {
        here => "customers",
        number, refused, sentence, customer,
        looked => value(looked),
        entries => value(entries),
    };
    page.html("customers.html", &signed, values)
}
