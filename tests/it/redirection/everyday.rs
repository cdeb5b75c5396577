//! What an operator does: plan, apply, list; and what each phone comes to.

use super::*;

#[tokio::test]
async fn phones_are_registered_with_their_own_urls_and_once() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    assert!(ok(&office, &["redirection", "plan"]).contains("There are no phones for this service"));
    add(&office, &[ONE, TWO]);
    ok(&office, &["phones", "add", "0004f2aa0003", "--vendor", "polycom"]);
    let told = ok(&office, &["redirection", "plan"]);
    assert!(told.contains("2 to register, 1 of the inventory are not for this service."), "{told}");
    assert!(server.phones().is_empty(), "a plan changes nothing");
    assert!(ok(&office, &["redirection", "list"]).contains("No redirection service"));

    let told = ok(&office, &["redirection", "apply"]);
    let sum = "2 registered, 0 changed, 0 removed, 0 fine before, 0 failed, 0 not begun.";
    assert!(told.contains(sum), "{told}");
    for mac in [ONE, TWO] {
        let held = server.phones()[&upper(mac)].clone();
        assert_eq!(held, ("office".to_owned(), own_url(&office, mac)));
        assert!(held.1.contains("/p/") && held.1.ends_with("/{mac}.xml"), "{}", held.1);
    }
    assert_eq!(plan(&office), steps(&[(ONE, "fine"), (TWO, "fine")]));
    let told = ok(&office, &["redirection", "apply"]);
    assert!(told.contains("0 registered, 0 changed, 0 removed, 2 fine before"), "{told}");
    assert_eq!(server.count("redirect.registerPhone").values().sum::<usize>(), 2);

    let told = ok(&office, &["phones", "show", ONE]);
    assert!(told.contains("redirection          snom: registered since "), "{told}");
    let told = ok(&office, &["redirection", "list"]);
    assert!(told.lines().count() == 3 && told.contains("registered"), "{told}");
    let journal = ok(&office, &["journal", "list"]);
    let line = "phones at the redirection service snom: 2 registered";
    assert_eq!(journal.matches(line).count(), 1, "{journal}");
}

/// A phone of each kind, whatever way the service spells MAC addresses and texts.
#[tokio::test]
async fn each_phone_comes_to_what_it_is_and_only_ours_are_touched() {
    const FOREIGN: &str = "000413AA00F1";
    const POLYCOM: &str = "0004F2AA0003";
    let elsewhere = "https://old.example.net/s3cret-of-the-old/{mac}";
    for control in
        [json!({}), json!({ "spelling": "colon", "untyped": true }), json!({ "spelling": "lower" })]
    {
        let mut server = RedirectionServer::start();
        let (one, two) = (upper(ONE), upper(TWO));
        server.has(&[
            (&one, "other", "https://other.example.net/"),
            (&two, "office", elsewhere),
            (FOREIGN, "office", elsewhere),
            (POLYCOM, "office", elsewhere),
        ]);
        server.control(control.clone());
        let office = closed(&server, "").await;
        add(&office, &[ONE, TWO, THREE]);
        ok(&office, &["phones", "add", POLYCOM, "--vendor", "polycom"]);
        let all = [
            (ONE, "elsewhere"),
            (TWO, "change"),
            (THREE, "register"),
            ("000413aa00f1", "foreign"),
            ("0004f2aa0003", "other-vendor"),
        ];
        assert_eq!(plan(&office), steps(&all), "{control}");
        let told = ok(&office, &["redirection", "plan"]);
        assert!(told.contains("000413aa0002  change"), "{told}");
        assert!(told.contains("it sends the phone to old.example.net"), "{told}");
        assert!(!told.contains("s3cret-of-the-old"), "{told}");

        let told = ok(&office, &["redirection", "apply"]);
        assert!(told.contains("1 registered, 1 changed, 0 removed, 0 fine before"), "{told}");
        assert!(told.contains("000413aa0001  owned by somebody else"), "{told}");
        let held = server.phones();
        assert_eq!(held[&one].0, "other");
        assert_eq!(held[&two].1, own_url(&office, TWO));
        for untouched in [FOREIGN, POLYCOM] {
            assert_eq!(held[untouched].1, elsewhere);
        }
        let told = ok(&office, &["redirection", "list"]);
        let refused = told.lines().find(|line| line.starts_with(ONE)).unwrap();
        assert!(refused.contains("refused") && refused.contains("owned by somebody"), "{told}");
        // Nobody of the office may have somebody else's phone forgotten.
        let told = fails(&office, &["redirection", "apply", "--mac", ONE, "--remove"]);
        assert!(told.contains("owned by somebody else"), "{told}");
        assert_eq!(server.count("redirect.deregisterPhone"), Default::default());
    }
}

