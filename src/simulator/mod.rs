//! The other end, for `demo`, `hotdeskd call` and the tests: a FreeSWITCH and the phones behind it.
//!
//! Written from the captured messages and the facts about FreeSWITCH, and nothing else: this room uses
//! none of our others but `model`, so that one mistake cannot live on both sides of a socket.
//!
//! * [`FreeSwitch`] - one node: `mod_event_socket` inbound and outbound, `mod_xml_curl`, registrations,
//!   voicemail PINs, API commands;
//! * [`Phone`], [`Call`] - who registers, and the person who calls: hears prompts, types keys, hangs up;
//! * `packet` reads a daemon's bytes as FreeSWITCH does, one by one; `listener` answers them;
//! * `channel` runs a call: applications, events, hang-up; `expand` is what makes outside text dangerous;
//! * [`device`] - a phone that configures itself over HTTP and registers with what it was given;
//! * `callcenter` - queues, agents, and callers who wait for them;
//! * `directory`, `registrar`, `dial` - what FreeSWITCH asks about users, and does with the answers.
//!
//! The simulator keeps FreeSWITCH's traps: `+OK` for what will never happen, a call that ends at an
//! unknown application, a socket that closes at the 257th queued command, text that is expanded.
//! Everything that the other side can send is bounded, and every wait has a deadline.

mod api;
mod call;
mod callcenter;
mod channel;
pub mod device;
mod dial;
mod directory;
mod emergency;
mod event;
mod expand;
mod freeswitch;
mod listener;
mod node;
mod notify;
mod packet;
mod registrar;
mod settings;
mod template;

pub use api::BracketAnswer;
pub use call::{Call, CallSetup, Heard, Outcome};
pub use callcenter::Offer;
pub use dial::{DialError, Leg, Ringing, Target};
pub use directory::{Answered, Question};
pub use freeswitch::FreeSwitch;
pub use notify::{Notify, Origin};
pub use registrar::{AuthError, Phone, Registration};
pub use settings::{Actions, Dialplan, Settings, StaticDirectory, XmlCurl};
