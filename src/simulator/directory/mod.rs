//! Asking for the directory, as `mod_xml_curl` and the core do.

mod question;
mod user;
mod xml;

pub(super) use question::Kind;
pub use question::{Answered, Question};
pub(super) use user::Entry;
pub(super) use xml::Element;

use secrecy::ExposeSecret;
use xml::preprocess;

use super::node::Node;

/// `mod_xml_curl` reads no more of an answer.
const MAX_ANSWER: usize = 1024 * 1024;

impl Node {
    /// One user's entry, merged from domain, group and user; `None` when there is none.
    pub(super) async fn user(
        &self,
        kind: Kind,
        user: &str,
        more: &[(&str, String)],
    ) -> Option<Entry> {
        let domain = self.locate_domain(kind, user, more).await?;
        Entry::find(&domain, user)
    }

    /// The `<domain>` that answers a question: from whom `mod_xml_curl` asks, else from the static
    /// files. An answer that has the domain is final, even without the user.
    pub(super) async fn locate_domain(
        &self,
        kind: Kind,
        user: &str,
        more: &[(&str, String)],
    ) -> Option<Element> {
        let form = question::form(self, kind, user, more);
        let (answered, root) = self.ask(&form).await;
        self.record_question(Question {
            kind: kind.name(),
            user: user.to_owned(),
            form: question::without_digest(form),
            answered,
        });
        match root {
            Some(root) => domain_of(&root, self.settings.domain.as_str()),
            None => self.static_domain(),
        }
    }

    /// What answers a question for a module's configuration, if anything does.
    pub(super) async fn ask_configuration(
        &self,
        kind: Kind,
        queue: &str,
        more: &[(&str, String)],
    ) -> Option<Element> {
        let form = question::form(self, kind, queue, more);
        let (answered, root) = self.ask(&form).await;
        let user = queue.to_owned();
        self.record_question(Question { kind: kind.name(), user, form, answered });
        root
    }

    fn static_domain(&self) -> Option<Element> {
        let state = self.lock();
        domain_of(state.static_directory.as_ref()?, self.settings.domain.as_str())
    }

    /// One POST over a connection of its own. The tree is there only if it is an answer: status 200,
    /// well-formed, and not "not found".
    async fn ask(&self, form: &[(String, String)]) -> (Answered, Option<Element>) {
        let Some(binding) = &self.settings.xml_curl else {
            return (Answered::NotAsked, None);
        };
        let mut request = self
            .http
            .post(&binding.url)
            .timeout(binding.timeout)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "*/*")
            .body(question::encode_form(form));
        if let Some((user, password)) = &binding.credentials {
            request = request.basic_auth(user, Some(password.expose_secret()));
        }
        let Ok(response) = request.send().await else {
            return (Answered::Dead, None);
        };
        if response.status().as_u16() != 200 {
            return (Answered::Status(response.status().as_u16()), None);
        }
        let Some(text) = read_body(response).await else {
            return (Answered::Dead, None);
        };
        self.read_answer(&text)
    }

    fn read_answer(&self, text: &str) -> (Answered, Option<Element>) {
        let text = preprocess(
            text,
            |name| (name == "domain").then(|| self.settings.domain.to_string()),
            |name| self.lock().traps.push(format!("$${{{name}}}")),
        );
        let Some(root) = Element::parse(&text) else {
            return (Answered::Unreadable, None);
        };
        let not_found = sections(&root)
            .filter(|section| section.attribute("name") == Some("result"))
            .flat_map(|section| section.children("result"))
            .any(|result| result.attribute("status") == Some("not found"));
        if not_found { (Answered::NotFound, None) } else { (Answered::Found, Some(root)) }
    }

    /// Reads the static files; false when they are no XML, and then the old ones stay.
    pub(super) fn read_static_directory(&self) -> bool {
        let Some(source) = &self.settings.static_directory else {
            return true;
        };
        let read = source.read().and_then(|text| Element::parse(&text));
        let worked = read.is_some();
        if worked {
            self.lock().static_directory = read;
        }
        worked
    }
}

async fn read_body(mut response: reqwest::Response) -> Option<String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&body).into_owned())
}

fn sections(root: &Element) -> impl Iterator<Item = &Element> {
    root.children("document")
        .flat_map(|document| document.children("section"))
        .chain(root.children("section"))
}

/// The *first* domain of that name in the section `directory`; domains that stand alone count too.
fn domain_of(root: &Element, name: &str) -> Option<Element> {
    sections(root)
        .filter(|section| section.attribute("name") == Some("directory"))
        .flat_map(|section| section.children("domain"))
        .chain(root.children("domain"))
        .find(|domain| domain.attribute("name").is_some_and(|is| is.eq_ignore_ascii_case(name)))
        .cloned()
}