#[tokio::test]
async fn a_phone_with_a_new_key_is_changed_and_one_that_left_is_forgotten() {
    let mut server = RedirectionServer::start();
    let office = closed(&server, "").await;
    add(&office, &[ONE, TWO, THREE]);
    ok(&office, &["redirection", "apply"]);
    ok(&office, &["phones", "enrol", ONE, "--rotate"]);
    ok(&office, &["phones", "remove", TWO]);
    let told = ok(&office, &["redirection", "plan"]);
    assert!(told.contains("1 to change, 1 to remove, 1 fine."), "{told}");
    // Only one of them, then the rest.
    let told = ok(&office, &["redirection", "apply", "--mac", ONE]);
    assert!(told.contains("0 registered, 1 changed, 0 removed"), "{told}");
    let told = ok(&office, &["redirection", "apply"]);
    assert!(told.contains("0 registered, 0 changed, 1 removed, 2 fine before"), "{told}");
    let held = server.phones();
    assert_eq!(held.keys().collect::<Vec<_>>(), [&upper(ONE), &upper(THREE)]);
    assert_eq!(held[&upper(ONE)].1, own_url(&office, ONE));
    assert!(!ok(&office, &["redirection", "list"]).contains(TWO));

    // Somebody took one out by hand, and sends another one elsewhere: the one is told again, and the other one, which
    // leaves the inventory, is not ours to remove any more.
    let elsewhere = "https://elsewhere.example.net/";
    server.has(&[(&upper(THREE), "office", elsewhere)]);
    ok(&office, &["phones", "remove", THREE]);
    assert_eq!(plan(&office), steps(&[(ONE, "register"), (THREE, "foreign")]));
    ok(&office, &["redirection", "apply"]);
    assert_eq!(server.phones()[&upper(THREE)].1, elsewhere);
    // Unless it is named.
    let told = ok(&office, &["redirection", "apply", "--mac", THREE, "--remove"]);
    assert!(told.contains("1 removed"), "{told}");
    assert_eq!(server.phones().keys().collect::<Vec<_>>(), [&upper(ONE)]);
    let told = fails(&office, &["redirection", "apply", "--mac", THREE, "--remove"]);
    assert!(told.contains("does not have this phone"), "{told}");
}

#[tokio::test]
async fn most_phones_are_not_removed_unasked() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    office.start().await;
    let macs = add_many(&office, 10).await;
    ok(&office, &["redirection", "apply"]);
    for mac in &macs[..6] {
        office.delete(&format!("phones/{mac}")).await;
    }
    let told = fails(&office, &["redirection", "apply"]);
    assert!(told.contains("6 of 10 registered phones are no longer in the inventory"), "{told}");
    assert!(told.contains("--yes"), "{told}");
    assert_eq!(server.phones().len(), 10);
    let told = ok(&office, &["redirection", "apply", "--yes"]);
    assert!(told.contains("6 removed"), "{told}");
    assert_eq!(server.phones().len(), 4);
}

#[tokio::test]
async fn the_shared_url_has_no_key() {
    let server = RedirectionServer::start();
    let office = closed(&server, "urls = \"shared\"\nparallel = 1\n").await;
    add(&office, &[ONE]);
    ok(&office, &["redirection", "apply"]);
    let held = server.phones()[&upper(ONE)].1.clone();
    assert_eq!(held, format!("{}/provision/{{mac}}.xml", office.config.phones_url()));
}

#[tokio::test]
async fn orders_that_cannot_be_are_refused_with_a_sentence() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    add(&office, &[ONE]);
    office.start().await;
    assert!(fails(&office, &["redirection", "plan", "--service", "gigaset"]).contains("no such"));
    let told = refused(&office, "redirection/run", json!({ "task": "remove" })).await;
    assert!(told.contains("422") && told.contains("name the phones"), "{told}");
    // One at a time.
    server.control(json!({ "delay": 0.2 }));
    office.post("redirection/run", json!({ "task": "plan" })).await;
    let told = fails(&office, &["redirection", "plan"]);
    assert!(told.contains("being asked already"), "{told}");
    office.delete("redirection/run").await;
    until("it has stopped", async || office.get("redirection/run").await["running"].is_null())
        .await;
    let outcome = office.get("redirection/run/last").await;
    assert!(outcome[0]["error"].as_str().unwrap().contains("stopped"), "{outcome}");

    let without = Office::closed(Plan::default()).await;
    let told = fails(&without, &["redirection", "plan"]);
    assert!(told.contains("[redirection.snom]"), "{told}");
}

#[tokio::test]
async fn the_daemon_registers_by_itself_where_it_is_set_so_and_removes_nothing() {
    let server = RedirectionServer::start();
    let office = closed(&server, "reconcile_minutes = 1").await;
    add(&office, &[ONE, TWO]);
    ok(&office, &["redirection", "apply"]);
    ok(&office, &["phones", "remove", ONE]);
    add(&office, &[THREE]);
    office.start().await;
    until("the new phone is registered", async || server.phones().contains_key(&upper(THREE)))
        .await;
    let row =
        async || office.get(&format!("phones/{THREE}")).await["redirections"][0]["state"].clone();
    until("it is known", async || row().await == "registered").await;
    assert_eq!(server.phones().len(), 3, "{:?}", server.phones());
    let lines = async || {
        let (happened, _) = office.happened(0).await;
        happened.iter().filter(|what| *what == "redirected").count()
    };
    until("the journal has it", async || lines().await == 2).await;
}

