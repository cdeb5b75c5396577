//! The phone book on a phone's display, fetched as a minibrowser does, by curl: searched, paged, for proven phones only.

use std::process::Command;
use std::time::Instant;

use serde_json::json;

use crate::support::{Office, PHONES, Plan};

/// How many entries the contacts file has, besides three of its own.
const MANY: usize = 10_000;

struct Book {
    office: Office,
    _contacts: tempfile::TempDir,
    /// The URL of a proven phone, without `/` at its end.
    url: String,
}

impl Book {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.csv");
        let mut csv = String::from(
            "name,number\nJürgen Groß,+43 1 555\n\"Ltd. <&> \"\"100%\"\"\",7000\nZoë O'Neil,7001\n",
        );
        (0..MANY).for_each(|at| csv += &format!("Contact {at:05},8{at:05}\n"));
        std::fs::write(&path, csv).unwrap();
        let provisioning = format!("contacts = \"{}\"", path.display());
        let office = Office::with(Plan { provisioning, ..Plan::default() }).await;
        let enrolment = format!("phones/{}/enrolment", PHONES[0].0);
        let shown = office.post(&enrolment, json!({ "show-url": true })).await;
        let url = shown["url"].as_str().unwrap();
        let (keyed, _) = url.split_once("/p/").unwrap();
        let key = url.strip_prefix(keyed).unwrap().trim_start_matches("/p/");
        let key = key.split('/').next().unwrap();
        let url = format!("{keyed}/p/{key}");
        Self { office, _contacts: folder, url }
    }

    /// What a phone that asks for this is shown; it is XML.
    fn shown(&self, path: &str, more: &[&str]) -> String {
        let (status, text) = curl(&format!("{}/{path}", self.url), more);
        assert_eq!(status, "200", "{path}: {text}");
        let place = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(place.path(), &text).unwrap();
        let told = Command::new("xmllint").arg("--noout").arg(place.path()).output().unwrap();
        assert!(told.status.success(), "{path}: {}", String::from_utf8_lossy(&told.stderr));
        text
    }
}

/// The status and the body.
fn curl(url: &str, more: &[&str]) -> (String, String) {
    let told = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--write-out", "\n%{http_code}", url])
        .args(more)
        .output()
        .expect("curl");
    let text = String::from_utf8(told.stdout).unwrap();
    let (text, status) = text.rsplit_once('\n').unwrap();
    (status.to_owned(), text.to_owned())
}

fn entries(shown: &str) -> usize {
    shown.matches("<DirectoryEntry>").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_looks_through_ten_thousand_contacts() {
    let book = Book::open().await;
    let first = book.shown("directory.xml", &[]);
    assert_eq!(entries(&first), 30);
    assert!(first.contains("<Name>Ada Lovelace</Name><Telephone>1001</Telephone>"), "{first}");
    // 10,000, three of their own, three users.
    assert!(first.contains(" 1/334</Title>"), "{first}");
    assert!(first.contains("/directory.xml?page=2</URL>") && !first.contains("page=0"), "{first}");
    // It follows the soft keys, as the phone does.
    let last = book.shown("directory.xml?page=334", &[]);
    assert_eq!(entries(&last), 16);
    assert!(last.contains("?page=333</URL>") && !last.contains("?page=335"), "{last}");
    assert_eq!(book.shown("directory.xml?page=335", &[]), last, "beyond the end is the end");
    // By POST too, which is what Snom's remote directory does.
    assert_eq!(book.shown("directory.xml", &["--data", "x=1"]), first);
    let remote = book.shown("remote.xml", &["--request", "POST"]);
    assert!(remote.contains("<tbook e=\"2\" version=\"2.0\">"), "{remote}");
    assert_eq!(remote.matches("<contact ").count(), 1_000, "what a phone takes");
    let find = book.shown("find.xml", &[]);
    assert!(find.contains(&format!("<URL>{}/directory.xml</URL>", book.url)), "{find}");

    let began = Instant::now();
    for at in 0..20 {
        let found = book.shown(&format!("directory.xml?q=contact+{at:02}&page=2"), &[]);
        assert_eq!(entries(&found), 30);
    }
    println!("a search with curl and xmllint takes {:?}", began.elapsed() / 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_typed_is_looked_for_and_never_more_than_text() {
    let book = Book::open().await;
    for (query, count, shown) in [
        ("q=j%C3%BCrgen", 1, "<Name>Jürgen Groß</Name>"),
        ("q=JURGEN%20gross", 1, "<Name>Jürgen Groß</Name>"),
        ("q=J%FCrgen", 1, "<Name>Jürgen Groß</Name>"),
        ("q=431555", 1, "<Telephone>+43 1 555</Telephone>"),
        ("q=100%25", 1, "<Name>Ltd. &lt;&amp;&gt; &quot;100%&quot;</Name>"),
        ("q=%3C", 1, "<Name>Ltd. &lt;&amp;&gt; &quot;100%&quot;</Name>"),
        ("q=zoe+o'n", 1, "<Name>Zoë O&#39;Neil</Name>"),
        ("q=", 30, "<Name>Ada Lovelace</Name>"),
        ("q=contact&page=x", 30, " 1/334</Title>"),
        ("q=%3C/Title%3E%5D%5D%3E", 0, "<Title>&lt;/Title&gt;]]&gt;</Title>"),
        ("q=%00%0D%0A%7B%7B7*7%7D%7D", 0, "{{7*7}}"),
        ("q=nobody&page=7", 0, "<SnomIPPhoneText>"),
    ] {
        let found = book.shown(&format!("directory.xml?{query}"), &[]);
        assert_eq!(entries(&found), count, "{query}: {found}");
        assert!(found.contains(shown), "{query}: {found}");
    }
    let more = book.shown("directory.xml?q=contact%20%26", &[]);
    assert_eq!(entries(&more), 0);
    let next = book.shown("directory.xml?q=0%201", &[]);
    assert!(next.contains("?q=0%201&amp;page=2</URL>"), "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_book_is_for_proven_phones_and_shows_who_is_new() {
    let book = Book::open().await;
    let (host, _) = book.url.split_once("/p/").unwrap();
    let bare = format!("{host}/provision/directory-{}.xml?q=ada", PHONES[0].0);
    for (url, status) in [
        (bare.as_str(), "401"),
        (&format!("{host}/p/nobodyskeynobodyskeynobody/directory.xml?q=ada"), "404"),
        (&format!("{host}/directory.xml"), "404"),
    ] {
        assert_eq!(curl(url, &[]), (status.to_owned(), String::new()), "{url}");
    }
    assert_eq!(entries(&book.shown("directory.xml?q=hedy", &[])), 0);
    book.office.user("1009", json!({ "name": "Hedy Lamarr" }), "").await;
    assert_eq!(entries(&book.shown("directory.xml?q=hedy", &[])), 1);
}
