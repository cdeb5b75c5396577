//! Where a call to a user rings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Domain, Extension, Mac, SipIdentity};

/// Where calls go to while a user is nowhere: `voicemail`, or a number that is dialled in the
/// operator's own context (a mobile, a colleague).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AwayDestination {
    /// The call fails as *not registered*, and the caller's dialplan goes on to voicemail.
    #[default]
    Voicemail,
    /// A number of 2 to 24 digits, `*`, `#`, or a leading `+`.
    Number(Box<str>),
}

impl FromStr for AwayDestination {
    type Err = InvalidAwayDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "voicemail" {
            return Ok(Self::Voicemail);
        }
        let number = text.strip_prefix('+').unwrap_or(text);
        let dialable = number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#'));
        if (2..=24).contains(&number.len()) && dialable {
            Ok(Self::Number(text.into()))
        } else {
            Err(InvalidAwayDestination)
        }
    }
}

impl fmt::Display for AwayDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voicemail => f.write_str("voicemail"),
            Self::Number(number) => f.write_str(number),
        }
    }
}

impl TryFrom<String> for AwayDestination {
    type Error = InvalidAwayDestination;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AwayDestination> for String {
    fn from(away: AwayDestination) -> Self {
        away.to_string()
    }
}

/// The text names no away destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `voicemail` or a number to dial: 2 to 24 digits, `*` or `#`, with or without a leading `+`"
)]
pub struct InvalidAwayDestination;

/// A name as it may stand in a dial-string: letters, digits, space and `.-'`, at most 60 characters.
///
/// Everything else becomes a space, and spaces are folded, because FreeSWITCH expands `${…}` and
/// splits at delimiters in what it dials (`facts/freeswitch.md`).
pub fn spoken_name(name: &str) -> String {
    // Combining marks too, or a decomposed `é` would lose its accent.
    let mark = |c: char| matches!(c, '\u{300}'..='\u{36f}' | '\u{1dc0}'..='\u{1dff}');
    let letter = |c: char| c.is_alphanumeric() || mark(c) || matches!(c, '.' | '-' | '\'');
    let kept = |c: char| if letter(c) { c } else { ' ' };
    let replaced: String = name.chars().map(kept).take(240).collect();
    let folded = replaced.split_whitespace().collect::<Vec<_>>().join(" ");
    folded.chars().take(60).collect::<String>().trim_end().to_owned()
}

/// What rings when a user is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rings<'a> {
    /// The phones where the user sits.
    pub phones: &'a [Mac],
    /// The DECT handsets that are the user's.
    pub handsets: &'a [SipIdentity],
    /// Whether the user has a registration of the own.
    pub softphone: bool,
}

/// The dial-string of a user: everything in `rings` rings together; `away` is where the call goes when nothing does.
///
/// The callee ID is the person's, else the caller would be shown the phone's MAC address.
/// `context` is the operator's, in which an away number is dialled. (Forms tried on a running
/// FreeSWITCH: `facts/freeswitch.md`, "Phones register as themselves".)
pub fn dial_string(
    user: &Extension,
    name: &str,
    domain: &Domain,
    rings: Rings<'_>,
    away: &AwayDestination,
    context: &str,
) -> String {
    let Rings { phones, handsets, softphone } = rings;
    let mut ring: Vec<String> = phones.iter().map(|mac| contact(mac, domain)).collect();
    ring.extend(handsets.iter().map(|handset| contact(handset, domain)));
    if softphone {
        ring.push(contact(user, domain));
    }
    let mut targets = ring.join(",");
    match away {
        AwayDestination::Voicemail if targets.is_empty() => {
            return "error/user_not_registered".into();
        }
        AwayDestination::Voicemail => {}
        // Somebody at a desk is not away; a softphone or a handset may be switched off, and is tried first.
        AwayDestination::Number(_) if !phones.is_empty() => {}
        AwayDestination::Number(number) => {
            let separator = if targets.is_empty() { "" } else { "|" };
            targets = format!("{targets}{separator}loopback/{number}/{context}/XML");
        }
    }
    let mut prefix = format!(
        "{{^^:sip_invite_domain={domain}:presence_id={user}@{domain}:origination_callee_id_number={user}"
    );
    let mut name = spoken_name(name);
    // To FreeSWITCH two apostrophes are a pair of quotes, which it takes away: "ONeil dArc".
    if name.matches('\'').count() > 1 {
        name = name.replace('\'', "\u{2019}");
    }
    if !name.is_empty() {
        prefix.push_str(&format!(":origination_callee_id_name={name}"));
    }
    format!("{prefix}}}{targets}")
}