/// Gigaset's service lists nothing and tells no URL: what it took is what we know.
#[tokio::test]
async fn a_service_that_does_not_tell_its_urls_is_told_once_too() {
    const GIGASET: [&str; 3] = ["7c2f80aa0001", "7c2f80aa0002", "7c2f80aa0003"];
    let mut server = RedirectionServer::start();
    server.has(&[(&upper(GIGASET[2]), "other", "https://other.example.net/")]);
    let table = server.table("interface = \"gigaset\"\nprofile = \"office\"");
    let tables = table.replace("/xmlrpc/", "/apxml/rpc.do").replace(".snom]", ".gigaset]");
    let office = Office::closed(Plan { tables, ..Plan::default() }).await;
    for mac in GIGASET {
        ok(&office, &["phones", "add", mac, "--vendor", "gigaset"]);
    }
    add(&office, &[ONE]);
    let all = [(GIGASET[0], "register"), (GIGASET[1], "register"), (GIGASET[2], "elsewhere")];
    assert_eq!(plan(&office), steps(&all));
    server.control(json!({ "methods": ["autoprov.registerDevice"], "answer": "lost" }));
    assert!(ok(&office, &["redirection", "apply"]).contains("2 registered"));
    server.control(json!({}));
    let told = server.count("autoprov.registerDevice");
    assert_eq!(told.into_values().collect::<Vec<_>>(), [1, 1]);
    let held = server.phones()[&upper(GIGASET[0])].1.clone();
    assert_eq!(held, own_url(&office, GIGASET[0]).replace("{mac}", GIGASET[0]));
    let fine = [(GIGASET[0], "fine"), (GIGASET[1], "fine"), (GIGASET[2], "elsewhere")];
    assert_eq!(plan(&office), steps(&fine));
    ok(&office, &["phones", "enrol", GIGASET[0], "--rotate"]);
    ok(&office, &["phones", "remove", GIGASET[1]]);
    let told = ok(&office, &["redirection", "apply"]);
    assert!(told.contains("0 registered, 1 changed, 1 removed"), "{told}");
    let held = server.phones();
    assert_eq!(held.len(), 2);
    let url = own_url(&office, GIGASET[0]).replace("{mac}", GIGASET[0]);
    assert_eq!(held[&upper(GIGASET[0])].1, url);
}

#[tokio::test]
async fn a_service_that_lists_nothing_is_asked_phone_by_phone() {
    let server = RedirectionServer::start();
    let office = closed(&server, "").await;
    add(&office, &[ONE, TWO]);
    ok(&office, &["redirection", "apply", "--mac", ONE]);
    server.control(json!({ "methods": ["redirect.listPhones"], "answer": "fault" }));
    assert_eq!(plan(&office), steps(&[(ONE, "fine"), (TWO, "register")]));
    assert!(ok(&office, &["redirection", "apply"]).contains("1 registered, 0 changed"));
}

#[tokio::test]
async fn of_several_services_each_has_its_phones() {
    let (server, second) = (RedirectionServer::start(), RedirectionServer::start());
    let more = second.table("vendors = [\"gigaset\", \"yealink\"]").replace(".snom]", ".second]");
    let tables = server.table("") + &more;
    let office = Office::closed(Plan { tables, ..Plan::default() }).await;
    add(&office, &[ONE]);
    ok(&office, &["phones", "add", "7c2f80aa0001", "--vendor", "gigaset"]);
    ok(&office, &["redirection", "apply", "--service", "second"]);
    assert_eq!((server.phones().len(), second.phones().len()), (0, 1));
    ok(&office, &["redirection", "apply"]);
    assert_eq!((server.phones().len(), second.phones().len()), (1, 1));
    assert!(server.phones().contains_key(&upper(ONE)));
    let told = fails(&office, &["redirection", "apply", "--mac", ONE, "--remove"]);
    assert!(told.contains("say which with --service"), "{told}");
    ok(&office, &["redirection", "apply", "--mac", ONE, "--remove", "--service", "snom"]);
    assert_eq!((server.phones().len(), second.phones().len()), (0, 1));
    // One that is away keeps no other from its phones.
    server.control(json!({ "answer": "503" }));
    ok(&office, &["phones", "add", "7c2f80aa0002", "--vendor", "gigaset"]);
    let told = fails(&office, &["redirection", "apply"]);
    assert!(told.contains("snom: the service answers with the HTTP status 503"), "{told}");
    assert_eq!(second.phones().len(), 2);
}
