//! DECT bases from end to end: what the base is told, as what its handsets register, what a person at one can do.

use hotdeskd::simulator::{Origin, Phone};
use serde_json::{Value, json};

use crate::support::{Office, PHONES, REFUSED, UNAVAILABLE, USERS, heard_times, spoken, until};

const BASE: &str = "000413900001";

/// An office with a base that has a handset of Ada's and one that is nobody's; the two as they read themselves in the
/// base's file.
async fn office_with_base() -> (Office, [Phone; 2]) {
    let office = Office::open().await;
    office.put(&format!("phones/{BASE}"), base()).await;
    let file = office.get(&format!("phones/{BASE}/file?secrets=true")).await;
    let file = file["text"].as_str().unwrap();
    let value = |name: &str, at: usize| {
        let (_, behind) = file.split_once(&format!("<{name} idx=\"{at}\">")).unwrap();
        behind.split_once('<').unwrap().0.to_owned()
    };
    let handset = |at| {
        let name = value("user_name", at);
        assert_eq!(name, format!("{BASE}-{at}"));
        assert_eq!(value("user_pname", at), name);
        Phone::new(name, value("user_pass", at).into())
    };
    assert_eq!([1, 2].map(|at| value("user_realname", at)), ["Ada Lovelace", "Lobby"]);
    (office, [handset(1), handset(2)])
}

fn base() -> Value {
    json!({
        "vendor": "snom", "model": "M900", "label": "Ward", "emergency": { "caller_id": "+43155" },
        "handsets": [{ "user": "1001" }, { "label": "Lobby" }],
    })
}

#[tokio::test]
async fn what_the_base_is_told_is_what_its_handsets_register_with() {
    let (office, [hers, lobby]) = office_with_base().await;
    for handset in [&hers, &lobby] {
        office.switch.register(handset).await.unwrap();
    }
    assert_eq!(office.whose(&hers).await.as_deref(), Some("1001"));
    assert_eq!(office.whose(&lobby).await, None);
    // Neither the other one's secret nor the base itself is let in.
    let swapped = Phone::new(hers.user.clone(), lobby.secret.clone());
    assert!(office.switch.register(&swapped).await.is_err());
    let own = Phone::new(BASE, hers.secret.clone());
    assert!(office.switch.register(&own).await.is_err());

    assert_eq!(office.rings("1001").await, [format!("{BASE}-1")]);
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();
    office.log_in(&desk, "*111001", USERS[0].2).await;
    assert_eq!(office.rings("1001").await, [PHONES[0].0.to_owned(), format!("{BASE}-1")]);

    // Without the daemon FreeSWITCH knows them all the same.
    assert!(office.run(&["freeswitch", "install"]).status.success());
    office.switch.api("reloadxml").await;
    office.kill();
    assert_eq!(office.whose(&hers).await.as_deref(), Some("1001"));
    assert_eq!(office.whose(&lobby).await, None);
    assert!(office.switch.register(&own).await.is_err());
    assert_eq!(office.rings("1001").await, [PHONES[0].0.to_owned(), format!("{BASE}-1")]);
}

#[tokio::test]
async fn nobody_logs_in_or_out_at_a_handset() {
    let (office, [hers, lobby]) = office_with_base().await;
    let pin = format!("{}#", USERS[1].2);
    let heard = office.converse(&lobby, "*111002", &[&pin]).await;
    assert_eq!(heard_times(&heard, REFUSED), 1, "{heard:?}");
    assert_eq!(office.sessions().await, []);
    // The very words of a wrong PIN.
    let wrong = office.converse(&lobby, "*111002", &["99999999#"]).await;
    assert_eq!(spoken(&heard), spoken(&wrong));
    let journal = office.get(&format!("journal?phone={BASE}&limit=10")).await;
    let rows = journal.as_array().unwrap().iter();
    assert_eq!(rows.filter(|row| row["what"] == "pin-refused").count(), 2, "{journal}");

    let heard = office.converse(&hers, "*13", &[]).await;
    assert_eq!(heard_times(&heard, UNAVAILABLE), 1, "{heard:?}");
    assert_eq!(office.whose(&hers).await.as_deref(), Some("1001"));
    // One handset must not restart the base of all.
    let heard = office.converse(&lobby, "*19", &[]).await;
    assert_eq!(heard_times(&heard, UNAVAILABLE), 1, "{heard:?}");
    let heard = office.converse(&hers, "*15", &[]).await;
    assert!(format!("{heard:?}").contains("1001"), "{heard:?}");
}

