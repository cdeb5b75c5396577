use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use proptest::prelude::*;

use super::*;
use crate::http::curl::Served;

const PATH: &str = "/provision/index.php?mac=000413AABBCC&manuf=snom";

fn realm() -> Realm {
    Realm::new([7; 32], "hotdeskd", Duration::from_secs(60))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn secret(text: &str) -> Option<SecretString> {
    Some(SecretString::from(text))
}

/// Ada's password is being changed; Bob has none.
fn password_of(user: &str) -> Passwords {
    match user {
        "ada" => Passwords { current: secret("new:er"), other: secret("older") },
        "bob" => Passwords { current: secret(""), other: None },
        _ => Passwords::default(),
    }
}

fn check(realm: &Realm, authorization: &str, path: &str, second: i64) -> Presented {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(authorization.as_bytes()).unwrap();
    headers.insert(header::AUTHORIZATION, value);
    realm.check(&headers, &Method::GET, &path.parse().unwrap(), at(second), password_of)
}

/// A client's header, with the nonce of a challenge at second 0.
fn header_of(algorithm: Algorithm, user: &str, password: &str, qop: bool) -> String {
    let nonce = realm().nonce(PATH, at(0).as_second());
    let question = Question {
        algorithm,
        user,
        realm: "hotdeskd",
        method: "GET",
        uri: PATH,
        nonce: &nonce,
        count: qop.then_some(("00000001", "c0ffee")),
    };
    let response = question.answer(password);
    let qop = if qop { ", qop=auth, nc=00000001, cnonce=\"c0ffee\"" } else { "" };
    format!(
        "Digest username=\"{user}\", realm=\"hotdeskd\", nonce=\"{nonce}\", uri=\"{PATH}\", \
         algorithm={}, response=\"{response}\"{qop}",
        match algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    )
}

fn valid(user: &str) -> Presented {
    Presented::Valid { user: user.to_owned() }
}

#[test]
fn the_examples_of_the_rfcs_come_out() {
    let question = |algorithm, nonce, cnonce| Question {
        algorithm,
        user: "Mufasa",
        realm: "http-auth@example.org",
        method: "GET",
        uri: "/dir/index.html",
        nonce,
        count: Some(("00000001", cnonce)),
    };
    let (nonce, cnonce) = (
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    );
    // RFC 7616, section 3.9.1.
    assert_eq!(
        question(Algorithm::Md5, nonce, cnonce).answer("Circle of Life"),
        "8ca523f5e9506fed4657c9700eebdbec"
    );
    assert_eq!(
        question(Algorithm::Sha256, nonce, cnonce).answer("Circle of Life"),
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    );
    // RFC 2617, section 3.5; and RFC 2069, section 2.4, with its erratum 749.
    let old = Question {
        realm: "testrealm@host.com",
        ..question(Algorithm::Md5, "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b")
    };
    assert_eq!(old.answer("Circle Of Life"), "6629fae49393a05397450978507c4ef1");
    let oldest = Question { count: None, ..old };
    assert_eq!(oldest.answer("CircleOfLife"), "1949323746fe6a43ef61f9606e7febea");
}

#[test]
fn a_header_of_the_rfc_is_read_and_its_nonce_is_none_of_ours() {
    let realm = Realm::new([7; 16], "http-auth@example.org", Duration::from_secs(60));
    let header = "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
        uri=\"/dir/index.html\", algorithm=MD5, \
        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
        cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, \
        response=\"8ca523f5e9506fed4657c9700eebdbec\", \
        opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, header.parse().unwrap());
    let check = |path: &'static str, password: &str| {
        let passwords = Passwords { current: secret(password), other: None };
        let uri = Uri::from_static(path);
        realm.check(&headers, &Method::GET, &uri, at(0), |_| passwords)
    };
    assert_eq!(check("/dir/index.html", "Circle of Life"), Presented::Stale);
    assert_eq!(check("/dir/index.html", "Circle Of Life"), Presented::Wrong);
    assert_eq!(check("/dir/other.html", "Circle of Life"), Presented::Wrong);
}

