//! The journal: what happened, in words that stay the same over the years.

mod kind;

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use kind::{HappeningKind, UnknownKind};

use super::{
    Destination, EndReason, Extension, LoginMode, Mac, NotShown, Obstacle, OperatorName, Proof,
    QueueLeft, Reason, TeamId,
};

/// One entry of the append-only record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Microseconds since 1970, made unique: later entries have larger numbers.
    pub id: i64,
    /// When, to the second.
    pub at: Timestamp,
    /// Who did it.
    pub by: Actor,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// A caller, at this phone.
    Caller(Mac),
    /// A caller from outside.
    Outside,
    /// Somebody at the command line.
    Command,
    /// Somebody who signed in, or a program with a token.
    Operator(OperatorName),
    /// The daemon itself, as by the users file.
    Daemon,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Happening {
    /// Somebody sat down.
    Login {
        /// Where.
        phone: Mac,
        /// Who.
        user: Extension,
        /// How.
        mode: LoginMode,
    },
    /// A phone fell back to its owner.
    OwnerReturned {
        /// Where.
        phone: Mac,
        /// Who.
        user: Extension,
    },
    /// A desk session ended.
    Logout {
        /// Where.
        phone: Mac,
        /// Who.
        user: Extension,
        /// Why.
        reason: EndReason,
    },
    /// A wrong PIN, or an extension that does not exist or may not log in.
    PinRefused {
        /// Where.
        phone: Mac,
        /// The extension, where it is a user's.
        user: Option<Extension>,
    },
    /// The PIN guard locked something.
    PinLocked {
        /// The phone, where it is part of the lock.
        phone: Option<Mac>,
        /// The extension, where it is part of the lock.
        user: Option<Extension>,
        /// Until when.
        until: Timestamp,
    },
    /// More wrong PINs in the whole site than is normal.
    PinAlarm {
        /// How many within the site's window.
        wrong: u32,
    },
    /// Locks of a user were lifted.
    PinUnlocked {
        /// Whose.
        user: Extension,
    },
    /// A PIN was set.
    PinSet {
        /// Whose.
        user: Extension,
    },
    /// A phone was added or changed.
    PhoneSaved {
        /// Which.
        phone: Mac,
    },
    /// A phone was removed.
    PhoneRemoved {
        /// Which.
        phone: Mac,
    },
    /// Phones were imported, all at once; none of them is told by itself.
    PhonesImported {
        /// How many are new.
        added: usize,
        /// How many differ now.
        changed: usize,
        /// How many owners sat down.
        seated: usize,
    },
    /// A user was added or changed.
    UserSaved {
        /// Which.
        user: Extension,
    },
    /// A user was removed.
    UserRemoved {
        /// Which.
        user: Extension,
    },
    /// The number of a person changed where the person is kept; desk sessions and all else went with it.
    UserMoved {
        /// The extension before.
        from: Extension,
        /// The extension now.
        user: Extension,
    },
    /// The mirror of the directory server was brought up to date, by so much that it is not told by person.
    PeopleMirrored {
        /// New users.
        added: usize,
        /// Users that differ now.
        changed: usize,
        /// Users that are no more; each of them is told by itself too.
        removed: usize,
    },
    /// The teams are described differently by the directory server's groups now.
    TeamsMirrored {
        /// How many are described.
        count: usize,
    },
    /// The directory server gave so few people that it is not believed; the mirror stays.
    PeopleDisbelieved {
        /// How many people the mirror has.
        had: usize,
        /// How many the server gave.
        found: usize,
    },
    /// A phone was asked to restart.
    RestartAsked {
        /// Which.
        phone: Mac,
    },
    /// A phone was asked to fetch its configuration.
    ResyncAsked {
        /// Which.
        phone: Mac,
    },
    /// A phone fetched the file that shows who sits there.
    Shown {
        /// Which.
        phone: Mac,
        /// Who sits there; nobody where absent.
        user: Option<Extension>,
    },
    /// A phone may come, once, with nothing but its MAC address.
    WindowOpened {
        /// Which.
        phone: Mac,
        /// Until when.
        until: Timestamp,
    },
    /// A phone came with nothing but its MAC address, and was given its own URL.
    WindowUsed {
        /// Which.
        phone: Mac,
    },
    /// A phone proved for the first time to be that phone.
    PhoneEnrolled {
        /// Which.
        phone: Mac,
        /// How.
        proof: Proof,
    },
    /// A phone's URL has a new key.
    KeyRotated {
        /// Which.
        phone: Mac,
    },
    /// A phone's key, credentials and SIP secret are worth nothing any more.
    KeyRevoked {
        /// Which.
        phone: Mac,
    },
    /// An operator signed in.
    SignedIn {
        /// From which address.
        from: IpAddr,
    },
    /// An operator signed out.
    SignedOut,
    /// A wrong password at the operators' sign-in, or a name that nobody has.
    SignInRefused {
        /// Whose name it was; absent where it is nobody's, because it may be a password in the wrong field.
        name: Option<OperatorName>,
        /// From which address.
        from: IpAddr,
    },
    /// Wrong tries locked the operators' sign-in.
    SignInLocked {
        /// For this name, from everywhere.
        name: Option<OperatorName>,
        /// For everybody in this network.
        network: Option<IpNet>,
        /// Until when.
        until: Timestamp,
    },
    /// Requests to the phones' listener were refused.
    PhonesRefused {
        /// The network that they came from.
        network: String,
        /// How many since the last such entry of this network.
        count: u64,
    },
    /// A redirection service was told of phones; what of each stands with the phone.
    Redirected {
        /// The service's name in the configuration.
        service: String,
        /// How many phones it sends to us from now on.
        registered: usize,
        /// How many it had with another URL.
        changed: usize,
        /// How many it has forgotten.
        removed: usize,
        /// With how many it did not work.
        failed: usize,
    },
    /// A vendor's templates have a mistake; its phones keep what they have.
    TemplateBroken {
        /// Which vendor.
        vendor: String,
        /// Where and what.
        error: String,
    },
    /// An emergency call was made.
    EmergencyCall {
        /// The phone, or the base of the handset.
        phone: Option<Mac>,
        /// The user name with which the phone or handset registers.
        from: String,
        /// Who sat there.
        user: Option<Extension>,
        /// The emergency number.
        number: String,
        /// The caller ID that it showed.
        caller_id: Option<String>,
        /// What people call the desk.
        desk: Option<String>,
        /// Where it is.
        location: Option<String>,
        /// The FreeSWITCH node.
        node: String,
        /// The channel's Unique-ID.
        call: String,
        /// Whether it was made while we were not there, and was heard of later.
        missed: bool,
    },
    /// No route took an emergency call.
    EmergencyUnreachable {
        /// The phone, or the base of the handset.
        phone: Option<Mac>,
        /// The user name with which the phone or handset registers.
        from: String,
        /// The emergency number.
        number: String,
        /// Where the desk is.
        location: Option<String>,
        /// The FreeSWITCH node.
        node: String,
        /// The channel's Unique-ID.
        call: String,
    },
    /// Somebody from outside called back after an emergency call, and the phone that had made it rang.
    EmergencyCallback {
        /// The phone, or the base of the handset.
        phone: Option<Mac>,
        /// The user name with which the phone or handset registers.
        from: String,
        /// Who sits there.
        user: Option<Extension>,
        /// The number that was called.
        number: String,
        /// The FreeSWITCH node.
        node: String,
        /// The channel's Unique-ID.
        call: String,
    },
    /// A customer called the service number.
    CustomerCalled {
        /// The call's Unique-ID.
        call: String,
        /// The caller's number, as far as it is kept; absent where withheld.
        number: Option<String>,
        /// The name that is shown.
        name: Option<String>,
        /// Where the call goes.
        to: Destination,
        /// Who is rung before.
        agent_first: Option<Extension>,
        /// Why.
        reason: Reason,
        /// Why it did not go elsewhere on the way.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        further: Vec<Reason>,
    },
    /// A customer hung up before it was known where the call goes.
    CustomerHungUp {
        /// The call's Unique-ID.
        call: String,
        /// The caller's number, as far as it is kept.
        number: Option<String>,
    },
    /// An agent took a customer's call.
    CustomerServed {
        /// The call's Unique-ID.
        call: String,
        /// The team in whose queue it was.
        team: TeamId,
        /// For how many seconds it was.
        waited: u32,
        /// Who took it; absent: an agent who is none of our users.
        agent: Option<Extension>,
    },
    /// A customer's call left a queue, and nobody had taken it.
    CustomerLeft {
        /// The call's Unique-ID.
        call: String,
        /// The team in whose queue it was.
        team: TeamId,
        /// For how many seconds it was.
        waited: u32,
        /// Why.
        reason: QueueLeft,
    },
    /// A phone registers from elsewhere than the networks of its location: an emergency call from there would show the
    /// wrong place.
    PhoneMoved {
        /// Which.
        phone: Mac,
        /// From which address, as FreeSWITCH sees it.
        from: IpAddr,
        /// The network of another location that this is in, where there is one.
        network: Option<IpNet>,
        /// Its location.
        location: String,
    },
    /// A phone that had moved registers from its location's networks again.
    PhoneReturned {
        /// Which.
        phone: Mac,
        /// From which address.
        from: IpAddr,
        /// Its location.
        location: String,
    },
    /// A phone does not go on, on its way to a phone that shows who sits there.
    PhoneStuck {
        /// Which.
        phone: Mac,
        /// Since when it is where it is.
        since: Timestamp,
        /// Why.
        obstacle: Obstacle,
    },
    /// A phone does not show who sits there, although it should by now.
    NotShown {
        /// Which.
        phone: Mac,
        /// Why.
        reason: NotShown,
    },
}

