//! The phone behind a simulated FreeSWITCH: registers with what it was given, hears its NOTIFYs.

use hotdeskd::simulator::{AuthError, FreeSwitch, Settings, StaticDirectory};

use super::*;

const DIRECTORY: &str = r#"<domain name="hotdesk.test"><groups><group name="phones"><users>
  <user id="000413aabbcc"><params><param name="password" value="s3cret"/></params></user>
  <user id="0004f2aabbcc"><params><param name="password" value="s3cret"/></params></user>
</users></group></groups></domain>"#;

async fn freeswitch() -> FreeSwitch {
    let mut settings = Settings::new("hotdesk.test".parse().unwrap());
    settings.ticks = false;
    settings.static_directory = Some(StaticDirectory::new(|| Some(DIRECTORY.to_owned())));
    FreeSwitch::start(settings, TcpListener::bind("127.0.0.1:0").await.unwrap())
}

fn account(secret: &str) -> String {
    phone_settings(&format!(
        "<challenge_checksync>off</challenge_checksync>
         <user_name idx=\"1\" perm=\"R\">000413aabbcc</user_name>
         <user_pass idx=\"1\" perm=\"R\">{secret}</user_pass>
         <user_host idx=\"1\" perm=\"R\">hotdesk.test</user_host>"
    ))
}

/// Waits until it holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn a_phone_registers_with_the_secret_that_its_file_has() {
    let server = Server::start().await;
    let freeswitch = freeswitch().await;
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    assert!(freeswitch.attach(&phone));
    phone.boot().await;
    assert_eq!(phone.registration(), None, "it has no file yet");
    server.file("/f?000413AABBCC", account("wrong"));
    phone.boot().await;
    assert_eq!(phone.registration(), Some(Err(AuthError::WrongSecret)));
    server.file("/f?000413AABBCC", account("s3cret"));
    phone.boot().await;
    let registration = &freeswitch.registrations()[0];
    assert_eq!(registration.user, "000413aabbcc");
    assert_eq!(registration.agent, "snomD785/10.1.33.33");
    freeswitch.stop().await;
}

#[tokio::test]
async fn a_notify_makes_the_phone_fetch_in_the_background() {
    let server = Server::start().await;
    server.file("/f?000413AABBCC", account("s3cret"));
    let freeswitch = freeswitch().await;
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    freeswitch.attach(&phone);
    phone.boot().await;
    let label = "<user_realname idx=\"1\">Ann</user_realname>";
    server.file(
        "/f?000413AABBCC",
        account("s3cret").replace("</phone-s", &format!("{label}</phone-s")),
    );
    let first = freeswitch.registrations()[0].clone();
    freeswitch.api("sofia profile internal check_sync 000413aabbcc@hotdesk.test").await;
    until("the phone did not fetch", || phone.display().label.as_deref() == Some("Ann")).await;
    // That command says reboot: the phone took its registration back, and is a new one now.
    until("the phone did not come back", || {
        freeswitch.registrations().first().is_some_and(|row| row.call_id != first.call_id)
    })
    .await;
    let fetched = server.requests().len();
    freeswitch.api("sofia profile internal check_sync 0004f2aabbcc@hotdesk.test").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.requests().len(), fetched, "a NOTIFY for another phone");
    freeswitch.stop().await;
}

#[tokio::test]
async fn a_phone_that_forgot_everything_registers_no_longer() {
    let server = Server::start().await;
    server.file("/f?000413AABBCC", account("s3cret"));
    let freeswitch = freeswitch().await;
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    freeswitch.attach(&phone);
    phone.boot().await;
    assert_eq!(freeswitch.registrations().len(), 1);
    server.remove("/f?000413AABBCC");
    phone.forget().await;
    phone.boot().await;
    assert!(freeswitch.registrations().is_empty());
    freeswitch.stop().await;
}
