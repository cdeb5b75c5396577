//! Each page: whole, quiet, readable for all, in light and dark, and on a small screen.

use serde_json::Value;

use super::{office, plan, signed_in, was_quiet};
use crate::support::browser::Browser;
use crate::support::{Office, PHONES, USERS};

/// All pages; the phone and the person are the first of every office.
const PAGES: [&str; 14] = [
    "",
    "phones",
    "phones?stuck=true&q=desk",
    "phones/0004132a0001",
    "phones/0004132a0001/file",
    "people",
    "people/1001",
    "find?q=1",
    "queues",
    "customers",
    "customers?number=%2B4315550100",
    "redirection",
    "journal",
    "system",
];

/// What axe-core finds wrong in a page.
async fn faults(browser: &Browser) -> Vec<String> {
    let script = std::env::var("HOTDESKD_AXE").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe-core/axe.min.js").to_owned()
    });
    let axe = std::fs::read_to_string(&script)
        .unwrap_or_else(|error| panic!("{script}: {error}; tests/run fetches it"));
    browser.script(&axe).await;
    let found = browser
        .later(
            "const done = arguments[0];\
             axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})\
             .then(found => done(found.violations.map(fault => fault.id + ': ' +\
             fault.nodes.map(node => node.html + ' ' + node.failureSummary).join('; '))))",
        )
        .await;
    found.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
}

/// An office in which something happened.
async fn lived_in(office: &Office) {
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();
    office.log_in(&desk, "*111001", USERS[0].2).await;
    office.guess(&desk, "1002", "4711").await;
    office.post(&format!("phones/{}/restart", PHONES[1].0), Value::Null).await;
}

#[tokio::test]
async fn every_page_can_be_read_by_everybody_and_asks_nobody_else() {
    let office = office().await;
    lived_in(&office).await;
    let browser = signed_in(&office, "admin").await;
    for (width, dark) in [(1280, false), (1280, true), (360, false)] {
        browser.size(width, 780).await;
        browser.dark(dark).await;
        for page in PAGES {
            browser.open(&format!("{}{page}", office.admin_url())).await;
            let faults = faults(&browser).await;
            assert!(faults.is_empty(), "{page} at {width}, dark {dark}: {faults:#?}");
            let wide = browser.script("return document.documentElement.scrollWidth").await;
            assert_eq!(wide, width, "{page} is wider than the screen");
        }
    }
    was_quiet(&browser, &office).await;
}

#[tokio::test]
async fn the_sign_in_can_be_read_by_everybody_and_tells_a_wrong_password_like_an_unknown_name() {
    let office = office().await;
    let browser = Browser::start().await;
    let mut told = Vec::new();
    for (name, password) in [("admin", "wrong"), ("nobody-at-all", "wrong")] {
        browser.open(&format!("{}phones/0004132a0001", office.admin_url())).await;
        browser.until("h1", "Sign in").await;
        assert!(faults(&browser).await.is_empty());
        browser.fill("#name", name).await;
        browser.fill("#password", password).await;
        browser.click("button").await;
        browser.until("#refused", "wrong").await;
        told.push(browser.text("#refused").await.unwrap());
    }
    assert_eq!(told[0], told[1]);
    // Behind the sign-in is the page that was asked for.
    browser.fill("#name", "viewer").await;
    browser.fill("#password", crate::support::OPERATOR_PASSWORD).await;
    browser.click("button").await;
    browser.until("h1", "Desk 1").await;
    // A viewer is offered nothing that a viewer may not do.
    let forms = browser.script("return document.querySelectorAll('main form').length").await;
    assert_eq!(forms, 0);
    was_quiet(&browser, &office).await;
}

#[tokio::test]
async fn the_keyboard_suffices() {
    let office = office().await;
    let browser = signed_in(&office, "viewer").await;
    browser.press(&["\u{e004}"]).await;
    let focus = "return document.activeElement.innerText + ' ' + getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.script(focus).await, "Skip to the content solid");
    browser.press(&["\u{e007}"]).await;
    let focus = "return document.activeElement.id";
    assert_eq!(browser.script(focus).await, "main");
}

#[tokio::test]
async fn a_page_of_somebody_who_signed_out_elsewhere_goes_to_the_sign_in() {
    let office = office().await;
    let browser = signed_in(&office, "helpdesk").await;
    browser.until("#desks", "Nobody").await;
    // The same session, signed out in another window.
    browser
        .script(
            "const csrf = document.querySelector('[name=csrf]').value;\
             fetch('/sign-out', {method: 'POST', redirect: 'manual', body: new URLSearchParams({csrf})})",
        )
        .await;
    browser.until("h1", "Sign in").await;
}

/// More phones than anybody wants to scroll through.
#[tokio::test]
async fn ten_thousand_phones_are_searched_while_one_types() {
    let office = Office::with(plan()).await;
    let rows = (0..10_000).map(|at| {
        let (mac, floor) = (format!("0004f2{at:06x}"), at / 100);
        format!("{mac},polycom,Place {at} on floor {floor}\n")
    });
    let list: String = ["mac,vendor,label\n".to_owned()].into_iter().chain(rows).collect();
    let file = office.path("phones.csv");
    std::fs::write(&file, list).unwrap();
    let mut command = office.command(&["phones", "import", file.to_str().unwrap()]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let browser = signed_in(&office, "viewer").await;
    browser.open(&format!("{}phones", office.admin_url())).await;
    browser.until("#found", "1 to 100 of 10003").await;
    browser.click("a[rel=next]").await;
    browser.until("#found", "101 to 200 of 10003").await;
    browser.script("window.notLoadedAgain = true").await;
    browser.fill("#q", "place 4711 floor").await;
    browser.until("#found [role=status]", "1 phones").await;
    browser.until("#found tbody", "Place 4711 on floor 47").await;
    assert_eq!(browser.script("return window.notLoadedAgain").await, true);
    browser.fill("#q", "00:04:f2:00:12:67").await;
    browser.until("#found tbody", "Place 4711 on floor 47").await;
    was_quiet(&browser, &office).await;
}
