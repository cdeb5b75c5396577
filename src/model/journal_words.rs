//! The journal in words: a sentence for each happening.

use std::fmt;

use jiff::Timestamp;

use super::{Actor, EndReason, Happening, LoginMode};

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(phone) => write!(f, "caller at {phone}"),
            Self::Outside => f.write_str("outside"),
            Self::Command => f.write_str("command"),
            Self::Daemon => f.write_str("daemon"),
            Self::Operator(name) => write!(f, "{name}"),
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakenOver(user) => write!(f, "{user} logged in there"),
            Self::LoggedInElsewhere(phone) => write!(f, "logged in at {phone}"),
            Self::LoggedOut => f.write_str("logged out"),
            Self::LoggedOutEverywhere => f.write_str("logged out everywhere"),
            Self::UserRemoved => f.write_str("the user was removed"),
            Self::MayNotHotDesk => f.write_str("the user may no longer log in at desk phones"),
            Self::PhoneRemoved => f.write_str("the phone was removed"),
            Self::OwnerChanged => f.write_str("the phone's owner changed"),
            Self::TimeOfDay => f.write_str("time of day"),
            Self::Idle => f.write_str("idle"),
        }
    }
}

impl Happening {
    /// What happened, as a sentence without its full stop. `time` writes a time for whoever reads it.
    pub fn sentence(&self, time: &dyn Fn(Timestamp) -> String) -> String {
        sentence(self, time)
    }
}

/// The sentence, for all but calls and sign-ins.
fn sentence(what: &Happening, time: &dyn Fn(Timestamp) -> String) -> String {
    match what {
        Happening::Login { phone, user, mode: LoginMode::Only } => {
            format!("{user} logged in at {phone}")
        }
        Happening::Login { phone, user, mode: LoginMode::Also } => {
            format!("{user} logged in at {phone} too")
        }
        Happening::OwnerReturned { phone, user } => {
            format!("{phone} fell back to its owner {user}")
        }
        Happening::Logout { phone, user, reason } => {
            format!("{user} is logged out at {phone}: {}", reason)
        }
        Happening::PinRefused { phone, user: Some(user) } => {
            format!("a login of {user} at {phone} was refused")
        }
        Happening::PinRefused { phone, user: None } => {
            format!("a login of nobody we know at {phone} was refused")
        }
        Happening::PinLocked { phone, user, until } => {
            let user = user.as_ref().map(|user| format!("user {user}"));
            let phone = phone.map(|phone| format!("phone {phone}"));
            let locked: Vec<String> = user.into_iter().chain(phone).collect();
            let until = time(*until);
            format!("wrong PINs locked {} until {until}", locked.join(" at "))
        }
        Happening::PinAlarm { wrong } => format!("alarm: {wrong} wrong PINs in the whole site"),
        Happening::PinUnlocked { user } => format!("{user} was unlocked"),
        Happening::PinSet { user } => format!("the PIN of {user} was set"),
        Happening::PhoneSaved { phone } => format!("phone {phone} was saved"),
        Happening::PhoneRemoved { phone } => format!("phone {phone} was removed"),
        Happening::PhonesImported { added, changed, seated } => format!(
            "phones were imported: {added} new, {changed} changed; {seated} owners sat down"
        ),
        Happening::UserSaved { user } => format!("user {user} was saved"),
        Happening::UserRemoved { user } => format!("user {user} was removed"),
        Happening::UserMoved { from, user } => format!("{from} has the number {user} now"),
        Happening::PeopleMirrored { added, changed, removed } => format!(
            "people were taken over from LDAP: {added} new, {changed} changed, {removed} removed"
        ),
        Happening::TeamsMirrored { count } => {
            format!("LDAP groups describe {count} teams, and not as before")
        }
        Happening::PeopleDisbelieved { had, found } => format!(
            "LDAP gave {found} people where there were {had}; that is not believed, and nothing was changed"
        ),
        Happening::RestartAsked { phone } => format!("phone {phone} was asked to restart"),
        Happening::ResyncAsked { phone } => {
            format!("phone {phone} was asked to fetch its configuration")
        }
        Happening::Shown { phone, user: Some(user) } => format!("{phone} shows {user}"),
        Happening::Shown { phone, user: None } => format!("{phone} shows that it is nobody's"),
        Happening::WindowOpened { phone, until } => {
            format!("{phone} may enrol until {}", time(*until))
        }
        Happening::WindowUsed { phone } => format!("{phone} came and was given its own URL"),
        Happening::PhoneEnrolled { phone, proof } => {
            format!("{phone} is enrolled, by its {}", proof.as_str())
        }

        Happening::KeyRotated { phone } => format!("the URL of {phone} has a new key"),
        Happening::KeyRevoked { phone } => {
            format!("what {phone} had to prove itself is worth nothing any more")
        }
        Happening::SignedIn { .. }
        | Happening::SignedOut
        | Happening::SignInRefused { .. }
        | Happening::SignInLocked { .. } => of_sign_in(what, time),
        Happening::PhonesRefused { network, count } => {
            format!("{count} requests of phones from {network} were refused")
        }
        Happening::Redirected { service, registered, changed, removed, failed } => {
            let what = [
                (registered, "registered"),
                (changed, "changed"),
                (removed, "removed"),
                (failed, "failed"),
            ];
            let what = what.into_iter().filter(|(count, _)| **count > 0);
            let what: Vec<String> = what.map(|(count, what)| format!("{count} {what}")).collect();
            format!("phones at the redirection service {service}: {}", what.join(", "))
        }
        Happening::TemplateBroken { vendor, error } => {
            format!("the templates of {vendor} have a mistake: {error}")
        }
        Happening::CustomerCalled { .. }
        | Happening::CustomerHungUp { .. }
        | Happening::CustomerServed { .. }
        | Happening::CustomerLeft { .. } => of_customer(what),
        Happening::EmergencyCall { from, user, number, desk, location, node, missed, .. } => {
            let place: Vec<&str> =
                [desk, location].into_iter().flatten().map(|text| &**text).collect();
            let place =
                if place.is_empty() { "a place nobody named".to_owned() } else { place.join(", ") };
            let who = user.as_ref().map(|user| format!(", where {user} sits")).unwrap_or_default();
            let late = if *missed { "; we were not there, and heard of it later" } else { "" };
            format!("EMERGENCY CALL to {number} from {from} ({place}){who}, over {node}{late}")
        }
        Happening::EmergencyUnreachable { from, number, node, .. } => {
            format!("NO ROUTE TOOK the emergency call to {number} from {from}, over {node}")
        }
        Happening::EmergencyCallback { from, number, node, .. } => {
            format!("an emergency call was called back: {number} rings {from}, over {node}")
        }
        Happening::PhoneMoved { phone, from, network, location } => {
            let network = network.map(|network| format!(", in {network}")).unwrap_or_default();
            format!(
                "phone {phone} of {location} registers from {from}{network}: its emergency location is wrong there"
            )
        }
        Happening::PhoneReturned { phone, from, location } => {
            format!("phone {phone} is back in {location}, at {from}")
        }
        Happening::PhoneStuck { phone, obstacle, .. } => {
            format!("phone {phone} does not go on: {obstacle}")
        }
        Happening::NotShown { phone, reason } => {
            format!("phone {phone} does not show who sits there: {reason}")
        }
    }
}