/// The contact of a registration, to be looked up by FreeSWITCH when it dials.
fn contact(identity: &impl fmt::Display, domain: &Domain) -> String {
    format!("${{sofia_contact(*/{identity}@{domain})}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(phones: &[&str], softphone: bool, away: &str) -> String {
        let phones: Vec<Mac> = phones.iter().map(|mac| mac.parse().unwrap()).collect();
        let domain = "hotdesk.test".parse().unwrap();
        let away = away.parse().unwrap();
        dial_string(
            &"1001".parse().unwrap(),
            "Ada Lovelace",
            &domain,
            Rings { phones: &phones, handsets: &[], softphone },
            &away,
            "default",
        )
    }

    const ADA: &str = "{^^:sip_invite_domain=hotdesk.test:presence_id=1001@hotdesk.test:origination_callee_id_number=1001:origination_callee_id_name=Ada Lovelace}";

    #[test]
    fn every_phone_where_somebody_is_rings() {
        assert_eq!(
            dial(&["0004132a0001", "0004132a0002"], false, "voicemail"),
            format!(
                "{ADA}${{sofia_contact(*/0004132a0001@hotdesk.test)}},${{sofia_contact(*/0004132a0002@hotdesk.test)}}"
            )
        );
        assert_eq!(
            dial(&["0004132a0001"], true, "0664123"),
            format!(
                "{ADA}${{sofia_contact(*/0004132a0001@hotdesk.test)}},${{sofia_contact(*/1001@hotdesk.test)}}"
            )
        );
    }

    #[test]
    fn a_handset_rings_besides_the_phones_and_is_tried_before_a_mobile() {
        let phones = ["0004132a0001".parse().unwrap()];
        let handsets = ["0004139000aa-2".parse().unwrap()];
        let dial = |rings: Rings<'_>, away: &str| {
            let (ada, domain) = ("1001".parse().unwrap(), "hotdesk.test".parse().unwrap());
            let away = away.parse().unwrap();
            dial_string(&ada, "Ada Lovelace", &domain, rings, &away, "default")
        };
        assert_eq!(
            dial(Rings { phones: &phones, handsets: &handsets, softphone: true }, "0664123"),
            format!(
                "{ADA}${{sofia_contact(*/0004132a0001@hotdesk.test)}},${{sofia_contact(*/0004139000aa-2@hotdesk.test)}},${{sofia_contact(*/1001@hotdesk.test)}}"
            )
        );
        let only = Rings { handsets: &handsets, ..Rings::default() };
        let rings = format!("{ADA}${{sofia_contact(*/0004139000aa-2@hotdesk.test)}}");
        assert_eq!(dial(only, "voicemail"), rings);
        assert_eq!(dial(only, "0664123"), format!("{rings}|loopback/0664123/default/XML"));
    }

    #[test]
    fn somebody_who_is_nowhere_is_away() {
        assert_eq!(dial(&[], false, "voicemail"), "error/user_not_registered");
        assert_eq!(dial(&[], false, "+436641"), format!("{ADA}loopback/+436641/default/XML"));
        assert_eq!(
            dial(&[], true, "0664123"),
            format!("{ADA}${{sofia_contact(*/1001@hotdesk.test)}}|loopback/0664123/default/XML")
        );
    }

    #[test]
    fn a_name_loses_what_freeswitch_would_run_or_split_at() {
        for (name, spoken) in [
            ("Ada Lovelace", "Ada Lovelace"),
            ("Sons ${system(touch x)}", "Sons system touch x"),
            ("$${domain}", "domain"),
            ("^^|a=b", "a b"),
            ("x]]>y\r\nz", "x y z"),
            ("Søren O'Brien-Höpper Jr.", "Søren O'Brien-Höpper Jr."),
            ("名前 😀", "名前"),
            ("Rene\u{301}e", "Rene\u{301}e"),
            ("\u{0}\u{202e}", ""),
        ] {
            assert_eq!(spoken_name(name), spoken);
        }
        assert_eq!(spoken_name(&"x".repeat(10_000)).len(), 60);
    }

    /// Seen on a running FreeSWITCH: the caller was shown "ONeil dArc".
    #[test]
    fn a_name_in_a_dial_string_has_no_pair_of_quotes() {
        let ada: Extension = "1001".parse().unwrap();
        let domain = "hotdesk.test".parse().unwrap();
        for (name, shown) in [
            ("O'Neil d'Arc", "O\u{2019}Neil d\u{2019}Arc"),
            ("Pat O'Brien", "Pat O'Brien"),
            ("'", "'"),
        ] {
            let phones = ["0004132a0001".parse().unwrap()];
            let away = AwayDestination::default();
            let rings = Rings { phones: &phones, ..Rings::default() };
            let dial = dial_string(&ada, name, &domain, rings, &away, "default");
            assert!(dial.contains(&format!("origination_callee_id_name={shown}}}")), "{dial}");
        }
    }

    #[test]
    fn an_away_destination_is_a_number_or_voicemail() {
        for text in ["", "1", "home", "0664 123", "${x}", "++43", "1,2"] {
            assert!(text.parse::<AwayDestination>().is_err(), "{text:?}");
        }
    }
}
