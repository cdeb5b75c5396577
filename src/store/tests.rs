use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::*;
use crate::model::*;

mod journal;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn mac(last: u8) -> Mac {
    format!("0004132a00{last:02x}").parse().unwrap()
}

fn phone(last: u8) -> Phone {
    Phone {
        mac: mac(last),
        secret: format!("secret-{last}").into(),
        vendor: Some("snom".into()),
        model: None,
        label: Some(format!("Desk {last} ${{x}} \u{1F600}")),
        desk_extension: None,
        owner: None,
        hot_desk: true,
        emergency: Emergency::default(),
        settings: Default::default(),
        handsets: Vec::new(),
        tags: Default::default(),
        logout: None,
        added: at(1),
    }
}

fn user(extension: &str) -> User {
    User {
        extension: extension.parse().unwrap(),
        name: "Grace Höpper".into(),
        pin: Some(Pin::stored("8765".into())),
        pin_hash: None,
        sip_secret: Some("softphone-secret".into()),
        hot_desk: true,
        away: "0664123".parse().unwrap(),
        groups: vec![GroupName::try_from("sales".to_owned()).unwrap()],
        teams: Vec::new(),
        params: Pairs::default(),
        variables: [("toll_allow".to_owned(), "local".to_owned())].into(),
        keys: Vec::new(),
        settings: Default::default(),
        source: UserSource::Local,
        person: None,
    }
}

fn session(last: u8, extension: &str) -> DeskSession {
    DeskSession {
        phone: mac(last),
        user: extension.parse().unwrap(),
        since: at(5),
        origin: SessionOrigin::Only,
    }
}

async fn fill(store: &Store) {
    store
        .write(async |tx: &mut Tx<'_>| {
            tx.save_phone(phone(1)).await?;
            tx.save_user(user("1002")).await?;
            tx.begin_session(session(1, "1002")).await?;
            tx.journal(at(5), Actor::Command, Happening::PhoneSaved { phone: mac(1) }).await
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_and_encrypted_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store).await;
    drop(store);
    let size = std::fs::metadata(folder.path().join("hotdeskd.db")).unwrap().len();
    assert!(size > 0);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        // SQLite takes its log away while it closes.
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else {
            continue;
        };
        for secret in ["secret-1", "8765", "softphone-secret"] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
        }
    }
    let store = Store::open(folder.path()).await.unwrap();
    see(&store);
    let journal = store
        .journal(&JournalFilter { phone: Some(mac(1)), limit: 10, ..JournalFilter::default() })
        .await
        .unwrap();
    assert_eq!(journal.len(), 1);
}

fn see(store: &Store) {
    let memory = store.memory();
    assert_eq!(memory.phone(mac(1)).unwrap().secret.expose_secret(), "secret-1");
    let grace = memory.user(&"1002".parse().unwrap()).unwrap();
    assert_eq!(grace.pin.as_ref().unwrap().secret().expose_secret(), "8765");
    assert_eq!(grace.name, "Grace Höpper");
    assert_eq!(memory.session(mac(1)), Some(&session(1, "1002")));
    assert_eq!(memory.seats(&grace.extension), [mac(1)]);
    assert!(memory.group(&grace.groups[0]).unwrap().contains(&grace.extension));
}

#[tokio::test]
async fn a_job_that_fails_or_panics_takes_nothing_of_the_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let good =
        (1..=50).map(|last| {
            let store = store.clone();
            async move {
                store.write(async move |tx: &mut Tx<'_>| tx.save_phone(phone(last)).await).await
            }
        });
    let bad = (51..=60).map(|last| {
        let store = store.clone();
        async move {
            store
                .write(async move |tx: &mut Tx<'_>| {
                    tx.save_phone(phone(last)).await?;
                    assert!(last % 2 == 0, "planted");
                    Err::<(), _>(sqlx::Error::RowNotFound)
                })
                .await
        }
    });
    let (good, bad) =
        tokio::join!(futures_util::future::join_all(good), futures_util::future::join_all(bad));
    assert!(good.iter().all(Result::is_ok));
    assert!(bad.iter().all(Result::is_err));
    let here = |store: &Store| {
        let mut macs: Vec<Mac> = store.memory().phones().map(|phone| phone.mac).collect();
        macs.sort();
        macs
    };
    let expected: Vec<Mac> = (1..=50).map(mac).collect();
    assert_eq!(here(&store), expected);
    drop(store);
    assert_eq!(here(&Store::open(folder.path()).await.unwrap()), expected);
}

