//! The two messages that we send, in the correct form; phones are tolerant, other devices may not be.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::{Parameter, Request, Via};

/// What a 200 needs besides the request.
pub(in crate::provisioning::pnp) struct Ok200<'a> {
    /// From where the request came.
    pub from: SocketAddr,
    /// Where we are.
    pub here: SocketAddr,
    /// Our tag.
    pub tag: &'a str,
}

/// The answer to a SUBSCRIBE.
pub(in crate::provisioning::pnp) fn ok(request: &Request<'_>, ok: &Ok200<'_>) -> Vec<u8> {
    let mut text = String::from("SIP/2.0 200 OK\r\n");
    let mut vias = request.headers.all("Via");
    // The first header may have more than one behind commas.
    let first = vias.next().unwrap_or_default();
    let behind = behind_first(first);
    line(&mut text, "Via", &format!("{}{behind}", received(&request.via, ok.from)));
    vias.for_each(|via| line(&mut text, "Via", via));
    line(&mut text, "From", request.headers.first("From"));
    line(&mut text, "To", &format!("{};tag={}", request.headers.first("To"), ok.tag));
    line(&mut text, "Call-ID", request.call_id());
    line(&mut text, "CSeq", request.headers.first("CSeq"));
    line(&mut text, "Expires", "0");
    line(&mut text, "Contact", &format!("<sip:{}>", ok.here));
    line(&mut text, "Content-Length", "0");
    text.push_str("\r\n");
    text.into_bytes()
}

/// What a NOTIFY needs besides the request.
pub(in crate::provisioning::pnp) struct Notify<'a> {
    /// Where we are.
    pub here: SocketAddr,
    /// To whom it is, in its first line.
    pub uri: &'a str,
    /// Our tag, as in the 200.
    pub tag: &'a str,
    /// The branch of our Via.
    pub branch: &'a str,
    /// The URL.
    pub url: &'a str,
    /// A header that has the URL as well, for a vendor that looks there.
    pub header: Option<&'a str>,
}

/// The NOTIFY with the URL, in the dialog that the request began: what was To is From.
pub(in crate::provisioning::pnp) fn notify(request: &Request<'_>, notify: &Notify<'_>) -> Vec<u8> {
    let Notify { here, uri, tag, branch, url, header } = notify;
    let mut text = format!("NOTIFY {uri} SIP/2.0\r\n");
    line(&mut text, "Via", &format!("SIP/2.0/UDP {here};rport;branch={branch}"));
    line(&mut text, "Max-Forwards", "70");
    line(&mut text, "From", &format!("{};tag={tag}", request.headers.first("To")));
    line(&mut text, "To", request.headers.first("From"));
    line(&mut text, "Call-ID", request.call_id());
    line(&mut text, "CSeq", "1 NOTIFY");
    line(&mut text, "Contact", &format!("<sip:{here}>"));
    line(&mut text, "Event", request.headers.first("Event"));
    line(&mut text, "Subscription-State", "terminated;reason=timeout");
    if let Some(header) = header {
        line(&mut text, header, url);
    }
    line(&mut text, "Content-Type", "application/url");
    line(&mut text, "Content-Length", &url.len().to_string());
    text.push_str("\r\n");
    text.push_str(url);
    text.into_bytes()
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a text does not fail.
    let _ = write!(text, "{name}: {value}\r\n");
}

/// The topmost Via as it goes back: with the address and the port that it came from (RFC 3581).
fn received(via: &Via, from: SocketAddr) -> String {
    let mut text = format!("{} {}", via.protocol, via.sent_by);
    let mut has_rport = false;
    for Parameter { name, value } in &via.parameters {
        match value {
            _ if name.eq_ignore_ascii_case("received") => continue,
            _ if name.eq_ignore_ascii_case("rport") => {
                has_rport = true;
                let _ = write!(text, ";rport={}", from.port());
            }
            Some(value) => {
                let _ = write!(text, ";{name}={value}");
            }
            None => {
                let _ = write!(text, ";{name}");
            }
        }
    }
    let address = from.ip().to_canonical();
    let host = via.sent_by.rsplit_once(':').map_or(via.sent_by.as_str(), |(host, _)| host);
    if has_rport || host.parse::<IpAddr>().ok() != Some(address) {
        let _ = write!(text, ";received={address}");
    }
    text
}

/// What stands behind the first Via of a header, with its comma. A comma in quotes ends nothing.
fn behind_first(value: &str) -> &str {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => return value.get(at..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}
