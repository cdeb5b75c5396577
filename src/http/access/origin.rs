//! What another site makes a browser send is not done.
//!
//! A browser sends our cookie by itself, so a cookie alone proves nothing. Browsers say from where a request comes
//! (`Sec-Fetch-Site` on https and loopback, `Origin` on every POST); and the session's token is known to our own pages only.

use axum::body::{Body, to_bytes};
use axum::extract::{Form, FromRequest as _, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::operator::CsrfToken;
use crate::http::problem::Problem;

/// The longest form.
const FORM: usize = 64 * 1024;
/// Where the token stands, if not in the form.
const TOKEN: &str = "x-csrf-token";

/// Whether requests of this method change nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Refuses what comes from another site. `own` is the origin by which browsers know us, where a proxy stands between.
pub(super) fn same_site(headers: &HeaderMap, own: Option<&str>) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => own == Some(origin) || is_host(origin, text("host")),
        // No browser, or one that sends no form to another site without saying so.
        (None, None) => true,
    };
    if is_ours {
        return Ok(());
    }
    let told = "this request comes from another site, and nothing was done; behind a proxy, `admin.url` must be \
                the address that browsers use";
    Err(Problem::new(StatusCode::FORBIDDEN, told))
}

fn is_host(origin: &str, host: Option<&str>) -> bool {
    let bare = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    bare.is_some() && bare == host
}

/// A form's token.
#[derive(Deserialize)]
struct Field {
    csrf: String,
}

/// Refuses a request without the session's token, in the header or in the form; answers it whole otherwise.
pub(super) async fn with_token(request: Request, token: &CsrfToken) -> Result<Request, Problem> {
    if let Some(given) = request.headers().get(TOKEN) {
        return if is_token(given.as_bytes(), token) { Ok(request) } else { Err(refused()) };
    }
    let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded")) {
        return Err(refused());
    }
    let (parts, body) = request.into_parts();
    let told = "the form is longer than 64 KiB, or broke off";
    let too_long = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, told);
    let body = to_bytes(body, FORM).await.map_err(too_long)?;
    let copy = Request::from_parts(parts.clone(), Body::from(body.clone()));
    let Ok(Form(Field { csrf })) = Form::from_request(copy, &()).await else {
        return Err(refused());
    };
    if !is_token(csrf.as_bytes(), token) {
        return Err(refused());
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn is_token(given: &[u8], token: &CsrfToken) -> bool {
    bool::from(given.ct_eq(token.0.as_bytes()))
}

fn refused() -> Problem {
    let told = "the page is too old or not ours (its token is not your session's), and nothing was done; load it again";
    Problem::new(StatusCode::FORBIDDEN, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_make_a_browser_send_something() {
        let own = Some("https://desk.example.net");
        for (site, origin, is_ours) in [
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            // Behind a proxy that says another host; the browser knows better.
            (Some("same-origin"), Some("https://front.example.net"), true),
            (Some("same-site"), Some("http://127.0.0.1:8090"), false),
            (Some("cross-site"), Some("http://127.0.0.1:8090"), false),
            (None, Some("http://127.0.0.1:8090"), true),
            (None, Some("https://desk.example.net"), true),
            (None, Some("http://desk.example.net"), false),
            (None, Some("http://127.0.0.1:8091"), false),
            (None, Some("http://127.0.0.1"), false),
            (None, Some("null"), false),
            (None, Some("ftp://127.0.0.1:8090"), false),
            (None, None, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("127.0.0.1:8090"));
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(same_site(&headers, own).is_ok(), is_ours, "{site:?} {origin:?}");
        }
    }
}
