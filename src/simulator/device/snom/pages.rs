//! A Snom's own web pages: `/settings.xml`, what is in flash in the form in which it is given, and `/log.htm`.

use super::super::web::WebLogin;
use super::super::xml::escaped;
use super::Snom;

impl Snom {
    /// The name and the password of its pages, once it has some; `http_scheme` on is a digest.
    pub(in super::super) fn web_login(&self) -> Option<WebLogin> {
        let password = self.phone_setting("http_pass")?;
        Some(WebLogin {
            user: self.phone_setting("http_user").unwrap_or_default().to_owned(),
            password: password.to_owned().into(),
            digest: self.phone_setting("http_scheme") != Some("off"),
        })
    }

    /// A page. Whether a phone shows its passwords there was not found out; this one does.
    pub(in super::super) fn page(&self, path: &str) -> Option<String> {
        match path {
            "/settings.xml" => Some(self.settings_page()),
            "/log.htm" => Some(self.log_page()),
            _ => None,
        }
    }

    fn settings_page(&self) -> String {
        let mut page = String::from(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<settings>\n<phone-settings e=\"2\">\n",
        );
        for ((name, index), setting) in &self.settings {
            let index = if *index == 0 { String::new() } else { format!(" idx=\"{index}\"") };
            let value = escaped(&setting.value);
            page += &format!("<{name}{index} perm=\"\">{value}</{name}>\n");
        }
        page += "</phone-settings>\n<functionKeys e=\"2\">\n";
        for (index, key) in &self.keys {
            let (context, label, text) =
                (escaped(&key.context), escaped(&key.label), escaped(&key.text));
            page += &format!(
                "<fkey idx=\"{index}\" context=\"{context}\" label=\"{label}\" perm=\"\">{text}</fkey>\n"
            );
        }
        page + "</functionKeys>\n</settings>\n"
    }

    /// What it did since it has power, the newest last.
    fn log_page(&self) -> String {
        let lines: String = self.log.iter().map(|line| format!("{}\n", escaped(line))).collect();
        format!("<html><body><h1>System Log</h1><pre>{lines}</pre></body></html>")
    }
}