#[tokio::test]
async fn a_base_is_told_once_and_never_while_one_of_its_handsets_is_in_a_call() {
    let (office, handsets) = office_with_base().await;
    for handset in &handsets {
        office.switch.register(handset).await.unwrap();
    }
    let told = || {
        let mut all = office.switch.notifies();
        all.retain(|one| one.origin == Origin::SendEvent);
        all
    };
    office.post(&format!("phones/{BASE}/resync"), json!({})).await;
    until("the base is told", async || !told().is_empty()).await;
    let settled = async || office.get(&format!("phones/{BASE}")).await["pending"] == json!([]);
    until("it is done", settled).await;
    let first = told();
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(first[0].user.starts_with(BASE), "{first:?}");
    assert_eq!(first[0].event, "check-sync;reboot=true");

    // At the one that was not told, which is as far as its base is from a call.
    let call = office.dial(&handsets[0], "*111001").await;
    office.post(&format!("phones/{BASE}/resync"), json!({})).await;
    office.post(&format!("phones/{}/resync", PHONES[0].0), json!({})).await;
    let desk = office.phone(0);
    office.switch.register(&desk).await.unwrap();
    until("another phone is told", async || told().iter().any(|one| one.user == desk.user)).await;
    assert_eq!(told().iter().filter(|one| one.user.starts_with(BASE)).count(), 1);
    call.hang_up();
    until("it is done", settled).await;
    assert_eq!(told().iter().filter(|one| one.user.starts_with(BASE)).count(), 2);
}

#[tokio::test]
async fn a_base_goes_with_all_its_handsets() {
    let (office, [hers, lobby]) = office_with_base().await;
    office.delete(&format!("phones/{BASE}")).await;
    for handset in [&hers, &lobby] {
        assert!(office.switch.register(handset).await.is_err());
    }
    office.put(&format!("phones/{BASE}"), base()).await;
    assert!(office.switch.register(&hers).await.is_err(), "another base, another secret");
}

#[tokio::test]
async fn what_a_base_cannot_have_is_refused_with_a_sentence() {
    let (office, _) = office_with_base().await;
    let refused = async |path: &str, body: Value, said: &str| {
        let answer = office.admin(reqwest::Method::PUT, path, Some(body)).await.unwrap_err();
        assert!(answer.contains("422") && answer.contains(said), "{answer}");
    };
    let path = format!("phones/{BASE}");
    refused(&path, json!({ "vendor": "snom", "model": "M900", "owner": "1001" }), "own it").await;
    let with = |handsets: Value| json!({ "vendor": "snom", "model": "D785", "handsets": handsets });
    refused("phones/0004132a0009", with(json!([{}])), "only a DECT base has").await;
    let base = |handsets: Value| json!({ "vendor": "snom", "model": "M700", "handsets": handsets });
    refused(&path, base(json!(vec![json!({}); 251])), "at most 250").await;
    refused(&path, base(json!([{ "label": "" }])), "1 to 200 bytes").await;
    refused(&path, base(json!([{ "user": "x" }])), "handsets[0].user").await;
    let unknown =
        office.admin(reqwest::Method::PUT, &path, Some(base(json!([{ "user": "1009" }]))));
    assert!(unknown.await.unwrap_err().contains("no user with extension 1009"));
    // No handsets yet, but a base all the same; and handsets of a vendor that we know nothing of.
    let view = office.put(&path, json!({ "vendor": "snom", "model": "M900" })).await;
    assert_eq!(view["hot_desk"], false);
    let other = json!({ "vendor": "spectralink", "handsets": [{ "user": "1002" }] });
    let view = office.put("phones/00087b0000a1", other).await;
    assert_eq!(
        (&view["hot_desk"], &view["handsets"][0]["name"]),
        (&json!(false), &json!("Grace Hopper"))
    );
    let body = json!({ "phone": BASE, "user": "1001", "mode": "only" });
    let answer = office.admin(reqwest::Method::POST, "sessions", Some(body)).await;
    assert!(answer.unwrap_err().contains("409"));
}
