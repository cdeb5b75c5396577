//! The table `[pnp]`: phones that ask everybody in their network where their files are.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Checker;
use super::listener::{Listener, networks};
use crate::model::{Bounded, TomlFault};
use crate::provisioning::pnp::{GROUP, Interface, PORT, Settings};

/// The table as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpSettings {
    /// Whether phones that ask are answered.
    pub enabled: bool,
    /// Whether those are that ask everybody (224.0.1.75).
    pub multicast: bool,
    /// At which interfaces; all but loopback where it is empty.
    pub interfaces: Vec<Interface>,
    /// Where phones may ask us and not everybody; nowhere where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<Listener>,
    /// From where phones are answered that are not in the inventory.
    #[serde(deserialize_with = "networks")]
    pub networks: Vec<IpNet>,
    /// How many phones are answered a second at the most, at each interface.
    pub per_second: Bounded<1, 10_000, 500>,
}

impl Default for PnpSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            multicast: true,
            interfaces: Vec::new(),
            listen: None,
            networks: Vec::new(),
            per_second: Bounded::default(),
        }
    }
}

impl PnpSettings {
    /// As the room has them.
    pub fn settings(&self) -> Settings {
        Settings {
            multicast: self.multicast,
            interfaces: self.interfaces.clone(),
            networks: self.networks.clone(),
            per_second: self.per_second.get(),
        }
    }
}

impl Checker<'_> {
    /// What serde cannot check.
    pub(super) fn pnp(&self, pnp: PnpSettings) -> Result<PnpSettings, TomlFault> {
        if pnp.enabled && !pnp.multicast && pnp.listen.is_none() {
            return Err(self.text.fault(
                "pnp.enabled",
                "found neither `multicast` nor `listen` beside it, expected one of them".to_owned(),
                "Take `multicast = false` out, or say with `listen` where phones ask.".to_owned(),
            ));
        }
        if pnp.enabled
            && pnp.multicast
            && let Some(listen) = &pnp.listen
            && listen.address.ip().is_unspecified()
            && listen.address.port() == PORT
        {
            return Err(self.text.fault(
                "pnp.listen",
                format!("found port {PORT} at every address, expected another port or one address"),
                format!("What phones say to {GROUP} would come there as well, and FreeSWITCH has that port."),
            ));
        }
        Ok(pnp)
    }
}
