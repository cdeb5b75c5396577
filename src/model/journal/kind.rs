//! What kinds of happenings there are, by the names that stand in the journal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Happening;

/// A kind of happening (`login`, `pin-locked`): to look for all of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct HappeningKind(&'static str);

impl HappeningKind {
    /// The name, as it stands in the journal.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// All there are, in the order of their names.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().copied().map(Self)
    }
}

/// One line for each happening: its name among the variants, and in the journal.
macro_rules! kinds {
    ($($variant:ident => $name:literal,)*) => {
        const NAMES: &[&str] = &[$($name),*];

        impl Happening {
            /// Of which kind it is.
            pub fn kind(&self) -> HappeningKind {
                HappeningKind(match self {
                    $(Self::$variant { .. } => $name,)*
                })
            }
        }
    };
}

kinds! {
    CustomerCalled => "customer-called",
    CustomerHungUp => "customer-hung-up",
    CustomerLeft => "customer-left",
    CustomerServed => "customer-served",
    EmergencyCall => "emergency-call",
    EmergencyCallback => "emergency-callback",
    EmergencyUnreachable => "emergency-unreachable",
    KeyRevoked => "key-revoked",
    KeyRotated => "key-rotated",
    Login => "login",
    Logout => "logout",
    NotShown => "not-shown",
    OwnerReturned => "owner-returned",
    PeopleDisbelieved => "people-disbelieved",
    PeopleMirrored => "people-mirrored",
    PhoneEnrolled => "phone-enrolled",
    PhoneMoved => "phone-moved",
    PhoneRemoved => "phone-removed",
    PhoneReturned => "phone-returned",
    PhoneSaved => "phone-saved",
    PhoneStuck => "phone-stuck",
    PhonesImported => "phones-imported",
    PhonesRefused => "phones-refused",
    PinAlarm => "pin-alarm",
    PinLocked => "pin-locked",
    PinRefused => "pin-refused",
    PinSet => "pin-set",
    PinUnlocked => "pin-unlocked",
    Redirected => "redirected",
    RestartAsked => "restart-asked",
    ResyncAsked => "resync-asked",
    Shown => "shown",
    SignInLocked => "sign-in-locked",
    SignInRefused => "sign-in-refused",
    SignedIn => "signed-in",
    SignedOut => "signed-out",
    TeamsMirrored => "teams-mirrored",
    TemplateBroken => "template-broken",
    UserMoved => "user-moved",
    UserRemoved => "user-removed",
    UserSaved => "user-saved",
    WindowOpened => "window-opened",
    WindowUsed => "window-used",
}

impl fmt::Display for HappeningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for HappeningKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|kind| kind.0 == text).ok_or(UnknownKind)
    }
}

impl TryFrom<String> for HappeningKind {
    type Error = UnknownKind;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HappeningKind> for &'static str {
    fn from(kind: HappeningKind) -> Self {
        kind.0
    }
}

/// Nothing of that name happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal has no such kind; it has {}", NAMES.join(", "))]
pub struct UnknownKind;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_stand_in_order_once_each() {
        assert!(NAMES.is_sorted_by(|one, next| one < next), "{NAMES:?}");
    }

    #[test]
    fn a_kind_that_is_not_there_is_told_with_those_that_are() {
        assert_eq!("login".parse::<HappeningKind>().unwrap().as_str(), "login");
        let told = "log-in".parse::<HappeningKind>().unwrap_err().to_string();
        assert!(told.contains(" login, ") && told.contains("window-used"), "{told}");
    }
}
