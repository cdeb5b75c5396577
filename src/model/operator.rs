//! Who works with the page and the API, and what that person or program may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an operator may do. Each role may do all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Help people and phones: log in and out, PINs, locks, fetch again, restart.
    Helpdesk,
    /// Everything.
    Admin,
}

impl Role {
    /// All of them, the one that may least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Helpdesk, Self::Admin];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Helpdesk => "helpdesk",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a person or program that signs in: 1 to 64 letters, digits or `.`, `_`, `-`, `@`, `+`.
///
/// It stands in the journal and on pages, and is compared without regard to case, as directory servers do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperatorName(String);

impl OperatorName {
    /// The longest, in bytes.
    pub const MAX: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By what two spellings of the same name are known as one.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for OperatorName {
    type Err = InvalidOperatorName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for OperatorName {
    type Error = InvalidOperatorName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_one = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
        if (1..=Self::MAX).contains(&text.len()) && text.chars().all(is_one) {
            Ok(Self(text))
        } else {
            Err(InvalidOperatorName)
        }
    }
}

impl From<OperatorName> for String {
    fn from(name: OperatorName) -> Self {
        name.0
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no operator's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a name of 1 to 64 letters, digits or `.`, `_`, `-`, `@`, `+`, as in \"ada\"")]
pub struct InvalidOperatorName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        assert!(Role::Viewer < Role::Helpdesk && Role::Helpdesk < Role::Admin);
        for role in Role::ALL {
            let text = serde_json::to_string(&role).unwrap();
            assert_eq!(text, format!("\"{role}\""));
            assert_eq!(serde_json::from_str::<Role>(&text).unwrap(), role);
        }
    }

    #[test]
    fn a_name_is_one_word_whatever_the_script() {
        for name in ["ada", "a.lovelace@example.net", "Grüßer", "x_1-2+3"] {
            assert_eq!(name.parse::<OperatorName>().unwrap().as_str(), name);
        }
        let long = "x".repeat(65);
        for name in ["", "a b", "a\n", "<b>", "a/b", "a,b", "(ada)", "a*", long.as_str()] {
            assert!(name.parse::<OperatorName>().is_err(), "{name:?}");
        }
        let name = |text: &str| text.parse::<OperatorName>().unwrap();
        assert_eq!(name("ADA").folded(), name("ada").folded());
    }
}
