//! Reading our own directory fragments back.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{DirectoryError, Folder};
use crate::standing::tree::{self, Element};
use crate::standing::walk::Call;

/// The users of the fragments on the disk, as FreeSWITCH would find them.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    users: BTreeMap<String, DirectoryUser>,
}

/// A user or phone as its fragment says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DirectoryUser {
    /// Its params (`a1-hash`, `dial-string`, …).
    pub params: BTreeMap<String, String>,
    /// Its variables (`user_context`, `hotdesk_user`, …).
    pub variables: BTreeMap<String, String>,
}

impl std::fmt::Debug for DirectoryUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The params hold secrets.
        f.debug_struct("DirectoryUser").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl Directory {
    /// Reads every fragment in a folder. Of two users with one id the first stands, as in
    /// FreeSWITCH.
    ///
    /// # Errors
    /// A file cannot be read, is not ours, or is not XML.
    pub fn read(folder: &Folder) -> Result<Self, DirectoryError> {
        let mut directory = Self::default();
        for name in folder.names()? {
            if let Some(text) = folder.read(&name)? {
                directory.add(&text)?;
            }
        }
        Ok(directory)
    }

    /// Takes the text of one fragment.
    ///
    /// # Errors
    /// It is not XML.
    pub fn add(&mut self, text: &str) -> Result<(), DirectoryError> {
        let top = tree::parse(text)?;
        self.add_below(&top);
        Ok(())
    }

    fn add_below(&mut self, element: &Element) {
        for child in &element.children {
            match (child.name.as_str(), child.attribute("id")) {
                ("user", Some(id)) => {
                    let user = || DirectoryUser {
                        params: pairs(child, "params", "param"),
                        variables: pairs(child, "variables", "variable"),
                    };
                    self.users.entry(id.to_owned()).or_insert_with(user);
                }
                _ => self.add_below(child),
            }
        }
    }

    /// A user by id, or by `id@domain`.
    pub fn find(&self, user: &str) -> Option<&DirectoryUser> {
        let id = user.split_once('@').map_or(user, |(id, _)| id);
        self.users.get(id)
    }

    /// A call that a phone makes: in the context and with the variables that its entry gives it,
    /// authenticated as itself. `None` for a phone that does not stand here: FreeSWITCH refuses it.
    pub fn call_from(&self, phone: &str, number: &str) -> Option<Call> {
        let entry = self.users.get(phone)?;
        let context = entry.variables.get("user_context")?;
        let mut call = Call::new(context, number);
        call.variables.clone_from(&entry.variables);
        Some(call.with("sip_auth_username", phone).with("caller_id_number", phone))
    }

    /// The ids, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }
}

/// The users' elements of a fragment, word for word, by id; `None` if it is not XML.
pub(super) fn elements(text: &str) -> Option<BTreeMap<String, String>> {
    let mut reader = Reader::from_str(text);
    let mut users = BTreeMap::new();
    let mut open: Option<(usize, String)> = None;
    loop {
        let before = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let id = |start: &quick_xml::events::BytesStart<'_>| {
            let attribute = start.try_get_attribute("id").ok().flatten()?;
            let value = quick_xml::escape::unescape(attribute.value.as_ref()).ok()?;
            Some(value.into_owned())
        };
        let complete = match &event {
            Event::Start(start) if start.name().into_inner() == "user" => {
                open = Some((before, id(start)?));
                None
            }
            Event::Empty(start) if start.name().into_inner() == "user" => {
                Some((before, id(start)?))
            }
            Event::End(end) if end.name().into_inner() == "user" => open.take(),
            Event::Eof => return Some(users),
            _ => None,
        };
        if let Some((start, id)) = complete {
            let end = usize::try_from(reader.buffer_position()).ok()?;
            users.entry(id).or_insert(text.get(start..end)?.to_owned());
        }
    }
}

/// The value of a user's param or variable.
pub(super) fn value<'a>(user: &'a Element, list: &str, item: &str, name: &str) -> Option<&'a str> {
    user.children
        .iter()
        .filter(|child| child.name == list)
        .flat_map(|list| &list.children)
        .filter(|child| child.name == item)
        .find(|child| child.attribute("name") == Some(name))
        .and_then(|child| child.attribute("value"))
}

fn pairs(user: &Element, list: &str, item: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for child in user.children(list).flat_map(|list| list.children(item)) {
        if let (Some(name), Some(value)) = (child.attribute("name"), child.attribute("value")) {
            pairs.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    pairs
}