/// Who came to the page and the API.
fn of_sign_in(what: &Happening, time: &dyn Fn(Timestamp) -> String) -> String {
    match what {
        Happening::SignedIn { from } => format!("signed in from {from}"),
        Happening::SignedOut => "signed out".to_owned(),
        Happening::SignInRefused { name: Some(name), from } => {
            format!("a sign-in as {name} from {from} was refused")
        }
        Happening::SignInRefused { name: None, from } => {
            format!("a sign-in as nobody we know from {from} was refused")
        }
        Happening::SignInLocked { name, network, until } => {
            let name = name.as_ref().map(|name| format!(" for {name}")).unwrap_or_default();
            let network = network.map(|network| format!(" from {network}")).unwrap_or_default();
            format!("wrong passwords locked the sign-in{name}{network} until {}", time(*until))
        }
        _ => String::new(),
    }
}

/// What happened to a call of a customer. Texts from outside are shown without control characters.
fn of_customer(what: &Happening) -> String {
    let number = |number: &Option<String>| number.as_deref().unwrap_or("somebody").to_owned();
    let told = match what {
        Happening::CustomerCalled {
            number: from, name, to, agent_first, reason, further, ..
        } => {
            let name = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            let first = agent_first.as_ref().map(|agent| format!("{agent}, then "));
            let reasons: Vec<String> =
                [reason].into_iter().chain(further).map(ToString::to_string).collect();
            let (first, why) = (first.unwrap_or_default(), reasons.join("; "));
            format!("{}{name} called, and goes to {first}{to}: {why}", number(from))
        }
        Happening::CustomerHungUp { number: from, .. } => {
            format!("{} called, and hung up at once", number(from))
        }
        Happening::CustomerServed { team, waited, agent, .. } => {
            let agent = agent.as_ref().map_or("an agent".to_owned(), ToString::to_string);
            format!("{agent} took a customer's call from queue:{team} after {waited} s")
        }
        Happening::CustomerLeft { team, waited, reason, .. } => {
            format!("a customer's call left queue:{team} after {waited} s: {reason}")
        }
        _ => String::new(),
    };
    told.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
