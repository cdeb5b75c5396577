//! The helpdesk's browser: signs in at the operators' page and reads it.

use anyhow::{Context as _, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use secrecy::{ExposeSecret as _, SecretString};

use super::office::{Office, label};
use super::story::{scene, seen};
use crate::http::access::PasswordDigest;
use crate::http::admin::SessionView;

/// The name to sign in with.
pub(super) const NAME: &str = "helpdesk";

/// A password of this demo alone, and its hash.
pub(super) fn password() -> anyhow::Result<(SecretString, PasswordDigest)> {
    let password: SecretString = format!("{:016x}", rand::random::<u64>()).into();
    let digest =
        PasswordDigest::of(&password).map_err(|error| anyhow::anyhow!("hashing: {error}"))?;
    Ok((password, digest))
}

/// Signs in and looks whether the page says who sits where.
pub(super) async fn tell(office: &Office) -> anyhow::Result<()> {
    scene("The helpdesk looks at the page.");
    let url = office.page_url();
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(10))
        .build()?;
    let form = format!("name={NAME}&password={}", office.password.expose_secret());
    let answer = browser
        .post(format!("{url}sign-in"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await?;
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    ensure!(header(LOCATION.as_str()) == Some("/"), "the sign-in was refused");
    let cookie = header(SET_COOKIE.as_str()).and_then(|line| line.split(';').next());
    let cookie = cookie.context("no cookie after the sign-in")?.to_owned();
    let get = async |path: &str| {
        let answer = browser.get(format!("{url}{path}")).header(COOKIE, &cookie).send().await?;
        answer.error_for_status()?.text().await
    };
    let sessions: Vec<SessionView> = serde_json::from_str(&get("api/v1/sessions").await?)?;
    let page = get("").await?;
    ensure!(!sessions.is_empty(), "nobody sits anywhere");
    for session in &sessions {
        let place = label(&session.phone.to_string());
        ensure!(page.contains(place), "the page says nothing of {place}");
        ensure!(page.contains(&session.name), "the page says nothing of {}", session.name);
        seen(&format!("Signed in as {NAME}, it reads: {place}, {}.", session.name));
    }
    let why = get("phones/000413aa0012").await?;
    for word in ["Desk 12", "Its way", "shown as wanted", "What it asked"] {
        ensure!(why.contains(word), "the page of Desk 12 says nothing of {word:?}");
    }
    seen("The page of Desk 12 has its way from the inventory to the display, and what it asked.");
    Ok(())
}
