//! An ordinary day: somebody signs in and watches, looks a desk up, logs people in and out.

use super::{office, signed_in, was_quiet};
use crate::support::{PHONES, USERS, until};

#[tokio::test]
async fn a_login_appears_without_reload_and_a_logout_makes_the_phone_restricted() {
    let office = office().await;
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();
    let browser = signed_in(&office, "helpdesk").await;
    browser.until("#desks", "Nobody sits anywhere").await;
    browser.script("window.notLoadedAgain = true").await;
    // Somebody dials.
    office.log_in(&desk, "*111001", USERS[0].2).await;
    browser.until("#desks", "Ada Lovelace").await;
    browser.until("#desks", "Desk 1").await;
    browser.until("#tiles", "1 of 3").await;
    browser.until("#journal", "Ada Lovelace (1001) logged in at Desk 1").await;
    assert_eq!(browser.script("return window.notLoadedAgain").await, true);
    // From the row to the phone's page: whose it is, and why it does not show it.
    browser.click("#desks td a").await;
    browser.until("h1", "Desk 1").await;
    browser.until("#answer", "Ada Lovelace").await;
    assert_eq!(office.whose(&desk).await.as_deref(), Some("1001"));
    browser.click("form[action$='/log-out'] button").await;
    browser.until("#notice", "Logged out").await;
    assert_eq!(office.whose(&desk).await, None);
    let journal = office.get("journal?limit=1").await;
    assert_eq!(journal[0]["what"], "logout", "{journal}");
    assert_eq!(journal[0]["by"]["operator"], "helpdesk", "{journal}");
    was_quiet(&browser, &office).await;
}

#[tokio::test]
async fn a_person_is_found_logged_in_and_given_a_pin_that_is_shown_once() {
    let office = office().await;
    let browser = signed_in(&office, "helpdesk").await;
    browser.fill("input[name=q]", "grace").await;
    browser.press(&["\u{e007}"]).await;
    browser.until("h1", "Grace Hopper").await;
    browser.fill("#phone", "Desk 2").await;
    browser.click("form[action='/people/1002/log-in'] button").await;
    browser.until("#notice", "Logged in").await;
    let at = vec![(PHONES[1].0.to_owned(), "1002".to_owned())];
    assert_eq!(office.sessions().await, at);
    // A desk that there is not: told on the page, and nothing changed.
    browser.fill("#phone", "Desk 99").await;
    browser.click("form[action='/people/1002/log-in'] button").await;
    browser.until("#notice", "no phone is called").await;
    assert_eq!(office.sessions().await, at);
    browser.click("form[action='/people/1002/pin'] button").await;
    browser.until("#pin-made", "").await;
    let pin = browser.text("#pin-made").await.unwrap();
    assert_eq!(pin.len(), 6, "{pin}");
    assert!(!browser.url().await.contains(&pin));
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();
    office.log_in(&desk, "*111002", &pin).await;
    browser.click("form[action$='/log-out'] button").await;
    until("she is nowhere", async || office.sessions().await.is_empty()).await;
    // Five wrong PINs lock, which is told, and lifted.
    for _ in 0..5 {
        office.guess(&desk, "1002", "4711").await;
    }
    browser.open(&format!("{}people/1002", office.admin_url())).await;
    browser.until("#locked", "Wrong PINs").await;
    browser.click("form[action$='/unlock'] button").await;
    browser.until("#notice", "The locks are lifted").await;
    assert_eq!(browser.text("#locked").await, None);
    // Calls go elsewhere meanwhile.
    browser.fill("#away", "+436601234567").await;
    browser.click("form[action='/people/1002/away'] button").await;
    browser.until("#notice", "Saved").await;
    assert_eq!(office.get("users/1002").await["away"], "+436601234567");
    assert!(!office.log().contains(&pin));
}

#[tokio::test]
async fn whether_everybody_reaches_the_emergency_service_is_tried_from_the_page() {
    let office = office().await;
    let browser = signed_in(&office, "helpdesk").await;
    browser.open(&format!("{}system", office.admin_url())).await;
    browser.until("main", "Not tested since the daemon started").await;
    browser.click("form[action='/system/emergency-test'] button").await;
    browser.until("#notice", "nothing was dialled").await;
    // FreeSWITCH has none of our files yet.
    browser.until("main", "not all get through").await;
    browser.until("main", "run `hotdeskd freeswitch install`").await;
    assert!(office.run(&["freeswitch", "install"]).status.success());
    until("a walk found nothing wrong", async || {
        let last = office.get("emergency/test").await;
        if last["running"].is_null() && last["found"]["failing"] == serde_json::json!([]) {
            return true;
        }
        office.post("emergency/test", serde_json::json!({})).await;
        false
    })
    .await;
    browser.open(&format!("{}system", office.admin_url())).await;
    browser.until("main", "3 of 3 phones and handsets reach").await;
    was_quiet(&browser, &office).await;
}