#[test]
fn either_password_lets_in_while_they_are_changed_and_no_other() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        for qop in [true, false] {
            let presented = |user, password| {
                check(&realm(), &header_of(algorithm, user, password, qop), PATH, 5)
            };
            assert_eq!(presented("ada", "new:er"), valid("ada"));
            assert_eq!(presented("ada", "older"), valid("ada"));
            assert_eq!(presented("ada", "oldest"), Presented::Wrong);
            assert_eq!(presented("bob", ""), Presented::Wrong);
            assert_eq!(presented("eve", NOBODY), Presented::Wrong);
        }
    }
    for (given, presented) in [
        ("ada:new:er", valid("ada")),
        ("ada:older", valid("ada")),
        ("ada:", Presented::Wrong),
        ("bob:", Presented::Wrong),
        ("ada", Presented::Wrong),
        (&format!("eve:{NOBODY}"), Presented::Wrong),
    ] {
        let header = format!("basic {}", STANDARD.encode(given));
        assert_eq!(check(&realm(), &header, PATH, 5), presented, "{given}");
    }
}

#[test]
fn a_nonce_is_good_for_its_own_uri_and_a_minute() {
    let header = header_of(Algorithm::Md5, "ada", "older", true);
    assert_eq!(check(&realm(), &header, PATH, 60), valid("ada"));
    assert_eq!(check(&realm(), &header, PATH, 61), Presented::Stale);
    assert_eq!(check(&realm(), &header, PATH, -1), Presented::Stale, "from the future");
    let other_key = Realm::new([8; 32], "hotdeskd", Duration::from_secs(60));
    assert_eq!(check(&other_key, &header, PATH, 5), Presented::Stale, "after a restart");
    // The header's own URI is not the request's.
    assert_eq!(check(&realm(), &header, "/provision/index.php", 5), Presented::Wrong);
    let wrong = header_of(Algorithm::Md5, "ada", "oldest", true);
    assert_eq!(check(&realm(), &wrong, PATH, 61), Presented::Wrong, "stale only when right");
    // The nonce of another URI, taken along.
    let nonce = realm().nonce("/other", at(0).as_second());
    assert!(realm().is_good(&nonce, "/other", at(5)) && !realm().is_good(&nonce, PATH, at(5)));
}

#[test]
fn a_challenge_offers_digest_first_and_says_when_the_nonce_was_old() {
    let challenge = |stale| {
        let values = realm().challenge(&Uri::from_static(PATH), at(0), stale);
        values.map(|value| value.to_str().unwrap().to_owned())
    };
    let nonce = realm().nonce(PATH, at(0).as_second());
    let digest =
        format!("Digest realm=\"hotdeskd\", qop=\"auth\", nonce=\"{nonce}\", algorithm=MD5");
    assert_eq!(challenge(false), [digest.clone(), "Basic realm=\"hotdeskd\"".to_owned()]);
    assert_eq!(challenge(true)[0], format!("{digest}, stale=true"));
    let odd = Realm::new([0; 16], "a\"b\\\r\nc\u{e9}", Duration::ZERO);
    assert_eq!(odd.challenge(&Uri::from_static("/"), at(0), false)[1], "Basic realm=\"abc\"");
}

/// The answer to every request: 200 and the user, or 401 with the challenge.
async fn answer(State(realm): State<Arc<Realm>>, request: Request) -> Response {
    let now = Timestamp::now();
    let presented =
        realm.check(request.headers(), request.method(), request.uri(), now, password_of);
    if let Presented::Valid { user } = presented {
        return user.into_response();
    }
    let stale = presented == Presented::Stale;
    // Under `/slow` as if the client had taken a minute to come back, the first time.
    let slow = if request.uri().path() == "/slow" && !stale { 61 } else { 0 };
    let then = Timestamp::from_second(now.as_second() - slow).unwrap();
    let values = realm.challenge(request.uri(), then, stale).map(|v| (header::WWW_AUTHENTICATE, v));
    (StatusCode::UNAUTHORIZED, AppendHeaders(values), format!("{presented:?}")).into_response()
}

