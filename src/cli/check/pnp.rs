//! SIP PnP: whether phones can be heard, where, and whether somebody else answers them.

use tokio::net::UdpSocket;

use super::Line;
use crate::config::Config;
use crate::provisioning::pnp::{GROUP, PORT, present, probe};

/// The lines about it; one where it is off.
pub(super) async fn lines(config: &Config, lines: &mut Vec<Line>) {
    let pnp = &config.pnp;
    if !pnp.enabled {
        lines.push(Line::good("SIP PnP", "off: phones that ask their network hear nothing of us"));
        return;
    }
    if let Some(listen) = &pnp.listen {
        let address = listen.address;
        lines.push(match UdpSocket::bind(address).await {
            Ok(_) => Line::good("pnp.listen", format!("{address} is free")),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                Line::good("pnp.listen", format!("something listens at {address}"))
            }
            Err(error) => Line::wrong(
                "pnp.listen",
                format!("{address}: {error}"),
                "name an address of this machine",
            ),
        });
    }
    if pnp.multicast {
        interfaces(config, lines).await;
    }
}

async fn interfaces(config: &Config, lines: &mut Vec<Line>) {
    let wanted = &config.pnp.interfaces;
    let found = match present(wanted) {
        Ok(found) => found,
        Err(error) => {
            lines.push(Line::wrong(
                "SIP PnP",
                format!("the interfaces cannot be listed: {error}"),
                "",
            ));
            return;
        }
    };
    if found.is_empty() {
        let advice = "correct `pnp.interfaces`; an interface needs an IPv4 address";
        lines.push(Line::wrong("SIP PnP", "there is no such interface", advice));
    }
    for probed in futures_util::future::join_all(found.into_iter().map(probe)).await {
        let place = format!("{} ({})", probed.interface.name, probed.interface.address);
        lines.push(match probed.joined {
            Ok(()) => Line::good("SIP PnP", format!("{place}: phones can be heard")),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Line::wrong(
                "SIP PnP",
                format!(
                    "{place}: something has port {PORT} of {GROUP}, or of every address, for itself"
                ),
                "have it listen at one address (FreeSWITCH: `sip-ip`)",
            ),
            Err(error) => Line::wrong(
                "SIP PnP",
                format!("{place}: {GROUP} cannot be joined: {error}"),
                "name the phones' interfaces in `pnp.interfaces`",
            ),
        });
        for (other, name) in probed.others {
            let name = if name.is_empty() { String::new() } else { format!(" ({name})") };
            lines.push(Line::look(
                "SIP PnP",
                format!("{place}: {other}{name} answers as well"),
                "phones take whoever is first: switch it off there (FreeSWITCH: `manage-presence=pnp`), or here",
            ));
        }
    }
}
