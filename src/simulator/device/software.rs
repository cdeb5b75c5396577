//! What a vendor wrote: the one place that knows which vendors there are.

use super::Error;
use super::cisco::Cisco;
use super::fanvil::Fanvil;
use super::gigaset::Gigaset;
use super::grandstream::Grandstream;
use super::http::Session;
use super::polycom::Polycom;
use super::report::{Contact, Display, Identity};
use super::settings::{DeviceSettings, Vendor};
use super::snom::Snom;
use super::web::WebLogin;
use super::yealink::Yealink;

/// The software of a phone with all that is in its flash.
#[derive(Clone)]
pub(super) enum Software {
    Snom(Box<Snom>),
    Polycom(Box<Polycom>),
    Yealink(Box<Yealink>),
    Cisco(Box<Cisco>),
    Grandstream(Box<Grandstream>),
    Fanvil(Box<Fanvil>),
    Gigaset(Box<Gigaset>),
}

/// Why a phone fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It starts.
    PowerOn,
    /// It was told to look, and goes on running.
    Reload,
}

/// Where a fetch chain ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    /// The last server that gave a file; empty when none did.
    pub(super) from: String,
    /// The phone started anew by itself on the way.
    pub(super) rebooted: bool,
}

/// What a phone does about a NOTIFY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Ignore,
    Reload,
    Reboot,
    Reregister,
    ForgetAll,
    ForgetContacts,
}

/// What a person does at the phone.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Dnd(bool),
    Forwarding(Option<String>),
    Setting(String, u8, String),
    /// The same, whatever the server allows.
    Overwrite(String, u8, String),
    Dialled(String),
    Contact(Contact),
}

impl Software {
    /// A phone out of its box.
    pub(super) fn factory(settings: &DeviceSettings) -> Result<Self, Error> {
        Ok(match settings.vendor {
            Vendor::Snom => Self::Snom(Box::new(Snom::factory(settings)?)),
            Vendor::Polycom => Self::Polycom(Box::new(Polycom::factory(settings)?)),
            Vendor::Yealink => Self::Yealink(Box::new(Yealink::factory(settings)?)),
            Vendor::Cisco => Self::Cisco(Box::new(Cisco::factory(settings)?)),
            Vendor::Grandstream => Self::Grandstream(Box::new(Grandstream::factory(settings)?)),
            Vendor::Fanvil => Self::Fanvil(Box::new(Fanvil::factory(settings)?)),
            Vendor::Gigaset => Self::Gigaset(Box::new(Gigaset::factory(settings)?)),
        })
    }

    /// Finds a server and fetches.
    pub(super) async fn start(
        &mut self,
        how: Start,
        settings: &DeviceSettings,
        session: &mut Session,
    ) -> Ended {
        match self {
            Self::Snom(snom) => snom.start(settings, session).await,
            Self::Polycom(polycom) => polycom.start(how, settings, session).await,
            Self::Yealink(yealink) => yealink.start(settings, session).await,
            Self::Cisco(cisco) => cisco.start(how, settings, session).await,
            Self::Grandstream(grandstream) => grandstream.start(settings, session).await,
            Self::Fanvil(fanvil) => fanvil.start(settings, session).await,
            Self::Gigaset(gigaset) => gigaset.start(settings, session).await,
        }
    }

    /// False when the phone does not let the person.
    pub(super) async fn change(&mut self, change: Change, session: &mut Session) -> bool {
        match self {
            Self::Snom(snom) => snom.change(change),
            Self::Polycom(polycom) => polycom.change(change, session).await,
            Self::Yealink(yealink) => yealink.change(change),
            Self::Cisco(cisco) => cisco.change(change),
            Self::Grandstream(grandstream) => grandstream.change(change),
            Self::Fanvil(fanvil) => fanvil.change(change),
            Self::Gigaset(gigaset) => gigaset.change(change),
        }
    }

