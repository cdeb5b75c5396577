//! Why a phone does not go on, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Mac, NotShown, PhoneRefusal, Told};

/// Why a phone is where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Obstacle {
    /// The vendor's redirection service does not send it here.
    NotRedirected {
        /// What the service said when it was told.
        refusal: Option<String>,
    },
    /// Nothing ever came from it.
    NeverSeen {
        /// Whether the vendor's redirection service sends it here.
        redirected: bool,
        /// Whether it would be answered if it came with nothing but its MAC address.
        window_open: bool,
    },
    /// It is told something else than its file.
    Refused {
        /// What.
        told: Told,
    },
    /// It was given its own URL, and did not come back with it.
    NotProven,
    /// It proved to be that phone, and did not fetch its configuration.
    NotFetched,
    /// It has its configuration, and FreeSWITCH never asked about it.
    NotAsked,
    /// It has its configuration, FreeSWITCH asked about it, and did not let it register.
    NotLetIn,
    /// It has its configuration, and is not registered; whether FreeSWITCH asked about it nobody knows.
    NotRegistered,
    /// It was registered, and is no longer.
    Away,
    /// It is registered, and never fetched a configuration here.
    ConfiguredElsewhere,
    /// It is registered, and does not show who sits there.
    NotShown {
        /// Why, where that was found out.
        not_shown: Option<NotShown>,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRedirected { refusal: None } => {
                f.write_str("its vendor's redirection service does not know of it")
            }
            Self::NotRedirected { refusal: Some(refusal) } => {
                write!(f, "its vendor's redirection service does not take it: {refusal}")
            }
            Self::NeverSeen { .. } => f.write_str("nothing ever came from it"),
            Self::Refused { told: Told::Challenged } => {
                f.write_str("it comes with nothing but its MAC address, and its window is closed")
            }
            Self::Refused { told } => write!(f, "it came and was {told}"),
            Self::NotProven => {
                f.write_str("it was given its own URL, and did not come back with it")
            }
            Self::NotFetched => f.write_str("it is enrolled, and did not fetch its configuration"),
            Self::NotAsked => {
                f.write_str("it has its configuration, and FreeSWITCH never asked who it is")
            }
            Self::NotLetIn => f.write_str(
                "FreeSWITCH asked who it is when it came to register, and did not let it in",
            ),
            Self::NotRegistered => f.write_str("it has its configuration, and is not registered"),
            Self::Away => f.write_str("it was registered, and is no longer"),
            Self::ConfiguredElsewhere => {
                f.write_str("it is registered, and never fetched a configuration from here")
            }
            Self::NotShown { not_shown: Some(why) } => {
                write!(f, "it does not show who sits there: {why}")
            }
            Self::NotShown { not_shown: None } => {
                f.write_str("it is registered, and did not fetch the last change yet")
            }
        }
    }
}

impl Obstacle {
    /// What to do about it, a sentence or two.
    pub fn advice(&self, phone: Mac) -> String {
        match self {
            Self::NotRedirected { .. } => {
                "Run `hotdeskd redirection plan` to see what the service should be told, \
                 and `hotdeskd redirection apply` to tell it."
                    .to_owned()
            }
            Self::NeverSeen { redirected, window_open } => {
                never_seen(phone, *redirected, *window_open)
            }
            Self::Refused { told } => refused(phone, told),
            Self::NotProven => format!(
                "Restart it after `hotdeskd phones enrol {phone}`. If it ends there again, it does not store \
                 the URL: is another provisioning server set in it, or asked first?"
            ),
            Self::NotFetched => format!(
                "`hotdeskd phones why {phone}` tells what it asks for instead; restart it, or run \
                 `hotdeskd phones resync {phone} --restart`."
            ),
            Self::NotAsked => format!(
                "Does it reach the registrar? Compare `hotdeskd phones render {phone}` with where FreeSWITCH's \
                 SIP profile listens (`provisioning.registrar`, `port`, `transport`), and look for a firewall."
            ),
            Self::NotLetIn => format!(
                "It has another SIP secret than the inventory: have it fetch its configuration \
                 (`hotdeskd phones resync {phone}`, or restart it). Is it also in FreeSWITCH's own directory files?"
            ),
            Self::NotRegistered => format!(
                "Is it switched on, and does it reach the registrar? `hotdeskd phones check {phone}` asks \
                 FreeSWITCH; `hotdeskd check` tells whether FreeSWITCH reaches us."
            ),
            Self::Away => {
                "Is it plugged in and switched on? Its network, or its registrar, may have changed."
                    .to_owned()
            }
            Self::ConfiguredElsewhere => format!(
                "Somebody configured it by hand, or another server does. To have it follow the people, reset it to \
                 factory settings after `hotdeskd phones enrol {phone}`; if that is meant, leave it."
            ),
            Self::NotShown { not_shown: Some(NotShown::Unregistered) } => {
                "Is it switched on? It is told when it registers again.".to_owned()
            }
            Self::NotShown { .. } => format!(
                "Restart it. `hotdeskd phones why {phone}` tells how often it was asked to fetch; a phone that \
                 demands a password for that has to be told not to (Snom: `challenge_checksync` off)."
            ),
        }
    }
}

/// What to do about a phone that nobody ever saw.
fn never_seen(phone: Mac, redirected: bool, window_open: bool) -> String {
    let finds = if redirected {
        "Does it reach the internet, and from there us (`provisioning.url`)?"
    } else {
        "Does DHCP give it option 66 (`hotdeskd dhcp print`)?"
    };
    let window = match window_open {
        true => String::new(),
        false => format!(
            " Its window is closed: unless it has a factory certificate, open it with `hotdeskd phones enrol {phone}`."
        ),
    };
    format!("Is it plugged in? {finds}{window}")
}

/// What to do about a phone that is refused.
fn refused(phone: Mac, told: &Told) -> String {
    match told {
        Told::Challenged => {
            format!("Run `hotdeskd phones enrol {phone}`, and restart the phone.")
        }
        Told::Broken { .. } => {
            "Correct the template; `hotdeskd check` tells file and line.".to_owned()
        }
        Told::Refused { reason: PhoneRefusal::WindowClosed | PhoneRefusal::Credentials } => {
            format!("Reset it to factory settings after `hotdeskd phones enrol {phone}`.")
        }
        Told::Refused { reason: PhoneRefusal::Network } => {
            "Add its network to `provisioning.enrolment.networks`, if it belongs there.".to_owned()
        }
        Told::Refused { reason: PhoneRefusal::NoVendor } => {
            format!("Set the vendor: `hotdeskd phones add {phone} --replace --vendor …`.")
        }
        Told::Refused { reason: PhoneRefusal::TooMany } => {
            "Somebody in its network asks for many phones; `hotdeskd journal list` tells which network.".to_owned()
        }
        _ => format!("`hotdeskd phones why {phone}` shows each of its requests."),
    }
}
