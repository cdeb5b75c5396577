//! The messages: a call as XML, and an answer from XML. The only file that knows dxr.
//!
//! Answers are arrays of mixed types, whose length differs from method to method. What comes is somebody
//! else's: nothing of it is repeated but short words.

use dxr::{FaultResponse, MethodCall, MethodResponse, Value};

use crate::model::Mac;

/// How many letters of a service's own words are repeated.
const LONGEST_WORDS: usize = 200;

/// So many letters and digits in a row are a key rather than a word.
const SHORTEST_KEY: usize = 20;

/// The words of a service that says no, or that it does not understand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The phone is in somebody else's account.
    #[error("owned by somebody else")]
    Elsewhere,
    /// The service knows no such phone.
    #[error("the service does not have this phone")]
    NoSuchPhone,
    /// It does not take the MAC address.
    #[error("the service does not take this MAC address")]
    MalformedMac,
    /// It does not take the URL.
    #[error("the service does not take the phone's URL; see `provisioning.url`")]
    MalformedUrl,
    /// Something else.
    #[error("the service says: {0}")]
    Other(String),
}

/// What came instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A web page.
    #[error(
        "a web page came instead of an answer; is the path of the URL right, to its last slash?"
    )]
    Html,
    /// An answer that does not end, or none.
    #[error("the answer is no XML-RPC, or only a part of it")]
    Broken,
    /// A fault: the service does not know the method, or is not well.
    #[error("the service reports a fault: {text} ({code})")]
    Fault {
        /// Its number.
        code: i32,
        /// Its words, without what we said.
        text: String,
    },
    /// XML-RPC, but not what the method answers.
    #[error("the answer is not what this method answers")]
    Shape,
}

/// The XML of a call whose parameters are texts.
pub(super) fn call(method: &str, params: &[&str]) -> Option<String> {
    let params = params.iter().map(|text| Value::String((*text).to_owned())).collect();
    let xml = MethodCall { name: method.into(), params }.to_xml().ok()?;
    Some(format!("<?xml version=\"1.0\"?>{xml}"))
}

/// A MAC address as services want it.
pub(super) fn spelled(mac: Mac) -> String {
    mac.to_string().to_ascii_uppercase()
}

/// What an answer holds: the values of its array, or its one value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer(Vec<Value>);

impl Answer {
    /// Reads an answer.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let start: String = start.chars().take(15).collect::<String>().to_ascii_lowercase();
        if start.starts_with("<!doctype html") || start.starts_with("<html") {
            return Err(Unreadable::Html);
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        if let Ok(response) = MethodResponse::from_xml(text) {
            return Ok(match response.value {
                Value::Array(values) => Self(values),
                one => Self(vec![one]),
            });
        }
        match FaultResponse::from_xml(text) {
            Ok(FaultResponse { fault }) => {
                Err(Unreadable::Fault { code: fault.code(), text: words(fault.string()) })
            }
            Err(_) => Err(Unreadable::Broken),
        }
    }

    /// `[true, …]` or `[false, why]`: what stands behind `true`.
    pub(super) fn accepted(&self) -> Result<Result<&[Value], Refusal>, Unreadable> {
        match self.0.split_first() {
            Some((Value::Boolean(true) | Value::Integer(1), more)) => Ok(Ok(more)),
            Some((Value::Boolean(false) | Value::Integer(0), more)) => {
                let why = more.iter().find_map(text).unwrap_or_default();
                Ok(Err(refusal(why)))
            }
            _ => Err(Unreadable::Shape),
        }
    }

    /// `[true, company, url]`; or `[true, url]`, as one may expect.
    pub(super) fn url(&self) -> Result<Result<&str, Refusal>, Unreadable> {
        let values = match self.accepted()? {
            Ok(values) => values,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let last = values.last().and_then(text);
        last.map(Ok).ok_or(Unreadable::Shape)
    }

    /// A list of MAC addresses in any spelling; what is none is passed over. `[false, why]` where there is none.
    pub(super) fn phones(&self) -> Result<Result<Vec<Mac>, Refusal>, Unreadable> {
        match self.0.first() {
            Some(Value::Boolean(false)) => {
                let why = self.0.iter().find_map(text).unwrap_or_default();
                return Ok(Err(refusal(why)));
            }
            // Some wrap the list as other methods do: [true, mac, …] or [true, [mac, …]].
            Some(Value::Boolean(true) | Value::String(_) | Value::Array(_)) | None => {}
            Some(_) => return Err(Unreadable::Shape),
        }
        let mut phones = Vec::new();
        for value in &self.0 {
            let inner = match value {
                Value::Array(inner) => inner.as_slice(),
                one => std::slice::from_ref(one),
            };
            phones.extend(inner.iter().filter_map(text).filter_map(|mac| mac.parse::<Mac>().ok()));
        }
        Ok(Ok(phones))
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.trim()),
        _ => None,
    }
}

/// What a service means by its words. Snom says `Error:owned_by_other_user`, Gigaset `mac_already_in_use: …`.
fn refusal(told: &str) -> Refusal {
    let plain = told.to_ascii_lowercase();
    let plain = plain.trim().trim_start_matches("error:").trim_start();
    let word = plain.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).next();
    match word.unwrap_or_default() {
        "owned_by_other_user" | "mac_already_in_use" => Refusal::Elsewhere,
        "no_such_mac" | "mac_not_found" | "mac_not_exist" => Refusal::NoSuchPhone,
        "malformed_mac" | "mac_invalid" => Refusal::MalformedMac,
        "malformed_url" | "url_invalid" => Refusal::MalformedUrl,
        _ => Refusal::Other(words(told)),
    }
}

/// A service's own words, short, on one line, and without what is perhaps a phone's URL or the key in it: a service may
/// repeat what it was told, or what it holds.
fn words(told: &str) -> String {
    let is_key = |run: &str| run.len() >= SHORTEST_KEY;
    let is_secret = |word: &str| {
        word.contains("://") || word.split(|c: char| !c.is_ascii_alphanumeric()).any(is_key)
    };
    let plain = told.split(|c: char| c.is_whitespace() || c.is_control());
    let plain = plain.filter(|word| !word.is_empty());
    let plain = plain.map(|word| if is_secret(word) { "(hidden)" } else { word });
    let plain: String = plain.collect::<Vec<_>>().join(" ").chars().take(LONGEST_WORDS).collect();
    if plain.is_empty() { "nothing".to_owned() } else { plain }
}

#[cfg(test)]
mod tests;
