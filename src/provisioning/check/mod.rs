//! `hotdeskd phones check`: what FreeSWITCH says of a phone, what it asked for, what it says of itself; and what of that
//! is not as it should be.
//!
//! | file | what |
//! | --- | --- |
//! | `judge` | what is found, compared with what is wanted; no IO |
//! | `web` | the phone's own web server, and a password that goes nowhere else |
//! | `digest` | HTTP Digest from the client's side |
//! | `snom` | the pages of a Snom |
//!
//! Only a Snom desk phone's pages are known (`/settings.xml`, `/log.htm`); other vendors' are not read.

mod digest;
mod judge;
mod snom;
mod web;

use std::net::IpAddr;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::compose::web_password;
use super::{Beside, Provisioning, WayView};
use crate::model::{Mac, NodeRegistrations, PhoneRequest};
use crate::store::DatabaseError;
pub use judge::{CheckLine, Verdict};
pub use snom::Difference;
use web::{Pages, Unread};

/// How many lines of a phone's log are shown.
const LOG_LINES: usize = 10;

/// What was found out about a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneCheck {
    /// Its way so far.
    pub way: WayView,
    /// What was looked at, a line each.
    pub lines: Vec<CheckLine>,
    /// Settings that are not as the phone was given them.
    pub settings: Vec<Difference>,
    /// The last lines of its own log, oldest first.
    pub log: Vec<String>,
    /// What FreeSWITCH says.
    pub nodes: Vec<NodeRegistrations>,
    /// What it asked last.
    pub last_request: Option<PhoneRequest>,
    /// How many things differ from what is wanted.
    pub differing: usize,
}

/// What a phone's own web pages say.
#[derive(Debug, Default)]
struct Said {
    /// How many settings were compared, and those that differ.
    settings: Option<(usize, Vec<Difference>)>,
    /// The lines of its log.
    log: Vec<String>,
    /// Whether it asked for the password.
    asked_for_password: bool,
}

/// Why nothing of a phone's web pages is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum NotRead {
    /// The settings say so.
    #[error("they are not read (`provisioning.web.read`)")]
    Off,
    /// No page of this vendor is known.
    #[error("hotdeskd does not read the pages of this vendor's phones")]
    Vendor,
    /// It is nowhere, so there is nobody to ask.
    #[error("they are asked only of a phone that is registered")]
    NotRegistered,
    /// Its address is not known to be its own.
    #[error(
        "FreeSWITCH sees it at {seen}, and it says that it is at {says}: a NAT or a proxy stands between, and the password goes to nobody else"
    )]
    Translated {
        /// The address that FreeSWITCH sees.
        seen: String,
        /// The one that the phone says.
        says: String,
    },
    /// The file that it should have cannot be made.
    #[error("its own file cannot be made: {0}")]
    Render(String),
    /// The phone did not let us.
    #[error("http://{0}: {1}")]
    Web(IpAddr, Unread),
}