#[tokio::test]
async fn what_is_told_is_already_seen() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let mut happenings = store.happenings();
    fill(&store).await;
    assert!(store.memory().session(mac(1)).is_some());
    assert_eq!(happenings.try_recv().unwrap().what, Happening::PhoneSaved { phone: mac(1) });
}

#[tokio::test]
async fn a_newer_wanted_row_replaces_and_outlives_an_older() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let wanted = |value: &str| Wanted {
        kind: WantedKind::Resync,
        target: mac(1).to_string(),
        value: value.into(),
        since: at(1),
        expires: None,
        attempts: Attempts::default(),
    };
    let (old, new) = (wanted("a"), wanted("b"));
    let (first, second) = (old.clone(), new.clone());
    store
        .write(async move |tx: &mut Tx<'_>| {
            tx.want(first.clone()).await?;
            tx.want(second.clone()).await?;
            tx.settle(&first).await
        })
        .await
        .unwrap();
    assert_eq!(rows(&store), std::slice::from_ref(&new));
    store.write(async move |tx: &mut Tx<'_>| tx.settle(&new).await).await.unwrap();
    assert_eq!(store.memory().wanted().count(), 0);
}

/// What is wanted now.
fn rows(store: &Store) -> Vec<Wanted> {
    store.memory().wanted().map(|row| Wanted::clone(row)).collect()
}

#[tokio::test]
async fn attempts_outlive_a_restart_and_end_with_what_they_were_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let wanted = |since| Wanted {
        kind: WantedKind::Resync,
        target: mac(1).to_string(),
        value: "nobody".into(),
        since: at(since),
        expires: None,
        attempts: Attempts::default(),
    };
    let attempts =
        Attempts { tries: 5, told: Some(at(70)), restarted: true, not_shown: Some(at(90)) };
    let (old, new) = (wanted(1), wanted(2));
    let row = old.clone();
    let kept = store.write(async move |tx: &mut Tx<'_>| {
        tx.want(row.clone()).await?;
        tx.attempted(&row, attempts).await
    });
    assert!(kept.await.unwrap());
    assert_eq!(rows(&store), [Wanted { attempts, ..old.clone() }]);
    drop(store);
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(rows(&store), [Wanted { attempts, ..old.clone() }]);
    // Something newer begins anew, and what was done for the older says nothing of it.
    let row = new.clone();
    let kept = store.write(async move |tx: &mut Tx<'_>| {
        tx.want(row.clone()).await?;
        tx.attempted(&old, attempts).await
    });
    assert!(!kept.await.unwrap());
    assert_eq!(rows(&store), std::slice::from_ref(&new));
    drop(store);
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(rows(&store), [new]);
}

#[tokio::test]
async fn nothing_is_wanted_of_a_phone_that_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store).await;
    let wanted = |kind| Wanted {
        kind,
        target: mac(1).to_string(),
        value: "v".into(),
        since: at(1),
        expires: None,
        attempts: Attempts::default(),
    };
    let written = store.write(async move |tx: &mut Tx<'_>| {
        for kind in WantedKind::ALL {
            tx.want(wanted(kind)).await?;
        }
        tx.end_session(mac(1)).await?;
        tx.remove_phone(&phone(1), at(9)).await
    });
    written.await.unwrap();
    assert_eq!(rows(&store), []);
}

#[tokio::test]
async fn who_was_removed_is_remembered_as_ours() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store).await;
    store
        .write(async |tx: &mut Tx<'_>| {
            tx.end_session(mac(1)).await?;
            tx.remove_phone(&phone(1), at(9)).await?;
            tx.remove_user(&"1002".parse().unwrap(), at(9)).await
        })
        .await
        .unwrap();
    let check = |store: &Store| {
        let memory = store.memory();
        assert!(memory.is_retired("0004132a0001") && memory.is_retired("1002"));
        assert!(memory.phone(mac(1)).is_none() && memory.sessions().next().is_none());
    };
    check(&store);
    drop(store);
    let store = Store::open(folder.path()).await.unwrap();
    check(&store);
    fill(&store).await;
    assert!(!store.memory().is_retired("0004132a0001"));
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).await.unwrap());
    let file = folder.path().join("hotdeskd.db");
    let mut connection = options(&file).unwrap().connect().await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) SELECT 999, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    // The store closes in a thread of its own; the last to close takes the log into the file and away.
    while folder.path().join("hotdeskd.db-wal").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = std::fs::read(&file).unwrap();
    let error = Store::open(folder.path()).await.err().unwrap();
    assert!(matches!(error, OpenError::Newer { version: 999 }), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_store_whose_key_is_gone_or_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store).await;
    drop(store);
    let key = folder.path().join("secret.key");
    std::fs::rename(&key, folder.path().join("away")).unwrap();
    assert!(matches!(
        Store::open(folder.path()).await.err().unwrap(),
        OpenError::Vault(VaultError::File { .. })
    ));
    assert!(!key.exists());
    drop(Vault::open(&key, true).unwrap());
    assert!(matches!(Store::open(folder.path()).await.err().unwrap(), OpenError::Row(_)));
}

