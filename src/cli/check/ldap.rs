//! What `check` says of the LDAP server, and of the mirror of it.

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use super::Line;
use crate::app;
use crate::cli::output;
use crate::config::Config;
use crate::desk::{Desk, Settings};
use crate::people::ldap::{LdapSettings, Looked};
use crate::store::Store;

/// From which age on a mirror is worth a look: twice as old as the store's own idea of it may be.
const OLD: SignedDuration = SignedDuration::from_mins(10);

/// Reads everybody, and changes nothing.
pub(super) async fn lines(config: &Config, store: Option<&Store>, lines: &mut Vec<Line>) {
    let (Some(ldap), Some(store)) = (&config.ldap, store) else { return };
    let desk = Desk::new(store.clone(), Settings::default());
    let Some(mirror) = app::ldap_mirror(config, &desk, Handle::current()) else { return };
    match mirror.look().await {
        Ok(looked) => server(&ldap.settings, &looked, lines),
        Err(error) => {
            let advice = "everything works on from the mirror; see that the server runs, and the table [people.ldap]";
            lines.push(Line::wrong("LDAP server", error.to_string(), advice));
        }
    }
    age(store, lines);
}

fn server(ldap: &LdapSettings, looked: &Looked, lines: &mut Vec<Line>) {
    let Looked { server, follows, people, skipped, examples, referrals } = looked;
    let as_whom = match (&ldap.bind_dn, ldap.external) {
        (_, true) => "SASL EXTERNAL",
        (Some(dn), _) => dn,
        (None, _) => "nobody",
    };
    let how = match follows {
        true => "tells what changes".to_owned(),
        false => format!("is asked every {} seconds", ldap.poll_seconds.get()),
    };
    let found = format!("{server} as {as_whom}: {people} people below {}; it {how}", ldap.base);
    lines.push(match people {
        0 => {
            Line::look("LDAP server", found, "see `base` and `filter`, and what this user may read")
        }
        _ => Line::good("LDAP server", found),
    });
    for example in examples {
        let found = format!("{}: {}", example.dn, example.why);
        lines.push(Line::look("LDAP entry", found, ""));
    }
    if *skipped > examples.len() {
        let more = skipped - examples.len();
        lines.push(Line::look("LDAP entry", format!("{more} more are not taken over"), ""));
    }
    if *referrals > 0 {
        let found = format!("{referrals} referrals to other servers, which are not followed");
        lines.push(Line::look(
            "LDAP server",
            found,
            "name the server that has these people, if they are to be here",
        ));
    }
}

/// How the mirror is, as the store has it.
fn age(store: &Store, lines: &mut Vec<Line>) {
    let memory = store.memory();
    let people = memory.people().len();
    let Some(state) = memory.mirror() else {
        let advice = "`hotdeskd serve` makes it, or `hotdeskd users sync`";
        lines.push(Line::look("LDAP mirror", "there is none yet", advice));
        return;
    };
    if let Some(doubted) = state.disbelieved {
        let (found, had) = (doubted.found, doubted.had);
        let found = format!(
            "since {} the server gives {found} people where there were {had}; that is not believed",
            output::time(doubted.at)
        );
        lines.push(Line::wrong(
            "LDAP mirror",
            found,
            "if it is right, run `hotdeskd users sync --accept`",
        ));
    }
    let at = state.current_at.map_or_else(|| "never".to_owned(), output::time);
    let found = format!("{people} people, as of {at}");
    let is_old = state.current_at.is_none_or(|at| at + OLD < Timestamp::now());
    lines.push(match is_old {
        true => Line::look(
            "LDAP mirror",
            found,
            "is the daemon running, and does the server answer it?",
        ),
        false => Line::good("LDAP mirror", found),
    });
}