    /// What a NOTIFY makes it do.
    pub(super) fn heard(&self, event: &str) -> Action {
        match self {
            Self::Snom(snom) => snom.heard(event),
            Self::Polycom(polycom) => polycom.heard(event),
            Self::Yealink(yealink) => yealink.heard(event),
            Self::Cisco(cisco) => cisco.heard(event),
            Self::Grandstream(grandstream) => grandstream.heard(event),
            Self::Fanvil(fanvil) => fanvil.heard(event),
            Self::Gigaset(gigaset) => gigaset.heard(event),
        }
    }

    /// Only a Snom can be asked for it.
    pub(super) fn forget_contacts(&mut self) {
        if let Self::Snom(snom) = self {
            snom.forget_contacts();
        }
    }

    /// Whether settings, keys or phone book are others.
    pub(super) fn differs(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Snom(now), Self::Snom(before)) => now.differs(before),
            (Self::Polycom(now), Self::Polycom(before)) => now.differs(before),
            (Self::Yealink(now), Self::Yealink(before)) => now.differs(before),
            (Self::Cisco(now), Self::Cisco(before)) => now.differs(before),
            (Self::Grandstream(now), Self::Grandstream(before)) => now.differs(before),
            (Self::Fanvil(now), Self::Fanvil(before)) => now.differs(before),
            (Self::Gigaset(now), Self::Gigaset(before)) => now.differs(before),
            _ => true,
        }
    }

    /// What it would register with.
    pub(super) fn identity(&self) -> Option<Identity> {
        match self {
            Self::Snom(snom) => snom.identity(),
            Self::Polycom(polycom) => polycom.identity(),
            Self::Yealink(yealink) => yealink.identity(),
            Self::Cisco(cisco) => cisco.identity(),
            Self::Grandstream(grandstream) => grandstream.identity(),
            Self::Fanvil(fanvil) => fanvil.identity(),
            Self::Gigaset(gigaset) => gigaset.identity(),
        }
    }

    /// What a person sees.
    pub(super) fn display(&self) -> Display {
        match self {
            Self::Snom(snom) => snom.display(),
            Self::Polycom(polycom) => polycom.display(),
            Self::Yealink(yealink) => yealink.display(),
            Self::Cisco(cisco) => cisco.display(),
            Self::Grandstream(grandstream) => grandstream.display(),
            Self::Fanvil(fanvil) => fanvil.display(),
            Self::Gigaset(gigaset) => gigaset.display(),
        }
    }

    /// A value under its name; `index` is for Snom accounts.
    pub(super) fn setting(&self, name: &str, index: u8) -> Option<String> {
        match self {
            Self::Snom(snom) => snom.setting(name, index).map(str::to_owned),
            Self::Polycom(polycom) => polycom.parameter(name).map(str::to_owned),
            Self::Yealink(yealink) => yealink.parameter(name).map(str::to_owned),
            Self::Cisco(cisco) => cisco.parameter(name).map(str::to_owned),
            Self::Grandstream(grandstream) => grandstream.setting(name).map(str::to_owned),
            Self::Fanvil(fanvil) => fanvil.setting(name).map(str::to_owned),
            Self::Gigaset(gigaset) => gigaset.value(name).map(str::to_owned),
        }
    }

    /// Who may see its web pages; `None`: anybody, or nobody knows of any.
    pub(super) fn web_login(&self) -> Option<WebLogin> {
        match self {
            Self::Snom(snom) => snom.web_login(),
            _ => None,
        }
    }

    /// A page of its web server.
    pub(super) fn page(&self, path: &str) -> Option<String> {
        match self {
            Self::Snom(snom) => snom.page(path),
            _ => None,
        }
    }

    /// The User-Agent of its SIP messages.
    pub(super) fn sip_agent(&self) -> String {
        match self {
            Self::Snom(snom) => snom.sip_agent(),
            Self::Polycom(polycom) => polycom.sip_agent(),
            Self::Yealink(yealink) => yealink.sip_agent(),
            Self::Cisco(cisco) => cisco.sip_agent(),
            Self::Grandstream(grandstream) => grandstream.sip_agent(),
            Self::Fanvil(fanvil) => fanvil.sip_agent(),
            Self::Gigaset(gigaset) => gigaset.http_agent(),
        }
    }
}