impl Happening {
    /// The phone that it happened to, where there is one.
    pub fn phone(&self) -> Option<Mac> {
        match self {
            Self::Login { phone, .. }
            | Self::OwnerReturned { phone, .. }
            | Self::Logout { phone, .. }
            | Self::PinRefused { phone, .. }
            | Self::PhoneSaved { phone }
            | Self::PhoneRemoved { phone }
            | Self::RestartAsked { phone }
            | Self::ResyncAsked { phone }
            | Self::Shown { phone, .. }
            | Self::WindowOpened { phone, .. }
            | Self::WindowUsed { phone }
            | Self::PhoneEnrolled { phone, .. }
            | Self::KeyRotated { phone }
            | Self::KeyRevoked { phone }
            | Self::PhoneMoved { phone, .. }
            | Self::PhoneReturned { phone, .. }
            | Self::PhoneStuck { phone, .. }
            | Self::NotShown { phone, .. } => Some(*phone),
            Self::PinLocked { phone, .. }
            | Self::EmergencyCall { phone, .. }
            | Self::EmergencyUnreachable { phone, .. }
            | Self::EmergencyCallback { phone, .. } => *phone,
            Self::CustomerCalled { .. }
            | Self::CustomerHungUp { .. }
            | Self::CustomerServed { .. }
            | Self::CustomerLeft { .. }
            | Self::PinAlarm { .. }
            | Self::PinUnlocked { .. }
            | Self::PinSet { .. }
            | Self::PhonesImported { .. }
            | Self::UserSaved { .. }
            | Self::UserRemoved { .. }
            | Self::UserMoved { .. }
            | Self::PeopleMirrored { .. }
            | Self::TeamsMirrored { .. }
            | Self::PeopleDisbelieved { .. }
            | Self::SignedIn { .. }
            | Self::SignedOut
            | Self::SignInRefused { .. }
            | Self::SignInLocked { .. }
            | Self::PhonesRefused { .. }
            | Self::Redirected { .. }
            | Self::TemplateBroken { .. } => None,
        }
    }

