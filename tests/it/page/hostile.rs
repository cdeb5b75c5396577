//! What comes from LDAP, phones and callers is text, whatever stands in it.

use serde_json::json;

use super::{office, signed_in, was_quiet};
use crate::support::{PHONES, until};

/// Text that would be more than text in a page that is not careful.
const EVIL: &str = "<img src=x onerror=\"document.title='owned'\">'\"><script>document.title='owned'</script>{{ 1234 * 4321 }}`<b>`";

/// The pages on which something of it stands.
const PAGES: [&str; 9] = [
    "",
    "phones",
    "phones/0004132a0001",
    "phones/0004132a0001/file",
    "people",
    "people/1001",
    "find?q=script",
    "journal",
    "customers",
];

#[tokio::test]
async fn what_comes_from_outside_is_text_wherever_it_stands() {
    let office = office().await;
    // Names come from LDAP, labels from the inventory.
    office.put("users/1001", json!({ "name": EVIL })).await;
    let phone = json!({
        "label": EVIL, "vendor": "snom", "model": &EVIL[..40], "emergency": { "location": EVIL },
    });
    office.put(&format!("phones/{}", PHONES[0].0), phone).await;
    office.post("sessions", json!({ "phone": PHONES[0].0, "user": "1001" })).await;
    // A phone says what it is, and what it wants.
    let url = format!(
        "http://{}/provision/{}",
        office.config.phones.0.as_ref().unwrap().address,
        PHONES[0].0
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["", "%3Cscript%3Ealert(1)%3C/script%3E", ".htm"] {
        let request = client.get(format!("{url}{path}")).header("User-Agent", EVIL);
        let _ = request.send().await.unwrap();
    }
    let why = format!("phones/{}/why", PHONES[0].0);
    until("its requests are known", async || {
        office.get(&why).await["requests"].as_array().unwrap().len() >= 2
    })
    .await;
    let browser = signed_in(&office, "admin").await;
    for page in PAGES {
        browser.open(&format!("{}{page}", office.admin_url())).await;
        let found = browser
            .script(
                "return [document.title.includes('owned'),\
                 document.querySelectorAll('main img, main script, main b').length,\
                 document.body.innerHTML.includes('5332114')]",
            )
            .await;
        assert_eq!(found, json!([false, 0, false]), "{page}");
    }
    // It is told live as well.
    browser.open(&office.admin_url()).await;
    browser.until("#journal", "logged in").await;
    office.delete(&format!("sessions/{}", PHONES[0].0)).await;
    browser.until("#journal", "is logged out").await;
    let images = browser.script("return document.querySelectorAll('main img, main script').length");
    assert_eq!(images.await, 0);
    assert!(browser.text("#journal").await.unwrap().contains("<script>"));
    was_quiet(&browser, &office).await;
}
