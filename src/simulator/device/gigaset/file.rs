//! What a file sets.

use super::super::xml::Element;
use super::{Family, Gigaset};

/// No base has more settings or handsets.
const MAX_VALUES: usize = 20_000;

impl Gigaset {
    /// False when it is no file for this base.
    pub(super) fn apply(&mut self, root: &Element) -> bool {
        match (self.family, root.name.as_str()) {
            (Family::Nx70, "provisioning") if root.attribute("productID") == Some("e2") => {
                for section in root.children.iter().filter(|section| section.name == "nvm") {
                    self.apply_nvm(section);
                }
                true
            }
            (Family::N510 | Family::N720, "ProviderFrame") => {
                let provider = root.children.iter().find(|child| child.name == "Provider");
                provider.is_some_and(|provider| self.apply_provider(provider))
            }
            _ => false,
        }
    }

    fn apply_nvm(&mut self, section: &Element) {
        let operates = |name: &str| {
            section
                .children
                .iter()
                .any(|child| child.name == "oper" && child.attribute("name") == Some(name))
        };
        if operates("DeleteNotProvisionedHS") {
            self.handsets.clear();
            self.values
                .retain(|name, _| !name.starts_with("SipAccount.") && !name.starts_with("hs."));
        }
        for element in &section.children {
            match (element.name.as_str(), element.attribute("name"), element.attribute("value")) {
                ("oper", Some("add_hs"), Some(number)) => {
                    let is_new = !self.handsets.iter().any(|known| known == number);
                    if is_new && self.handsets.len() < MAX_VALUES {
                        self.handsets.push(number.to_owned());
                    }
                }
                ("param", Some(name), Some(value)) => self.store(name, value),
                _ => {}
            }
        }
    }

    /// Without the right MAC address nothing is set.
    fn apply_provider(&mut self, provider: &Element) -> bool {
        let value = |element: &Element| element.attribute("value").map(unquoted);
        let mac = provider.children.iter().find(|child| child.name == "MAC_ADDRESS");
        if mac.and_then(value).as_deref() != Some(self.mac.as_str()) {
            return false;
        }
        for element in &provider.children {
            let name = match element.name.as_str() {
                "SYMB_ITEM" => element.attribute("ID"),
                name => Some(name),
            };
            let (Some(name), Some(value)) = (name, value(element)) else {
                continue;
            };
            let name = name.trim_end_matches("[0]").trim_end_matches("[%]");
            if let Some((list, rest)) = name.split_once("[%].") {
                // All of a list, those included that were set one by one.
                self.values.retain(|known, _| {
                    !(known.starts_with(list) && known.ends_with(&format!("].{rest}")))
                });
            }
            self.store(name, &value);
        }
        true
    }

    fn store(&mut self, name: &str, value: &str) {
        if self.values.len() < MAX_VALUES || self.values.contains_key(name) {
            self.values.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// A text has quotes of its own; it ends at the first one within.
fn unquoted(value: &str) -> String {
    match value.strip_prefix('"') {
        Some(rest) => rest.split('"').next().unwrap_or_default().to_owned(),
        None => value.to_owned(),
    }
}