#[tokio::test]
async fn curl_is_let_in_by_digest_and_by_basic() {
    let router = Router::new().fallback(answer).with_state(Arc::new(realm()));
    let served = Served::plain(router).await;
    for scheme in ["--digest", "--basic", "--anyauth"] {
        for user in ["ada:new:er", "ada:older"] {
            assert_eq!(served.curl(&[scheme, "-u", user], PATH).await, "ada", "{scheme} {user}");
        }
        assert_eq!(served.curl(&[scheme, "-u", "ada:oldest"], PATH).await, "Wrong", "{scheme}");
        assert_eq!(served.curl(&[scheme, "-u", "eve:older"], PATH).await, "Wrong", "{scheme}");
    }
    assert_eq!(served.curl(&[], PATH).await, "None");
    // --anyauth takes Digest where both are offered: the password itself is never sent.
    let verbose = ["--anyauth", "-u", "ada:older", "-v", "--stderr", "-"];
    let told = served.curl(&verbose, PATH).await;
    assert!(told.contains("> Authorization: Digest username=\"ada\""), "{told}");
    assert!(!told.contains("Authorization: Basic"), "{told}");
    let put = ["--digest", "-u", "ada:older", "-X", "PUT", "-d", "a log"];
    assert_eq!(served.curl(&put, "/log").await, "ada");
}

#[tokio::test]
async fn curl_comes_again_by_itself_when_its_nonce_was_old() {
    let router = Router::new().fallback(answer).with_state(Arc::new(realm()));
    let served = Served::plain(router).await;
    let told = |user| ["--digest", "-u", user, "-v", "--stderr", "-"];
    let right = served.curl(&told("ada:older"), "/slow").await;
    assert_eq!(right.matches("< HTTP/1.1 401").count(), 2, "{right}");
    assert_eq!(right.matches("stale=true").count(), 1, "{right}");
    assert_eq!(right.matches("< HTTP/1.1 200").count(), 1, "{right}");
    let wrong = served.curl(&told("ada:oldest"), "/slow").await;
    assert_eq!(wrong.matches("stale=true").count(), 0, "{wrong}");
}

proptest! {
    #[test]
    fn no_header_lets_in_or_panics(text in "\\PC{0,200}", scheme in "(Digest|Basic|digest)? ?") {
        prop_assert_eq!(check(&realm(), &format!("{scheme}{text}"), PATH, 5), Presented::Wrong);
    }

    #[test]
    fn bytes_that_are_no_text_are_wrong(bytes in proptest::collection::vec(128u8.., 1..80)) {
        let mut value = b"Digest username=".to_vec();
        value.extend(bytes);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(&value).unwrap());
        let presented =
            realm().check(&headers, &Method::GET, &Uri::from_static(PATH), at(5), password_of);
        prop_assert_eq!(presented, Presented::Wrong);
    }

    /// Whatever is changed, cut out or put in at one place, nobody else is let in, and nothing panics.
    #[test]
    fn a_changed_header_is_nobody_elses(
        at in 0usize..400,
        gone in 0usize..4,
        put in "[ -~]{0,4}",
        qop: bool,
        algorithm in prop_oneof![Just(Algorithm::Md5), Just(Algorithm::Sha256)],
    ) {
        let mut header = header_of(algorithm, "ada", "older", qop);
        let at = at.min(header.len());
        let to = (at + gone).min(header.len());
        header.replace_range(at..to, &put);
        let presented = check(&realm(), &header, PATH, 5);
        // Spaces, quotes and letter case may change and mean the same.
        prop_assert!(
            matches!(&presented, Presented::Wrong) || presented == valid("ada"),
            "{header}: {presented:?}"
        );
    }
}
