//! The number that calls: what it is, and how a database may spell it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, PhoneNumber};
use serde::{Deserialize, Serialize};

/// The longest text, in bytes, that may be a number with its blanks and brackets.
const LONGEST: usize = 64;
/// How many digits an E.164 number has; fewer are services and mistakes.
const E164_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// What FreeSWITCH, gateways and networks write where a number is withheld or there is none.
const ANONYMOUS: [&str; 12] = [
    "anonymous",
    "blocked",
    "caller-id-blocked",
    "no-number",
    "none",
    "out of area",
    "private",
    "restricted",
    "unavailable",
    "unknown",
    "withheld",
    "_undef_",
];

/// The country whose numbers are written without its code: `AT`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HomeCountry(Id);

impl HomeCountry {
    /// What is known of the country's numbers.
    fn metadata(self) -> Option<&'static Metadata> {
        DATABASE.by_id(self.0.as_ref())
    }
}

impl FromStr for HomeCountry {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Not by what is known of its numbers: to read that takes long, and few commands need it.
        text.parse().map(Self).map_err(|_| UnknownCountry)
    }
}

impl fmt::Display for HomeCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

impl fmt::Debug for HomeCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for HomeCountry {
    type Error = UnknownCountry;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HomeCountry> for String {
    fn from(country: HomeCountry) -> Self {
        country.to_string()
    }
}

/// The text names no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a country by its two capital letters, as in \"AT\"")]
pub struct UnknownCountry;

/// What a number is that begins neither with `+` nor with a prefix, and is too long for an internal one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlainNumbers {
    /// A number of the home country, as where there is no trunk prefix.
    National,
    /// A number with its country's code, of which the `+` was lost on the way.
    International,
    /// Nothing that could be asked for.
    Nothing,
}

/// How numbers are written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberPlan {
    /// The home country; without one only numbers with `+` or `00` are understood.
    pub country: Option<HomeCountry>,
    /// How many digits an internal number has at the most.
    pub internal_digits: u8,
    /// What a number without any prefix is; by the country where not set.
    pub plain_numbers: Option<PlainNumbers>,
}

impl NumberPlan {
    fn metadata(&self) -> Option<&'static Metadata> {
        self.country.and_then(HomeCountry::metadata)
    }

    /// What stands before a national number.
    fn trunk_prefix(&self) -> Option<&'static str> {
        self.metadata().and_then(Metadata::national_prefix).filter(|prefix| !prefix.is_empty())
    }

    /// What is dialled for `+`.
    fn international_prefix(&self) -> &'static str {
        let metadata = self.metadata();
        let preferred = metadata.and_then(Metadata::preferred_international_prefix);
        let only = metadata.and_then(Metadata::international_prefix).map(|only| only.as_str());
        let digits = |prefix: &&str| !prefix.is_empty() && is_digits(prefix);
        preferred.filter(digits).or(only.filter(digits)).unwrap_or("00")
    }

    /// What numbers without any prefix are: in a country without a trunk prefix, and in North America, where
    /// nobody shows it, national ones.
    fn plain(&self) -> PlainNumbers {
        let by_country = || match self.metadata() {
            Some(metadata) if self.trunk_prefix().is_none() || metadata.country_code() == 1 => {
                PlainNumbers::National
            }
            _ => PlainNumbers::Nothing,
        };
        self.plain_numbers.unwrap_or_else(by_country)
    }
}

/// A way to write a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
    /// `+4315550100`.
    E164,
    /// `4315550100`.
    Digits,
    /// `004315550100`.
    International,
    /// `015550100`, for numbers of the home country.
    National,
    /// `15550100`, for numbers of the home country.
    WithoutPrefix,
    /// As FreeSWITCH has it, blanks and all.
    AsDialled,
}

/// Who calls, as far as the number tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The number is withheld, or there is none.
    Anonymous,
    /// One of our own: an extension, a dial code, a SIP user.
    Internal,
    /// Nothing that could stand in a database.
    NotANumber,
    /// A number of the telephone network.
    Number(E164Number),
}

/// A number of the telephone network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct E164Number {
    /// Country code and number, digits only.
    digits: String,
    /// The number without the country code, where that is ours.
    home: Option<String>,
    /// As it came.
    dialled: String,
}

