//! What stands beside the templates: style, icons, and the two scripts that make the page live.
//!
//! In the binary, and asked for by a name with its digest, so that a browser keeps it until it changes.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

/// htmx and its extension for server-sent events, one behind the other: loaded apart, the first sometimes starts before
/// the second is there.
const SCRIPTS: [&str; 2] = ["htmx-4.0.1.min.js", "hx-sse-4.0.1.min.js"];
/// The name under which they are served.
const SCRIPT: &str = "live.js";

/// The files in the binary.
#[derive(RustEmbed)]
#[folder = "templates/web/static"]
struct Static;

/// A file's bytes.
fn bytes(name: &str) -> Option<Vec<u8>> {
    if name == SCRIPT {
        let mut all = Vec::new();
        for script in SCRIPTS {
            all.extend_from_slice(&Static::get(script)?.data);
            all.push(b'\n');
        }
        return Some(all);
    }
    Static::get(name).map(|file| file.data.into_owned())
}

/// What a browser is told that a file is; only these are served.
fn kind(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// The path at which a page names a file: with the beginning of its digest.
pub(super) fn path(name: &str) -> Option<String> {
    let digest = Sha256::digest(bytes(name)?);
    let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Some(format!("/static/{digest}/{name}"))
}

/// Answers a file, whatever digest it was asked for with: an old page may ask while a new daemon runs.
pub(super) async fn get(Path((_, name)): Path<(String, String)>) -> Response {
    let (Some(kind), Some(bytes)) = (kind(&name), bytes(&name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    let kind = HeaderValue::from_static(kind);
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, forever)], bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_path_changes_with_its_bytes_and_the_licence_is_not_served() {
        let style = path("page.css").unwrap();
        assert!(style.starts_with("/static/") && style.ends_with("/page.css"), "{style}");
        assert_ne!(
            style.replace("page.css", ""),
            path("icon.svg").unwrap().replace("icon.svg", "")
        );
        assert_eq!(kind("LICENSE.htmx-4.0.1"), None);
        let scripts = String::from_utf8(bytes(SCRIPT).unwrap()).unwrap();
        assert!(scripts.find("registerExtension(\"sse\"") > scripts.find("htmx"));
    }
}
