//! `call`: a rehearsal. Plays FreeSWITCH and a phone against the running daemon.

pub(super) mod outside;

use anyhow::{Context as _, anyhow, ensure};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use super::rehearsal::{self, Dial, Rehearsal, in_words};
use super::{Printed, demo, input};
use crate::config::Config;
use crate::model::Mac;
use crate::simulator::{self, FreeSwitch, Heard, XmlCurl};

/// Dials `number` at `phone`, types `keys` (`-`: from standard input) and prints what the caller hears.
///
/// The daemon is the real one: a login counts, and is in the journal.
///
/// # Errors
/// No daemon answers, or the phone is not known.
pub(super) async fn run(config: &Config, number: &str, phone: Mac, keys: &str) -> Printed {
    let keys = keys_of(keys, phone)?;
    let rehearsal = Rehearsal::new(switch(config).await?, config)?;
    let simulated = rehearsal::phone(phone, "");
    let setup = rehearsal.switch().authenticate_invite(&simulated, number).await;
    let setup = setup.with_context(|| {
        format!("FreeSWITCH does not get to know {phone} from {}: does `hotdeskd serve` run, and is the phone in `hotdeskd phones list`?", config.switch.address)
    })?;
    let who = setup.variables.iter().find(|(name, _)| name == "hotdesk_user");
    match who {
        Some((_, user)) => println!("{phone} is {user}'s (context {}).", setup.context),
        None => println!("{phone} is nobody's (context {}).", setup.context),
    }
    println!("It dials {number}.");
    let mut call = match rehearsal.dial(&simulated, number).await? {
        Dial::Dialplan(story) => {
            println!("{story}");
            return Ok(String::new());
        }
        Dial::Conversation(call) => call,
    };
    let mut lines = split(keys.expose_secret()).into_iter();
    while let Some(heard) = call.heard().await {
        println!("  {}", in_words(&heard));
        match heard {
            Heard::Keys { .. } => match lines.next() {
                Some(typed) => {
                    println!("  (types {} keys)", typed.len());
                    call.press(&typed).await;
                }
                None => call.wait_out(),
            },
            Heard::HungUp { cause } => {
                rehearsal.switch().clone().stop().await;
                return match cause.as_str() {
                    "NORMAL_CLEARING" => Ok(String::new()),
                    other => Err(anyhow!("the call ended with {other}").into()),
                };
            }
            _ => {}
        }
    }
    Err(anyhow!("the call came to no end").into())
}

/// The keys, each answer ended by `#`: on the command line others could read them, so there only the
/// demo's are taken.
fn keys_of(keys: &str, phone: Mac) -> anyhow::Result<SecretString> {
    if keys == "-" {
        return input::keys();
    }
    ensure!(
        keys.is_empty() || demo::is_sample(phone, keys),
        "keys on the command line can be read by everybody on this machine; give them on standard input with `--keys -`"
    );
    Ok(keys.into())
}

/// One answer for each question: what stands before a `#` with it, or a line.
fn split(keys: &str) -> Vec<String> {
    let mut answers = vec![String::new()];
    for key in keys.chars().filter(|key| key.is_ascii_digit() || matches!(key, '*' | '#' | '\n')) {
        if let Some(answer) = answers.last_mut().filter(|_| key != '\n') {
            answer.push(key);
        }
        if matches!(key, '#' | '\n') {
            answers.push(String::new());
        }
    }
    answers.retain(|answer| !answer.is_empty());
    answers
}

/// A simulated FreeSWITCH that asks the configured daemon, and takes the phone's word for who it is.
async fn switch(config: &Config) -> anyhow::Result<FreeSwitch> {
    let mut settings = simulator::Settings::new(config.domain.clone());
    let mut xml_curl = XmlCurl::new(format!("http://{}/freeswitch", config.switch.address));
    let user = config.switch_credentials.user.as_str().to_owned();
    xml_curl.credentials = Some((user, config.switch_password()?));
    settings.xml_curl = Some(xml_curl);
    settings.check_digests = false;
    let inbound = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    Ok(FreeSwitch::start(settings, inbound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_one_answer_for_each_question() {
        for (keys, answers) in [
            ("1001#4711#", vec!["1001#", "4711#"]),
            ("1001#\n4711#\n", vec!["1001#", "4711#"]),
            ("1001\n4711", vec!["1001", "4711"]),
            ("", vec![]),
            ("##", vec!["#", "#"]),
        ] {
            assert_eq!(split(keys), answers, "{keys:?}");
        }
    }
}
