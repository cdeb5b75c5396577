//! Values and rules: what a MAC address, an extension, a user, a phone and a desk session are, and
//! what may happen to them.
//!
//! No IO, no async, no clock: where a rule needs the time, `now` is an argument. Every other room may
//! use this one; this one uses none.

mod auto_logout;
mod bounded;
mod caller_number;
mod customer;
mod customer_route;
mod desk_session;
mod directory_entry;
mod domain;
mod emergency_call;
mod emergency_test;
mod enrolment;
mod extension;
mod flow;
mod journal;
mod journal_words;
mod location;
mod mac;
mod opening_hours;
mod operator;
mod person;
mod phone;
mod phone_request;
mod phone_settings;
mod pin;
mod pin_guard;
mod queue;
mod queue_call;
mod redirection;
mod routing;
mod sip_identity;
mod tag;
mod team;
mod toml_text;
mod user;
mod wanted;
mod way;
mod webhook;

pub use auto_logout::{AutoLogout, InvalidAutoLogout, InvalidTimeOfDay, LogoutSettings, TimeOfDay};
pub use bounded::Bounded;
pub use caller_number::{
    Caller, E164Number, HomeCountry, NumberPlan, PlainNumbers, Spelling, UnknownCountry,
};
pub use customer::{Customer, LookUp, LookUpFailure, NotAsked};
pub use customer_route::{
    CallerId, Decision, LastAgent, Otherwise, Reason, RouteSettings, TeamsNow, decide,
};
pub use desk_session::{
    Change, DeskSession, EndReason, Floor, LoginMode, Refusal, Seat, SessionOrigin,
};
pub use directory_entry::{
    DirectoryEntry, DirectoryRules, UNUSABLE_HASH_BYTES, UnusableHash, a1_hash, escape_xml,
    is_reserved_param, is_reserved_variable,
};
pub use domain::{Domain, InvalidDomain};
pub use emergency_call::{EmergencyCall, EmergencyStage};
pub use emergency_test::{EmergencyFailing, EmergencyProblem, EmergencyTest};
pub use enrolment::{Enrolment, Proof};
pub use extension::{Extension, InvalidExtension};
pub use flow::Flow;
pub use journal::{Actor, Happening, HappeningKind, JournalEntry, UnknownKind};
pub use location::{Location, Locations, Place};
pub use mac::{InvalidMac, Mac};
pub use opening_hours::{
    Holiday, Hours, InvalidHoliday, InvalidHours, InvalidZone, Opening, Zone, opening,
};
pub use operator::{InvalidOperatorName, OperatorName, Role};
pub use person::{
    Disbelieved, InvalidPersonKey, MirrorPlace, MirrorState, Person, PersonKey, Skipped, Supplied,
};
pub use phone::{CallerNumber, Emergency, InvalidCallerNumber, Phone};
pub use phone_request::{PhoneRefusal, PhoneRequest, Shown, Told};
pub use phone_settings::{
    FunctionKey, InvalidKeyNumber, InvalidSettingName, KeyKind, KeyNumber, PhoneSettings,
    SettingName, SettingValue,
};
pub use pin::{Pin, PinFault};
pub use pin_guard::{
    Counter, GuardKey, GuardLimit, GuardSettings, GuardState, GuardVerdict, site_delay,
};
pub use queue::{
    Agent, AgentReport, AgentStatus, CallCenter, CallCenterRules, InvalidMusic, InvalidQueueNumber,
    InvalidQueueParam, Made, MadeKind, ModuleSettings, Music, NodeQueues, Queue, QueueLists,
    QueueModule, QueueNumber, QueueParams, QueueReport, QueueSettings, QueueStep, Standing, Tier,
    Waits,
};
pub use queue_call::{LAST_AGENT_CONTEXT, QUEUES_CONTEXT, QueueCall, QueueLeft, QueueOutcome};
pub use redirection::{Redirection, RedirectionState};
pub use routing::{AwayDestination, InvalidAwayDestination, Rings, dial_string, spoken_name};
pub use sip_identity::{Handset, MOST_HANDSETS, NoSipIdentity, SipIdentity};
pub use tag::{InvalidTag, MOST_TAGS, Tag, Tags};
pub use team::{
    Destination, InvalidDestination, InvalidTeamId, QueueOptions, Strategy, TeamId, TeamSettings,
    Teams,
};
pub use toml_text::{TomlFault, TomlText};
pub use user::{GroupName, InvalidGroupName, Pairs, User, UserRecord, UserSource, Variables};
pub use wanted::{Attempts, NotShown, Wanted, WantedKind};
pub use way::{
    Asked, NodeRegistrations, Obstacle, PhoneContact, PhoneRegistration, Redirected, RegisteredAs,
    Stage, Step, Stuck, UnknownStage, Way, WayFacts, WayLimits,
};
pub use webhook::{
    Backlog, Delivery, DeliveryState, DeliveryView, Subscription, UnknownEvent, WebhookEvent,
};
