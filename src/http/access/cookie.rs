//! The one cookie.

use axum::http::{HeaderMap, HeaderValue, header};

/// The longest that is looked at: a cookie of ours has 86 letters.
const LONGEST: usize = 256;

/// How the cookie is called and kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct CookieJar {
    /// Whether browsers come over TLS.
    pub(super) secure: bool,
}

impl CookieJar {
    /// With the prefix a browser takes it only over TLS, for this host alone, so nobody beside us can plant one.
    fn name(self) -> &'static str {
        if self.secure { "__Host-hotdeskd" } else { "hotdeskd" }
    }

    /// What a request brings along; nothing where it stands twice, because one of them is somebody else's.
    pub(super) fn read(self, headers: &HeaderMap) -> Option<&str> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        let mut ours = pairs.filter(|(name, _)| name.trim() == self.name());
        let (_, value) = ours.next()?;
        let value = value.trim();
        (ours.next().is_none() && value.len() <= LONGEST).then_some(value)
    }

    /// The line that gives it. Without a time, so that it goes with the browser.
    pub(super) fn give(self, value: &str) -> Option<HeaderValue> {
        self.line(value, "")
    }

    /// The line that takes it away.
    pub(super) fn take(self) -> Option<HeaderValue> {
        self.line("", "; Max-Age=0")
    }

    fn line(self, value: &str, more: &str) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.name();
        let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
        HeaderValue::try_from(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_found_among_others_and_only_if_it_stands_once() {
        let read = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            CookieJar { secure: false }.read(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["hotdeskd=x"]).as_deref(), Some("x"));
        assert_eq!(read(&["a=b; hotdeskd=x ;c=d"]).as_deref(), Some("x"));
        assert_eq!(read(&["a=b", "hotdeskd=x"]).as_deref(), Some("x"));
        for none in [&["__Host-hotdeskd=x"][..], &["hotdeskd=x; hotdeskd=y"], &["xhotdeskd=x"], &[]]
        {
            assert_eq!(read(none), None);
        }
    }

    #[test]
    fn over_tls_it_is_this_hosts_alone() {
        let line = |secure: bool| {
            let line = CookieJar { secure }.give("x").unwrap();
            line.to_str().unwrap().to_owned()
        };
        assert_eq!(line(false), "hotdeskd=x; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(line(true), "__Host-hotdeskd=x; Path=/; HttpOnly; SameSite=Strict; Secure");
    }
}
