//! Conversations with callers, over the PIN check that the configuration names.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::calls::{
    CheckFailed, Conversations, CustomerService, HashedPin, PinCheck, VoicemailPin,
};
use crate::config::Config;
use crate::desk::{Desk, PinMethod};
use crate::event_socket::{self, ServerSettings, Session};
use crate::model::Extension;
use crate::people::ldap::LdapPassword;

/// The conversations of all calls, until `shutdown` and the end of those that run.
pub(super) fn hold(
    listener: TcpListener,
    config: &Config,
    desk: Desk,
    service: Option<CustomerService>,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let check: Arc<dyn PinCheck> = match config.pin.method {
        PinMethod::Voicemail => Arc::new(VoicemailPin {
            desk: desk.clone(),
            profile: config.pin.voicemail_profile.clone(),
            domain: config.domain.clone(),
            old_pin_valid: config.pin.old_pin_valid,
        }),
        PinMethod::Hash => Arc::new(HashedPin { desk: desk.clone() }),
        PinMethod::Ldap => match &config.ldap {
            Some(ldap) => Arc::new(LdapPin(LdapPassword::new(desk.clone(), ldap.access()))),
            // The configuration has none without the other.
            None => Arc::new(HashedPin { desk: desk.clone() }),
        },
    };
    let mut conversations =
        Conversations::new(desk, config.prompts.clone(), config.pin.clone(), check);
    if let Some(service) = service {
        conversations = conversations.with_customers(service);
    }
    let settings =
        ServerSettings { allow: config.event_socket.allow.clone(), ..ServerSettings::default() };
    event_socket::serve(listener, settings, shutdown, move |session| {
        let conversations = conversations.clone();
        async move { conversations.hold(session).await }
    })
}

/// The PIN as a password at the LDAP server.
struct LdapPin(LdapPassword);

impl PinCheck for LdapPin {
    fn check<'a>(
        &'a self,
        _session: &'a Session,
        user: &'a Extension,
        digits: &'a SecretString,
    ) -> BoxFuture<'a, Result<bool, CheckFailed>> {
        async move {
            let checked = self.0.check(user, digits).await;
            checked.map_err(|error| CheckFailed::Elsewhere(error.to_string()))
        }
        .boxed()
    }
}