    /// The user whom it happened to, where there is one.
    pub fn user(&self) -> Option<&Extension> {
        match self {
            Self::Login { user, .. }
            | Self::OwnerReturned { user, .. }
            | Self::Logout { user, .. }
            | Self::PinUnlocked { user }
            | Self::PinSet { user }
            | Self::UserSaved { user }
            | Self::UserRemoved { user }
            | Self::UserMoved { user, .. } => Some(user),
            Self::PinRefused { user, .. }
            | Self::PinLocked { user, .. }
            | Self::Shown { user, .. }
            | Self::EmergencyCall { user, .. }
            | Self::EmergencyCallback { user, .. }
            | Self::CustomerServed { agent: user, .. } => user.as_ref(),
            Self::PeopleMirrored { .. }
            | Self::TeamsMirrored { .. }
            | Self::PeopleDisbelieved { .. }
            | Self::CustomerCalled { .. }
            | Self::CustomerHungUp { .. }
            | Self::CustomerLeft { .. }
            | Self::EmergencyUnreachable { .. }
            | Self::PinAlarm { .. }
            | Self::PhoneSaved { .. }
            | Self::PhoneRemoved { .. }
            | Self::PhonesImported { .. }
            | Self::RestartAsked { .. }
            | Self::ResyncAsked { .. }
            | Self::WindowOpened { .. }
            | Self::WindowUsed { .. }
            | Self::PhoneEnrolled { .. }
            | Self::KeyRotated { .. }
            | Self::KeyRevoked { .. }
            | Self::SignedIn { .. }
            | Self::SignedOut
            | Self::SignInRefused { .. }
            | Self::SignInLocked { .. }
            | Self::PhonesRefused { .. }
            | Self::Redirected { .. }
            | Self::TemplateBroken { .. }
            | Self::PhoneMoved { .. }
            | Self::PhoneReturned { .. }
            | Self::PhoneStuck { .. }
            | Self::NotShown { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen: a field of a happening was called as one of the entry, and no journal could be read again.
    #[test]
    fn no_field_of_a_happening_is_called_as_one_of_the_entry() {
        let phone: Mac = "0004132a0001".parse().unwrap();
        let user: Extension = "1001".parse().unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let all = [
            Happening::Login { phone, user: user.clone(), mode: LoginMode::Only },
            Happening::OwnerReturned { phone, user: user.clone() },
            Happening::Logout { phone, user: user.clone(), reason: EndReason::LoggedOut },
            Happening::PinRefused { phone, user: None },
            Happening::PinLocked { phone: Some(phone), user: Some(user.clone()), until: at },
            Happening::PinAlarm { wrong: 3 },
            Happening::PinUnlocked { user: user.clone() },
            Happening::PinSet { user: user.clone() },
            Happening::PhoneSaved { phone },
            Happening::PhoneRemoved { phone },
            Happening::PhonesImported { added: 1, changed: 2, seated: 3 },
            Happening::UserSaved { user: user.clone() },
            Happening::UserRemoved { user: user.clone() },
            Happening::UserMoved { from: user.clone(), user: user.clone() },
            Happening::PeopleMirrored { added: 1, changed: 2, removed: 3 },
            Happening::PeopleDisbelieved { had: 10, found: 1 },
            Happening::TeamsMirrored { count: 1 },
            Happening::RestartAsked { phone },
            Happening::ResyncAsked { phone },
            Happening::Shown { phone, user: Some(user) },
            Happening::WindowOpened { phone, until: at },
            Happening::WindowUsed { phone },
            Happening::PhoneEnrolled { phone, proof: Proof::Key },
            Happening::KeyRotated { phone },
            Happening::KeyRevoked { phone },
            Happening::SignedIn { from: "192.0.2.9".parse().unwrap() },
            Happening::SignedOut,
            Happening::SignInRefused { name: None, from: "2001:db8::1".parse().unwrap() },
            Happening::SignInLocked {
                name: Some("ada".parse().unwrap()),
                network: Some("192.0.2.0/24".parse().unwrap()),
                until: at,
            },
            Happening::PhonesRefused { network: "192.0.2.0/24".into(), count: 2 },
            Happening::Redirected {
                service: "snom".into(),
                registered: 1,
                changed: 2,
                removed: 3,
                failed: 4,
            },
            Happening::TemplateBroken { vendor: "snom".into(), error: "x".into() },
            Happening::PhoneMoved {
                phone,
                from: "198.51.100.7".parse().unwrap(),
                network: Some("198.51.100.0/24".parse().unwrap()),
                location: "Vienna".into(),
            },
            Happening::PhoneStuck {
                phone,
                since: at,
                obstacle: Obstacle::NeverSeen { redirected: false, window_open: true },
            },
            Happening::PhoneReturned {
                phone,
                from: "192.0.2.7".parse().unwrap(),
                location: "Vienna".into(),
            },
            Happening::CustomerCalled {
                call: "u".into(),
                number: Some("+4315550100".into()),
                name: None,
                to: "queue:sales".parse().unwrap(),
                agent_first: None,
                reason: Reason::UnknownTeam { team: "x".into() },
                further: vec![Reason::LastResort],
            },
            Happening::CustomerHungUp { call: "u".into(), number: None },
            Happening::EmergencyCall {
                phone: Some(phone),
                from: phone.to_string(),
                user: None,
                number: "112".into(),
                caller_id: Some("+43123456".into()),
                desk: None,
                location: Some("Vienna".into()),
                node: "fs1".into(),
                call: "u".into(),
                missed: true,
            },
            Happening::EmergencyUnreachable {
                phone: None,
                from: "x".into(),
                number: "112".into(),
                location: None,
                node: "fs1".into(),
                call: "u".into(),
            },
            Happening::EmergencyCallback {
                phone: Some(phone),
                from: phone.to_string(),
                user: None,
                number: "+43123456".into(),
                node: "fs1".into(),
                call: "u".into(),
            },
            Happening::CustomerServed {
                call: "u".into(),
                team: "sales".parse().unwrap(),
                waited: 3,
                agent: None,
            },
            Happening::CustomerLeft {
                call: "u".into(),
                team: "sales".parse().unwrap(),
                waited: 3,
                reason: QueueLeft::NoAgent,
            },
        ];
        for what in all {
            let entry = JournalEntry { id: 1, at, by: Actor::Caller(phone), what };
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<JournalEntry>(&text).unwrap(), entry, "{text}");
            assert!(text.contains(&format!(r#""what":"{}""#, entry.what.kind())), "{text}");
        }
    }

    #[test]
    fn why_a_phone_does_not_show_it_is_written_in_these_words() {
        let phone: Mac = "0004132a0001".parse().unwrap();
        for (reason, words) in [
            (NotShown::Unregistered, r#""unregistered""#),
            (
                NotShown::Silent { tries: 5, restarted: true },
                r#"{"silent":{"tries":5,"restarted":true}}"#,
            ),
        ] {
            let what = Happening::NotShown { phone, reason };
            let text = serde_json::to_string(&what).unwrap();
            let wanted =
                format!(r#"{{"what":"not-shown","phone":"0004132a0001","reason":{words}}}"#);
            assert_eq!(text, wanted);
            assert_eq!(serde_json::from_str::<Happening>(&text).unwrap(), what);
        }
    }
}
