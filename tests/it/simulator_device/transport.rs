//! The phone as an HTTP client: 401, answers that do not fit, TLS.

use std::process::Stdio;

use md5::{Digest as _, Md5};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::*;

/// Whether a request opens a locked file; else what to offer next.
pub(super) enum Opens {
    Yes,
    No(Vec<String>),
}

/// Checks the credentials. The nonce of a challenge with `fresh` in it is taken; one with `old` was right
/// once and is stale now.
pub(super) fn opens(request: &Request, challenges: &[String], user: &str, password: &str) -> Opens {
    let no = || Opens::No(challenges.to_vec());
    let Some(sent) = request.header("authorization") else {
        return no();
    };
    let offered = |scheme: &str| challenges.iter().any(|challenge| challenge.starts_with(scheme));
    if sent.starts_with("Basic ") {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        return if offered("Basic") && sent == format!("Basic {pair}") { Opens::Yes } else { no() };
    }
    let value = |name: &str| {
        let from = sent.find(&format!(" {name}="))? + name.len() + 2;
        let rest = &sent[from..];
        let end = match rest.strip_prefix('"') {
            Some(inner) => inner.find('"')? + 2,
            None => rest.find(',').unwrap_or(rest.len()),
        };
        Some(rest[..end].trim_matches('"').to_owned())
    };
    let hex = |text: String| {
        Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let get = |name: &str| value(name).unwrap_or_else(|| panic!("no {name} in {sent}"));
    assert_eq!(get("uri"), request.target, "the URI is the one that was asked for");
    let ha1 = hex(format!("{user}:{}:{password}", get("realm")));
    let ha2 = hex(format!("{}:{}", request.method, request.target));
    let middle = format!("{}:{}:{}:auth", get("nonce"), get("nc"), get("cnonce"));
    let right = get("username") == user && get("response") == hex(format!("{ha1}:{middle}:{ha2}"));
    match (right, get("nonce").contains("old")) {
        (false, _) => no(),
        (true, false) => Opens::Yes,
        (true, true) => Opens::No(vec![digest("fresh").replace("qop", "stale=true, qop")]),
    }
}

fn digest(nonce: &str) -> String {
    format!("Digest realm=\"phones, all\", nonce=\"{nonce}\", qop=\"auth,auth-int\", opaque=\"o\"")
}

fn locked(challenges: &[String], password: &'static str) -> Reply {
    let file = phone_settings("<language>Deutsch</language>");
    Reply::Locked { challenges: challenges.to_vec(), user: "phone", password, file }
}

/// A phone that was given `http_client_user` and `http_client_pass`.
async fn with_credentials(server: &Server) -> Device {
    server.file(
        "/f?000413AABBCC",
        phone_settings(
            "<http_client_user>phone</http_client_user><http_client_pass>pa ss</http_client_pass>",
        ),
    );
    let phone = snom(format!("{}/f?{{mac}}", server.url));
    phone.boot().await;
    phone
}

#[tokio::test]
async fn a_401_is_answered_once_and_once_more_where_the_nonce_was_old() {
    let server = Server::start().await;
    let phone = with_credentials(&server).await;
    let basic = "Basic realm=\"phones\"".to_owned();
    for (challenges, password, expected) in [
        (vec![digest("fresh")], "pa ss", vec![401, 200]),
        (vec![digest("old")], "pa ss", vec![401, 401, 200]),
        (vec![basic.clone(), digest("fresh")], "pa ss", vec![401, 200]),
        (vec![basic.clone()], "pa ss", vec![401, 200]),
        (vec![digest("fresh")], "another", vec![401, 401]),
        (vec![basic.clone()], "another", vec![401, 401]),
        (vec!["Negotiate".to_owned()], "pa ss", vec![401]),
    ] {
        server.reply("/f?000413AABBCC", locked(&challenges, password));
        let boot = phone.boot().await;
        assert_eq!(statuses(&boot), expected, "{challenges:?} {password}");
        assert_eq!(boot.from.is_empty(), expected.last() == Some(&401));
    }
    let authorizations: Vec<_> =
        server.requests().iter().filter_map(|request| request.header("authorization")).collect();
    assert!(authorizations[..3].iter().all(|sent| sent.starts_with("Digest ")));
    assert!(authorizations[3].starts_with("Digest "), "Digest before Basic");
    assert!(authorizations[4].starts_with("Basic "));
}

#[tokio::test]
async fn a_phone_without_credentials_ends_at_the_401() {
    let server = Server::start().await;
    server.reply("/f?000413AABBCC", locked(&[digest("fresh")], "x"));
    let boot = snom(format!("{}/f?{{mac}}", server.url)).boot().await;
    assert_eq!(statuses(&boot), [401]);
}

#[tokio::test]
async fn answers_that_do_not_fit_change_nothing_and_hold_nobody_up() {
    let server = Server::start().await;
    let mut settings = settings(Vendor::Snom, "D785");
    settings.deadline = Duration::from_millis(1500);
    settings.dhcp = Some(format!("{}/f?{{mac}}", server.url));
    let file = phone_settings("<language>Deutsch</language>");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{file}\r\n0\r\n\r\n",
        file.len()
    );
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<settings/>".to_owned();
    for (reply, problem) in [
        (Reply::Raw(chunked), Problem::NoLength),
        (Reply::Raw("HTTP/1.1 200 OK\r\n\r\n<settings/>".into()), Problem::NoLength),
        (Reply::Raw(short), Problem::NoAnswer),
        (Reply::Raw("hello".into()), Problem::NoAnswer),
        (Reply::Endless("HTTP/1.1 200 OK\r\n\r\n"), Problem::NoLength),
        (Reply::Endless("HTTP/1.1 200 OK\r\nX: "), Problem::NoAnswer),
        (
            Reply::Endless("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
            Problem::TooLarge,
        ),
        (Reply::Silence, Problem::TooLate),
    ] {
        server.reply("/f?000413AABBCC", reply);
        let phone = Device::new(settings.clone()).unwrap();
        let boot = tokio::time::timeout(Duration::from_secs(10), phone.boot()).await.unwrap();
        assert_eq!(boot.requests[0].problem, Some(problem));
        assert!(!boot.changed && boot.from.is_empty());
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_vendors_own_server_not_asked() {
    let server = Server::start().await;
    server.file("/g", phone_settings("<language>Deutsch</language>"));
    let location =
        format!("HTTP/1.1 302 Found\r\nLocation: {}/g\r\nContent-Length: 0\r\n", server.url);
    server.reply("/f?000413AABBCC", Reply::Raw(location));
    let boot = snom(format!("{}/f?{{mac}}", server.url)).boot().await;
    assert_eq!(statuses(&boot), [302]);
    for url in
        ["https://secure-provisioning.snom.com/x{mac}", "ftp://192.0.2.1/x{mac}", "no url {mac}"]
    {
        let boot = snom(url.to_owned()).boot().await;
        assert_eq!(boot.requests[0].problem, Some(Problem::NotAsked), "{url}");
    }
}

/// A certificate of the test's own authority, for this common name.
fn certificate(issuer: &CertifiedIssuer<'_, KeyPair>, name: &str, host: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[tokio::test]
async fn openssl_lets_a_phone_in_that_shows_its_certificate_and_no_other() {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Test Phone CA");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let (server, server_key) = certificate(&issuer, "prov", "127.0.0.1");
    write("server.pem", &server);
    write("server.key", &server_key);
    write("ca.pem", &issuer.pem());
    write("file.xml", &ok(&phone_settings("<language>Deutsch</language>")));
    let mut openssl = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key"])
        .args(["-CAfile", "ca.pem", "-Verify", "1", "-verify_return_error", "-HTTP"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(openssl.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("openssl ended");
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            break address.to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    let mut settings = settings(Vendor::Snom, "D785");
    settings.dhcp = Some(format!("https://{address}/file.xml?{{mac}}").replace("?{mac}", ""));
    settings.ca = Some(issuer.pem());
    let boot = Device::new(settings.clone()).unwrap().boot().await;
    assert_eq!(boot.requests[0].problem, Some(Problem::NoAnswer), "no certificate");
    let (chain, key) = certificate(&issuer, "000413AABBCC", "phone");
    settings.certificate = Some(DeviceCertificate { chain, key: key.into() });
    assert_eq!(format!("{settings:?}").matches("PRIVATE").count(), 0);
    let boot = Device::new(settings.clone()).unwrap().boot().await;
    assert_eq!((boot.requests[0].status, boot.requests[0].problem), (200, None));
    assert!(boot.changed);
    // Told whom to believe, it believes nobody else; told nothing, a Snom believes everybody.
    let other =
        CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().unwrap())
            .unwrap();
    settings.ca = Some(other.pem());
    let boot = Device::new(settings.clone()).unwrap().boot().await;
    assert_eq!(boot.requests[0].problem, Some(Problem::NoAnswer));
    settings.ca = None;
    assert_eq!(Device::new(settings).unwrap().boot().await.requests[0].status, 200);
}

#[tokio::test]
async fn what_is_no_certificate_or_no_model_is_no_phone() {
    let good = settings(Vendor::Snom, "D785");
    let refused = |change: fn(&mut DeviceSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        Device::new(settings).err()
    };
    assert_eq!(
        refused(|s| s.ca = Some("-----BEGIN CERTIFICATE-----\nx".into())),
        Some(Error::Authorities)
    );
    assert_eq!(
        refused(|s| s.certificate =
            Some(DeviceCertificate { chain: "x".into(), key: "y".to_owned().into() })),
        Some(Error::Certificate)
    );
    assert_eq!(refused(|s| s.model = "D 785\r\n".into()), Some(Error::Model));
    assert_eq!(refused(|s| s.vendor = Vendor::Polycom), Some(Error::Model));
}
