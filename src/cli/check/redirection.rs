//! What `check` says of the vendors' redirection services, and of the phones that they were told of.

use super::Line;
use crate::app;
use crate::config::Config;
use crate::desk::{Desk, Settings};
use crate::model::{Redirection, RedirectionState};
use crate::provisioning::redirection::settings::Urls;
use crate::provisioning::redirection::{Trouble, Unreadable};
use crate::store::Store;

/// How many phones are named in a line.
const EXAMPLES: usize = 5;

/// Asks each service one thing, and looks at what the store has.
pub(super) async fn lines(config: &Config, store: Option<&Store>, lines: &mut Vec<Line>) {
    let Some(store) = store.filter(|_| !config.redirection.is_empty()) else { return };
    let desk = Desk::new(store.clone(), Settings::default());
    let provisioning = app::provisioning(config, desk);
    let Some(services) = app::redirections(config, &provisioning) else { return };
    for (name, went) in services.probe().await {
        let subject = format!("redirection {name}");
        let service = config.redirection.iter().find(|(known, _)| known.as_str() == name);
        let settings = service.map(|(_, service)| &service.settings);
        let place = settings.map(|s| format!("{} as {}", s.url(), s.user)).unwrap_or_default();
        lines.push(match went {
            Ok(()) => Line::good(&subject, format!("{place} answers")),
            Err(trouble) => Line::wrong(&subject, format!("{place}: {trouble}"), advice(&trouble)),
        });
        told(&subject, &name, store, lines);
        if settings.is_some_and(|settings| settings.urls == Urls::Own)
            && config.phones_url().starts_with("http://")
        {
            let found =
                "the phones' own URLs are http://: whoever is on the way reads their secrets";
            lines.push(Line::look(
                &subject,
                found,
                "phones that come from outside should find TLS: set `provisioning.url` to https://, and `provisioning.tls`",
            ));
        }
    }
}

fn advice(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Unauthorized => {
            "see `user` and the password, and whether the account may use this interface"
        }
        Trouble::Authority { .. } | Trouble::Certificate(_) => {
            "name the service's own authority in `ca`, or install ca-certificates"
        }
        Trouble::Unreadable(Unreadable::Html) | Trouble::SentOn(_) | Trouble::Status(404) => {
            "see `url`: path, port, and the slash at its end; is there a proxy that answers itself?"
        }
        _ => "see `url`, and whether this machine reaches it; what phones have been told stays",
    }
}

/// What the store has of phones that somebody should look at.
fn told(subject: &str, service: &str, store: &Store, lines: &mut Vec<Line>) {
    let memory = store.memory();
    let of = |state| {
        let rows = memory.redirections().filter(move |row| row.service == service);
        rows.filter(move |row: &&Redirection| row.state == state).collect::<Vec<_>>()
    };
    let named = |rows: &[&Redirection]| {
        let names = rows.iter().take(EXAMPLES).map(|row| row.phone.to_string());
        let more = if rows.len() > EXAMPLES { ", …" } else { "" };
        format!("{}{more}", names.collect::<Vec<_>>().join(", "))
    };
    let refused = of(RedirectionState::Refused);
    if !refused.is_empty() {
        let found = format!("{} phones are refused: {}", refused.len(), named(&refused));
        let advice = "`hotdeskd redirection list` tells why; a phone of somebody else's has to be given up there";
        lines.push(Line::look(subject, found, advice));
    }
    let begun = [of(RedirectionState::Registering), of(RedirectionState::Removing)].concat();
    if !begun.is_empty() {
        let found = format!("{} phones were begun and not ended: {}", begun.len(), named(&begun));
        lines.push(Line::look(
            subject,
            found,
            "run `hotdeskd redirection apply`: it goes on there",
        ));
    }
    let registered = of(RedirectionState::Registered).len() + of(RedirectionState::Found).len();
    if registered > 0 {
        lines.push(Line::good(subject, format!("{registered} phones are sent to us")));
    }
}
