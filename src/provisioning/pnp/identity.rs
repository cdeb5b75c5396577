//! Who asks, as the phone itself says. A hint and no proof: anybody can say so.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while_m_n};
use nom::character::complete::satisfy;
use nom::combinator::{eof, not, opt, peek, recognize};

use super::message::Request;
use crate::model::Mac;

/// The most bytes that are kept of what a phone says of itself.
const LONGEST: usize = 200;

/// What a SUBSCRIBE says of who sent it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Identity {
    /// The MAC address; an AudioCodes says none.
    pub mac: Option<Mac>,
    /// The vendor in the event, as it is spelt there.
    pub vendor: Option<String>,
    /// The User-Agent; where there is none, vendor, model and version of the event.
    pub agent: String,
}

impl Identity {
    /// Reads a request for the event `ua-profile`; `None` where it is for another.
    pub(super) fn of(request: &Request<'_>) -> Option<Self> {
        let (event, parameters) = request.event()?;
        if !event.eq_ignore_ascii_case("ua-profile") {
            return None;
        }
        let said = |name: &str| {
            let parameter = parameters.iter().find(|parameter| parameter.is(name))?;
            parameter.value.clone().filter(|value| !value.trim().is_empty())
        };
        let user_agent = request.headers.first("User-Agent");
        let contact = request.contact().map(|contact| contact.uri).unwrap_or_default();
        let mac = mac_in(request.uri)
            .or_else(|| mac_in(&request.from.uri))
            .or_else(|| mac_in(&contact))
            .or_else(|| said("mac")?.parse().ok())
            .or_else(|| mac_in(user_agent))
            .or_else(|| last_word(user_agent));
        let named = [said("vendor"), said("model"), said("version")];
        let named = named.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let agent = if user_agent.is_empty() { named } else { user_agent.to_owned() };
        Some(Self { mac, vendor: said("vendor"), agent: agent.chars().take(LONGEST).collect() })
    }
}

/// The MAC address behind the letters MAC: `MAC%3a…`, `MAC=…`, `MAC:…` or nothing between.
fn mac_in(text: &str) -> Option<Mac> {
    let starts = text.char_indices().map(|(at, _)| at);
    starts.filter_map(|at| text.get(at..)).find_map(|from| {
        let (_, digits) = marked(from).ok()?;
        digits.parse().ok()
    })
}

fn marked(input: &str) -> IResult<&str, &str> {
    let mark =
        (tag_no_case("mac"), opt(alt((tag_no_case("%3a"), tag("="), tag(":")))), opt(tag(" ")));
    let digits = take_while_m_n(12, 12, |c: char| c.is_ascii_hexdigit());
    // Part of a longer number is no MAC address.
    let ends = not(satisfy(|c| c.is_ascii_alphanumeric()));
    let (input, (_, digits, _)) = (mark, digits, ends).parse(input)?;
    Ok((input, digits))
}

/// A MAC address with colons at the end of a User-Agent, as newer Yealinks have it.
fn last_word(agent: &str) -> Option<Mac> {
    let word = agent.split_whitespace().next_back()?;
    let pair = || take_while_m_n(2, 2, |c: char| c.is_ascii_hexdigit());
    let colon = || tag(":");
    let colons = recognize((
        (pair(), colon(), pair(), colon(), pair(), colon()),
        (pair(), colon(), pair(), colon(), pair()),
    ));
    let read: IResult<&str, (&str, &str)> = (colons, peek(eof)).parse(word);
    read.ok()?.1.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_address_is_found_in_every_form_that_was_seen() {
        for text in [
            "sip:MAC%3a000413AABB01@intern.example.net",
            "sip:MAC%3A000413AABB01@224.0.1.75",
            "sip:MAC000413aabb01@224.0.1.75",
            "sip:MAC=000413aabb01@224.0.1.75:5060",
            "sip:mac:000413aabb01@local",
            "snomM700/03.23.0005 (MAC=000413AABB01; SER= 00000; HW=255)",
            "MAC: 000413AABB01",
        ] {
            assert_eq!(mac_in(text), Some("000413aabb01".parse().unwrap()), "{text}");
        }
        for text in [
            "sip:00000001@192.0.2.9",
            "sip:MAC%3a000413AABB0@x",
            "sip:MAC%3a000413AABB0123@x",
            "sip:MAC%3a000413AABB01ff@x",
            "sip:MAC%3a000000000000@x",
            "sip:MAC%3affffffffffff@x",
            "mac",
            "",
        ] {
            assert_eq!(mac_in(text), None, "{text}");
        }
        let t53 = "Yealink SIP-T53W 96.87.0.5 80:5e:c0:aa:00:01";
        assert_eq!(last_word(t53), Some("805ec0aa0001".parse().unwrap()));
        assert_eq!(last_word("Yealink W52P 25.81.0.10"), None);
        assert_eq!(last_word("Yealink 80:5e:c0:aa:00:01:02"), None);
    }
}