impl Provisioning {
    /// Checks a phone; `None` where it is not in the inventory. `nodes` is what FreeSWITCH says now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn check(
        &self,
        phone: Mac,
        nodes: Vec<NodeRegistrations>,
        beside: Beside<'_>,
        now: Timestamp,
    ) -> Result<Option<PhoneCheck>, DatabaseError> {
        let requests = self.store().phone_requests(phone).await?;
        let said = self.ask_phone(phone, &nodes, now).await;
        let memory = self.store().memory();
        let Some(known) = memory.phone(phone) else { return Ok(None) };
        let way = self.way_view(&memory, known, beside, now);
        let last_request = requests.last().cloned();
        let facts = judge::Facts {
            way: &way,
            nodes: &nodes,
            contact: memory.contact(phone),
            last: last_request.as_ref(),
            shown: memory.shown(phone),
            seated: memory.session(phone).map(|session| &session.user),
            said: said.as_ref(),
        };
        let lines = facts.lines();
        let differing = lines.iter().filter(|line| line.verdict == Verdict::Differs).count();
        let (settings, log) = match said {
            Ok(Said { settings, log, .. }) => (settings.map(|(_, all)| all), log),
            Err(_) => (None, Vec::new()),
        };
        let settings = settings.unwrap_or_default();
        Ok(Some(PhoneCheck { way, lines, settings, log, nodes, last_request, differing }))
    }

    /// Reads the phone's own pages.
    async fn ask_phone(
        &self,
        mac: Mac,
        nodes: &[NodeRegistrations],
        now: Timestamp,
    ) -> Result<Said, NotRead> {
        let settings = self.site().settings.web;
        if !settings.read {
            return Err(NotRead::Off);
        }
        let password = {
            let memory = self.store().memory();
            let phone = memory.phone(mac).ok_or(NotRead::NotRegistered)?;
            let vendor = self.vendor_of(phone, None).ok_or(NotRead::Vendor)?;
            let said = memory.shown(mac).and_then(|shown| shown.model.clone());
            let is_desk_phone = vendor.model(phone.model.as_deref().or(said.as_deref())).hot_desk;
            if vendor.name() != snom::VENDOR || !is_desk_phone {
                return Err(NotRead::Vendor);
            }
            SecretString::from(web_password(self.store(), phone))
        };
        let address = own_address(nodes)?;
        let text = |secrets| self.render(mac, None, secrets, now).map(|rendered| rendered.text);
        let (wanted, hidden) = match (text(true), text(false)) {
            (Ok(wanted), Ok(hidden)) => (wanted, hidden),
            (Err(error), _) | (_, Err(error)) => return Err(NotRead::Render(error.to_string())),
        };
        let has_firmware = self.site().settings.firmware.is_some();
        let pages = Pages::new(address, settings, password);
        let failed = |why| NotRead::Web(address, why);
        let found = pages.get(snom::SETTINGS).await.map_err(failed)?;
        let compared = snom::compare(&wanted, &hidden, &found, has_firmware);
        let compared = compared.ok_or(NotRead::Web(address, Unread::Nonsense))?;
        // Its log is worth less than its settings: without it the check goes on.
        let log = pages.get(snom::LOG).await.map(|page| snom::log(&page, LOG_LINES));
        Ok(Said {
            settings: Some(compared),
            log: log.unwrap_or_default(),
            asked_for_password: pages.was_asked(),
        })
    }
}

/// The address of a phone that FreeSWITCH and the phone agree on.
fn own_address(nodes: &[NodeRegistrations]) -> Result<IpAddr, NotRead> {
    let mut all = nodes.iter().flat_map(|node| &node.registrations).peekable();
    let Some(first) = all.peek().copied() else { return Err(NotRead::NotRegistered) };
    let text = |address: Option<IpAddr>| address.map_or("?".to_owned(), |is| is.to_string());
    all.find_map(|one| one.own_address())
        .ok_or_else(|| NotRead::Translated { seen: text(first.address), says: text(first.contact) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RegisteredAs;

    fn node(registrations: &[(&str, &str)]) -> NodeRegistrations {
        let registered = |(seen, says): &(&str, &str)| RegisteredAs {
            profile: "internal".into(),
            address: seen.parse().ok(),
            contact: says.parse().ok(),
            agent: String::new(),
        };
        NodeRegistrations {
            node: "fs1".into(),
            trouble: None,
            registrations: registrations.iter().map(registered).collect(),
        }
    }

    #[test]
    fn the_password_goes_to_the_phone_and_to_no_nat_before_it() {
        let own = |registrations: &[(&str, &str)]| own_address(&[node(registrations)]);
        assert_eq!(own(&[("192.0.2.7", "192.0.2.7")]), Ok("192.0.2.7".parse().unwrap()));
        assert_eq!(own(&[]), Err(NotRead::NotRegistered));
        assert_eq!(own_address(&[]), Err(NotRead::NotRegistered));
        for (seen, says) in
            [("198.51.100.1", "192.0.2.7"), ("198.51.100.1", "phone.example.net"), ("", "")]
        {
            let told = own(&[(seen, says)]).unwrap_err();
            assert!(matches!(told, NotRead::Translated { .. }), "{told}");
        }
        // Also registered over something else: the one that is its own counts.
        let both = own(&[("198.51.100.1", "192.0.2.7"), ("192.0.2.7", "192.0.2.7")]);
        assert_eq!(both, Ok("192.0.2.7".parse().unwrap()));
    }
}
