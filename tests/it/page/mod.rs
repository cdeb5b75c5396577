//! The page in a real Chromium: what people see, do and hear of it.

mod everyday;
mod everywhere;
mod hostile;
mod pictures;

use crate::support::browser::Browser;
use crate::support::{OPERATOR_PASSWORD, Office, Plan};

/// An office with operators.
async fn office() -> Office {
    Office::with(plan()).await
}

/// What an office with operators is made from.
fn plan() -> Plan {
    Plan { operators: true, ..Plan::default() }
}

/// A browser in which somebody has signed in, and sees *Now*.
async fn signed_in(office: &Office, role: &str) -> Browser {
    let browser = Browser::start().await;
    sign_in(&browser, office, role).await;
    browser.until("h1", "Now").await;
    browser
}

/// Opens the page and signs in.
async fn sign_in(browser: &Browser, office: &Office, role: &str) {
    browser.open(&office.admin_url()).await;
    browser.until("h1", "Sign in").await;
    browser.fill("#name", role).await;
    browser.fill("#password", OPERATOR_PASSWORD).await;
    browser.click("button").await;
}

/// Nothing went wrong in the page, and nobody else was asked for anything.
async fn was_quiet(browser: &Browser, office: &Office) {
    let heard = browser.heard().await;
    assert!(heard.errors.is_empty(), "{:#?}", heard.errors);
    let (ours, urls) = (office.admin_url(), heard.urls);
    assert!(!urls.is_empty());
    let elsewhere: Vec<_> =
        urls.iter().filter(|url| !url.starts_with(&ours) && !url.starts_with("data:")).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}