impl Caller {
    /// Who calls from `text`. `is_extension` says whether digits are one of our own numbers.
    pub fn of(text: &str, plan: &NumberPlan, is_extension: impl FnOnce(&str) -> bool) -> Self {
        let text = text.trim();
        let (bare, is_sip_address) = user_part(text);
        if is_anonymous(&bare) {
            return Self::Anonymous;
        }
        if is_sip_address || bare.starts_with(['*', '#']) || is_name(&bare) {
            return Self::Internal;
        }
        let Some(digits) = digits_of(&bare) else { return Self::NotANumber };
        if digits.bytes().all(|b| b == b'0') {
            // FreeSWITCH's 0000000000, and a `+` without digits.
            return Self::Anonymous;
        }
        let has_plus = bare.starts_with('+');
        let is_short = digits.len() <= usize::from(plan.internal_digits);
        if !has_plus && (is_short || is_extension(&digits)) {
            return Self::Internal;
        }
        match normalised(&bare, &digits, has_plus, plan) {
            Some((digits, home)) => {
                Self::Number(E164Number { digits, home, dialled: bare.into_owned() })
            }
            None => Self::NotANumber,
        }
    }
}

impl E164Number {
    /// The number in the one form that is the same everywhere: `+4315550100`.
    pub fn e164(&self) -> String {
        format!("+{}", self.digits)
    }

    /// The number in each of these spellings, none twice.
    pub fn spelled(&self, spellings: &[Spelling], plan: &NumberPlan) -> Vec<String> {
        let mut spelled = Vec::new();
        for spelling in spellings {
            let trunk = plan.trunk_prefix().unwrap_or_default();
            let text = match spelling {
                Spelling::E164 => Some(self.e164()),
                Spelling::Digits => Some(self.digits.clone()),
                Spelling::International => {
                    Some(format!("{}{}", plan.international_prefix(), self.digits))
                }
                Spelling::National => self.home.as_ref().map(|home| format!("{trunk}{home}")),
                Spelling::WithoutPrefix => self.home.clone(),
                Spelling::AsDialled => Some(self.dialled.clone()),
            };
            spelled.extend(text.filter(|text| !spelled.contains(text)));
        }
        spelled
    }
}

/// The number of a `tel:` URI or the user of a SIP address, and whether it was the latter.
fn user_part(text: &str) -> (Cow<'_, str>, bool) {
    let scheme = text.split_once(':').map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    let (scheme, rest) = match &scheme {
        Some((scheme, rest)) if matches!(&**scheme, "sip" | "sips" | "tel") => (&**scheme, *rest),
        _ => ("", text),
    };
    match rest.split_once('@') {
        Some((user, _)) => (Cow::Borrowed(user), true),
        None => {
            let user = rest.split(';').next().unwrap_or_default();
            let user = if scheme.is_empty() { rest } else { user };
            (Cow::Borrowed(user), scheme.starts_with("sip"))
        }
    }
}

fn is_anonymous(text: &str) -> bool {
    text.is_empty() || ANONYMOUS.iter().any(|form| text.eq_ignore_ascii_case(form))
}

/// Whether it is a SIP user's name, such as `ada` or a phone's MAC address.
fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    text.len() <= LONGEST
        && text.bytes().all(allowed)
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The digits of a number as people write it; `None` where anything else stands among them.
fn digits_of(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let number = text.strip_prefix('+').unwrap_or(text);
    let allowed =
        |c: char| c.is_ascii_digit() || matches!(c, ' ' | '\u{a0}' | '-' | '.' | '/' | '(' | ')');
    let is_number = number.chars().all(allowed);
    is_number.then(|| number.chars().filter(char::is_ascii_digit).collect())
}

/// Country code with number, and the number alone where the country is home.
///
/// Only what begins with `+` or a prefix is taken for what it looks like: `110` is a valid number of Germany to
/// the library, and so is `337123`.
fn normalised(
    text: &str,
    digits: &str,
    has_plus: bool,
    plan: &NumberPlan,
) -> Option<(String, Option<String>)> {
    let international = digits.strip_prefix(plan.international_prefix());
    let is_trunk = plan.trunk_prefix().is_some_and(|prefix| digits.starts_with(prefix));
    let country = plan.country.map(|HomeCountry(id)| id);
    let parsed = match (has_plus, international) {
        (true, _) => phonenumber::parse(None, text),
        (false, Some(number)) => phonenumber::parse(None, format!("+{number}")),
        (false, None) if is_trunk => phonenumber::parse(country, digits),
        (false, None) => match plan.plain() {
            PlainNumbers::National => phonenumber::parse(country, digits),
            PlainNumbers::International => phonenumber::parse(None, format!("+{digits}")),
            PlainNumbers::Nothing => return None,
        },
    };
    let number: PhoneNumber = parsed.ok()?;
    let national = number.national().to_string();
    let digits = format!("{}{national}", number.country().code());
    let is_home =
        plan.metadata().is_some_and(|home| home.country_code() == number.country().code());
    E164_DIGITS.contains(&digits.len()).then(|| (digits, is_home.then_some(national)))
}

#[cfg(test)]
#[path = "caller_number/tests.rs"]
mod tests;