#[tokio::test]
async fn a_store_that_is_missing_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).await.unwrap());
    let file = folder.path().join("hotdeskd.db");
    std::fs::remove_file(&file).unwrap();
    let error = Store::open(folder.path()).await.err().unwrap();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    assert!(!file.exists());
}

/// What is there when the first start was cut off after each of its steps.
#[tokio::test]
async fn a_first_start_that_was_cut_off_is_begun_again() {
    for names in
        [&["hotdeskd.db"][..], &["hotdeskd.db", "secret.key.new"], &["hotdeskd.db", "secret.key"]]
    {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            match *name {
                "secret.key" => drop(Vault::open(&path, true).unwrap()),
                _ => std::fs::write(&path, "").unwrap(),
            }
        }
        fill(&Store::open(folder.path()).await.unwrap()).await;
        let again = Store::open(folder.path()).await.unwrap();
        assert!(again.memory().phones().count() > 0, "{names:?}");
        assert!(!folder.path().join("secret.key.new").exists(), "{names:?}");
    }
}

#[tokio::test]
async fn a_store_that_somebody_else_holds_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let mut other = options(&folder.path().join("hotdeskd.db")).unwrap().connect().await.unwrap();
    let held = sqlx::Connection::begin_with(&mut other, "BEGIN IMMEDIATE").await.unwrap();
    let writing = store.write(async |tx: &mut Tx<'_>| tx.save_phone(phone(1)).await);
    let freeing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.rollback().await.unwrap();
    };
    let (written, ()) = tokio::join!(writing, freeing);
    written.unwrap();
    assert!(store.memory().phone(mac(1)).is_some());
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_again_once_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let mut other = options(&folder.path().join("hotdeskd.db")).unwrap().connect().await.unwrap();
    // As for a full disk SQLite gives up the whole transaction, not just the statement.
    sqlx::query(
        "CREATE TRIGGER full BEFORE INSERT ON phones BEGIN SELECT RAISE(ROLLBACK, 'full'); END",
    )
    .execute(&mut other)
    .await
    .unwrap();
    let save = |last| store.write(async move |tx: &mut Tx<'_>| tx.save_phone(phone(last)).await);
    save(1).await.unwrap_err();
    save(2).await.unwrap_err();
    sqlx::query("DROP TRIGGER full").execute(&mut other).await.unwrap();
    save(3).await.unwrap();
    assert_eq!(store.memory().phones().map(|phone| phone.mac).collect::<Vec<_>>(), [mac(3)]);
}

#[tokio::test]
async fn what_a_redirection_service_was_told_outlives_the_phone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let row = Redirection {
        phone: mac(1),
        service: "snom".into(),
        state: RedirectionState::Registering,
        digest: "new".into(),
        old_digest: Some("old".into()),
        reason: None,
        at: at(5),
        registered: Some(at(3)),
    };
    let told = row.clone();
    let told = store.write(async move |tx: &mut Tx<'_>| {
        tx.save_phone(phone(1)).await?;
        tx.save_redirection(told.clone()).await?;
        tx.save_redirection(Redirection { service: "other".into(), ..told.clone() }).await?;
        tx.save_redirection(Redirection { old_digest: None, ..told.clone() }).await?;
        tx.save_redirection(told.clone()).await?;
        tx.forget_redirection(mac(1), "other").await?;
        tx.remove_phone(&phone(1), at(6)).await
    });
    told.await.unwrap();
    assert_eq!(store.memory().redirections_of(mac(1)), std::slice::from_ref(&row));
    drop(store);
    let again = Store::open(folder.path()).await.unwrap();
    assert_eq!(again.memory().redirections().collect::<Vec<_>>(), [&row]);
}
