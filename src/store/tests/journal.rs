use sqlx::Connection as _;

use super::*;

/// A store with these entries; each is who logged in where in which second.
async fn filled(folder: &Path, logins: &[(i64, u8, &'static str)]) -> Store {
    let store = Store::open(folder).await.unwrap();
    for (second, last, extension) in logins.iter().copied() {
        let (phone, user) = (mac(last), extension.parse::<Extension>().unwrap());
        store
            .write(async move |tx: &mut Tx<'_>| {
                let login = Happening::Login { phone, user: user.clone(), mode: LoginMode::Only };
                tx.journal(at(second), Actor::Command, login).await?;
                tx.journal(at(second), Actor::Command, Happening::PinSet { user: user.clone() })
                    .await
            })
            .await
            .unwrap();
    }
    store
}

fn all() -> JournalFilter {
    JournalFilter { limit: 100, ..JournalFilter::default() }
}

async fn seconds(store: &Store, filter: JournalFilter) -> Vec<i64> {
    store.journal(&filter).await.unwrap().iter().map(|entry| entry.at.as_second()).collect()
}

#[tokio::test]
async fn the_journal_is_looked_through_by_time_phone_user_and_kind() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), &[(10, 1, "1001"), (20, 2, "1002"), (30, 1, "1002")]).await;
    let what = vec!["login".parse().unwrap()];
    let logins = JournalFilter { what: what.clone(), ..all() };
    assert_eq!(seconds(&store, logins.clone()).await, [10, 20, 30]);
    assert_eq!(
        seconds(&store, JournalFilter { since: Some(at(20)), ..logins.clone() }).await,
        [20, 30]
    );
    let later = at(20) + jiff::SignedDuration::from_millis(1);
    assert_eq!(seconds(&store, JournalFilter { since: Some(later), ..logins.clone() }).await, [30]);
    assert_eq!(
        seconds(&store, JournalFilter { until: Some(at(20)), ..logins.clone() }).await,
        [10]
    );
    let user = Some("1002".parse().unwrap());
    assert_eq!(
        seconds(&store, JournalFilter { user: user.clone(), ..all() }).await,
        [20, 20, 30, 30]
    );
    let both = JournalFilter { user, phone: Some(mac(1)), ..all() };
    assert_eq!(seconds(&store, both).await, [30]);
    let two = vec!["login".parse().unwrap(), "pin-set".parse().unwrap()];
    assert_eq!(
        seconds(&store, JournalFilter { what: two, until: Some(at(11)), ..all() }).await,
        [10, 10]
    );
    let other = vec!["logout".parse().unwrap()];
    assert!(seconds(&store, JournalFilter { what: other, ..all() }).await.is_empty());
}

#[tokio::test]
async fn the_journal_is_read_by_pages_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), &[(10, 1, "1001"), (20, 2, "1002"), (30, 1, "1002")]).await;
    let some = |limit| JournalFilter { limit, ..JournalFilter::default() };
    let (mut forwards, mut after) = (Vec::new(), 0);
    loop {
        let filter = JournalFilter { after: Some(after), ..some(4) };
        let page = store.journal_page(&filter).await.unwrap();
        after = page.entries.last().unwrap().id;
        forwards.extend(page.entries);
        if !page.more {
            break;
        }
    }
    assert_eq!(forwards, store.journal(&all()).await.unwrap());
    let newest = store.journal_page(&some(4)).await.unwrap();
    assert!(newest.more && newest.entries == forwards[2..]);
    let before = Some(newest.entries[0].id);
    let older = store.journal_page(&JournalFilter { before, ..some(4) }).await.unwrap();
    assert!(!older.more && older.entries == forwards[..2]);
}

/// A clock that goes back makes no entry come before an older one.
#[tokio::test]
async fn entries_written_by_a_clock_that_went_back_are_found_by_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), &[(100, 1, "1001"), (50, 1, "1001"), (101, 1, "1001")]).await;
    let what = vec!["login".parse().unwrap()];
    assert_eq!(
        seconds(&store, JournalFilter { what: what.clone(), ..all() }).await,
        [100, 50, 101]
    );
    let early = JournalFilter { what, since: Some(at(40)), until: Some(at(60)), ..all() };
    assert_eq!(seconds(&store, early).await, [50]);
}

#[tokio::test]
async fn the_journal_forgets_what_is_old_in_steps_and_keeps_the_newest_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), &[(10, 1, "1001"), (20, 2, "1002"), (30, 1, "1002")]).await;
    let forget = async |before: i64, most| {
        let forgotten =
            store.write(async move |tx: &mut Tx<'_>| tx.forget_journal(at(before), most).await);
        forgotten.await.unwrap()
    };
    assert_eq!(forget(30, 3).await, 3);
    assert_eq!(seconds(&store, all()).await, [20, 30, 30]);
    assert_eq!(forget(30, 3).await, 1);
    assert_eq!(forget(30, 3).await, 0);
    assert_eq!(forget(1_000, 3).await, 1);
    assert_eq!(seconds(&store, all()).await, [30]);
}

/// The table itself says no, whoever asks: also another program that has the file.
#[tokio::test]
async fn nobody_changes_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), &[(10, 1, "1001"), (20, 2, "1002")]).await;
    let mut other = options(&folder.path().join("hotdeskd.db")).unwrap().connect().await.unwrap();
    for statement in [
        "UPDATE journal SET entry = '{}'",
        "UPDATE journal SET at = 0 WHERE phone IS NOT NULL",
        "DELETE FROM journal",
        "DELETE FROM journal WHERE id = (SELECT MIN(id) FROM journal)",
        "REPLACE INTO journal (id, at, what, entry) SELECT MAX(id), 0, '', '{}' FROM journal",
        "REPLACE INTO journal (id, at, what, entry) SELECT MIN(id), 0, '', '{}' FROM journal",
        "INSERT INTO journal (id, at, what, entry) SELECT MIN(id) + 1, 0, '', '{}' FROM journal",
    ] {
        let refused = sqlx::query(statement).execute(&mut other).await.unwrap_err().to_string();
        assert!(refused.contains("the journal only grows"), "{statement}: {refused}");
    }
    other.close().await.unwrap();
    assert_eq!(seconds(&store, all()).await, [10, 10, 20, 20]);
}

/// What was written before there were kinds is found by them.
#[tokio::test]
async fn entries_from_before_the_kinds_are_found_by_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), &[(10, 1, "1001")]).await);
    let mut old = options(&folder.path().join("hotdeskd.db")).unwrap().connect().await.unwrap();
    for statement in [
        "DROP TRIGGER journal_only_grows",
        "DROP TRIGGER journal_does_not_change",
        "DROP TRIGGER journal_is_kept",
        "DROP TABLE journal_retention",
        "DROP INDEX journal_by_what",
        "DROP INDEX journal_by_time",
        "ALTER TABLE journal DROP COLUMN what",
        "ALTER TABLE phones DROP COLUMN logout",
        "ALTER TABLE phone_imports DROP COLUMN logout",
        "DROP TABLE phone_calls",
        "DROP TABLE calls_watched",
        "DROP TABLE emergency_calls",
        "DELETE FROM _sqlx_migrations WHERE version = 13",
    ] {
        sqlx::query(statement).execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let what = vec!["pin-set".parse().unwrap()];
    assert_eq!(seconds(&store, JournalFilter { what, ..all() }).await, [10]);
}
