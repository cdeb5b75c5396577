//! Events, and how FreeSWITCH writes them down.

use std::fmt::Write as _;

/// One event: headers in order, duplicates kept, and perhaps a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Event {
    pub(super) fn new(headers: Vec<(String, String)>) -> Self {
        Self { headers, body: None }
    }

    /// The first value of a header, names compared as FreeSWITCH does: without regard to case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        get(&self.headers, name)
    }

    /// `CHANNEL_EXECUTE`, `CUSTOM`, …
    pub(super) fn name(&self) -> &str {
        self.get("Event-Name").unwrap_or_default()
    }

    pub(super) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    pub(super) fn extend(&mut self, headers: impl IntoIterator<Item = (String, String)>) {
        self.headers.extend(headers);
    }

    pub(super) fn into_headers(self) -> Vec<(String, String)> {
        self.headers
    }

    pub(super) fn with_body(mut self, body: String) -> Self {
        self.body = Some(body);
        self
    }

    /// The text form: values percent-encoded, an empty value as `_undef_`, a body behind its own
    /// `Content-Length` (`switch_event_serialize`).
    pub(super) fn plain(&self) -> String {
        let mut text = String::with_capacity(256);
        for (name, value) in &self.headers {
            let shown = if value.is_empty() { "_undef_".to_owned() } else { encode(value) };
            let _ = writeln!(text, "{name}: {shown}");
        }
        match &self.body {
            Some(body) => {
                let _ = write!(text, "Content-Length: {}\n\n{body}", body.len());
            }
            None => text.push('\n'),
        }
        text
    }

    /// The JSON form: headers in order, values as they are, the body as `_body`
    /// (`switch_event_serialize_json`).
    pub(super) fn json(&self) -> String {
        let length = self.body.as_ref().map(|body| body.len().to_string());
        let body = [("Content-Length", length.as_ref()), ("_body", self.body.as_ref())];
        let body = body.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value));
        let members: Vec<String> =
            headers.chain(body).map(|(name, value)| member(name, value)).collect();
        format!("{{{}}}", members.join(","))
    }
}

fn member(name: &str, value: &str) -> String {
    format!("{}:{}", serde_json::Value::from(name), serde_json::Value::from(value))
}

/// The first header called `name`, case put aside.
pub(super) fn get<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// FreeSWITCH's percent-encoding (`switch_url_encode_opt`): control and non-ASCII bytes and its own
/// set; a `%` that two *upper-case* hex digits follow is left alone, so the form is ambiguous.
pub(super) fn encode(value: &str) -> String {
    const UNSAFE: &[u8] = b"\r\n #%&+:;<=>?@[\\]^`{|}\"";
    let bytes = value.as_bytes();
    let hex = |b: Option<&u8>| matches!(b, Some(b'0'..=b'9' | b'A'..=b'F'));
    let mut text = String::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        let literal = *byte == b'%' && hex(bytes.get(at + 1)) && hex(bytes.get(at + 2));
        if literal || ((b' '..=b'~').contains(byte) && !UNSAFE.contains(byte)) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_as_captured() {
        for (value, encoded) in [
            ("tone_stream://%(500,0,500)", "tone_stream%3A//%25(500,0,500)"),
            (
                "effective_caller_id_name=Acme Ltd / O'Brien & Søn",
                "effective_caller_id_name%3DAcme%20Ltd%20/%20O'Brien%20%26%20S%C3%B8n",
            ),
            ("3 6 # \\d+", "3%206%20%23%20%5Cd%2B"),
            ("%41 100%25", "%41%20100%25"),
        ] {
            assert_eq!(encode(value), encoded);
        }
    }

    #[test]
    fn an_empty_value_is_undef() {
        let event = Event::new(vec![("A".into(), String::new())]).with_body("x\n\n".into());
        assert_eq!(event.plain(), "A: _undef_\nContent-Length: 3\n\nx\n\n");
        assert_eq!(event.json(), r#"{"A":"","Content-Length":"3","_body":"x\n\n"}"#);
    }
}
