//! The settings of a SIP profile that the design rests on; each was tried on a running FreeSWITCH
//! (`facts/freeswitch.md`).

use crate::model::Domain;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSetting {
    /// The name of the `<param>`.
    pub name: &'static str,
    /// What it must be.
    pub wanted: Wanted,
    /// What goes wrong otherwise, in a sentence.
    pub why: &'static str,
}

/// What a setting must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Exactly this value.
    Is(String),
    /// Not set, or set to something that covers no phone: only a person can judge which.
    Absent,
}

impl ProfileSetting {
    /// Whether a profile that has this value (`None`: not set) is as it must be. FreeSWITCH's words
    /// for true and false count as one.
    pub fn holds(&self, found: Option<&str>) -> bool {
        match (&self.wanted, found) {
            (Wanted::Absent, found) => found.is_none_or(str::is_empty),
            // The only one here whose default in FreeSWITCH is the right one.
            (Wanted::Is(_), None) => self.name == "accept-blind-auth",
            (Wanted::Is(wanted), Some(found)) => {
                let found = found.trim();
                wanted.eq_ignore_ascii_case(found)
                    || truth(wanted).is_some_and(|wanted| truth(found) == Some(wanted))
            }
        }
    }
}

/// The settings for a profile where phones of this domain register.
pub fn required_profile_settings(domain: &Domain) -> Vec<ProfileSetting> {
    let is =
        |name, value: &str, why| ProfileSetting { name, wanted: Wanted::Is(value.to_owned()), why };
    let domain = domain.as_str();
    vec![
        is(
            "auth-calls",
            "true",
            "without it nobody is asked for a password at an INVITE, and a call is nobody's",
        ),
        is(
            "inbound-reg-force-matching-username",
            "true",
            "without it a phone can register another phone's address with its own secret",
        ),
        is("accept-blind-auth", "false", "with it any password is right"),
        is(
            "challenge-realm",
            domain,
            "secrets are hashed over the domain; with another realm (auto_from, auto_to) a phone that \
             is configured by IP address cannot register",
        ),
        is(
            "force-register-domain",
            domain,
            "phones must be found under the domain, whatever host they were given",
        ),
        is(
            "force-register-db-domain",
            domain,
            "registrations must be kept under the domain, or calls to a phone do not find it",
        ),
        is("force-subscription-domain", domain, "busy lamps must be asked for under the domain"),
        ProfileSetting {
            name: "apply-inbound-acl",
            wanted: Wanted::Absent,
            why: "a phone that an ACL lets in is not looked up in the directory: no context, no caller ID",
        },
    ]
}

fn truth(text: &str) -> Option<bool> {
    let one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if one_of(&["yes", "on", "true", "t", "enabled", "active", "allow", "1"]) {
        Some(true)
    } else if one_of(&["no", "off", "false", "f", "disabled", "inactive", "disallow", "0"]) {
        Some(false)
    } else {
        None
    }
}
