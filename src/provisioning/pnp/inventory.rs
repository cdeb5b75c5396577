//! Which phones are answered: those of the inventory, and whoever asks from a network that is allowed.

use std::net::IpAddr;

use ipnet::IpNet;

use super::answer::{Asked, Phones, Silence};
use super::identity::Identity;
use crate::model::Mac;
use crate::provisioning::Provisioning;

/// The inventory as it is now.
#[derive(Clone)]
pub(super) struct Inventory {
    pub provisioning: Provisioning,
    /// From where phones are answered that are not in it.
    pub networks: Vec<IpNet>,
}

impl Phones for Inventory {
    fn known(&self, mac: Mac, identity: &Identity, from: IpAddr) -> Result<Asked, Silence> {
        let phone = self.provisioning.store().memory().phone(mac).cloned();
        // No maker gives out such an address; `hotdeskd check` asks by one, and wants to hear others only.
        let is_allowed = || !mac.is_local() && self.networks.iter().any(|net| net.contains(&from));
        if phone.is_none() && !is_allowed() {
            return Err(Silence::Stranger);
        }
        let is_ours = phone.is_some();
        let vendors = self.provisioning.vendors();
        let agent = self.provisioning.read_agent(&identity.agent);
        let by_event = || vendors.get(identity.vendor.as_deref()?).cloned();
        let vendor = match phone {
            Some(phone) => self.provisioning.vendor_of(&phone, agent.as_ref()),
            None => vendors.of_mac(mac).or_else(|| vendors.get(&agent?.vendor)).cloned(),
        };
        // A phone whose maker's name stands in the inventory is that maker's, whatever it says.
        let vendor = vendor.or_else(by_event).ok_or(Silence::NoVendor)?;
        let url = self.provisioning.bootstrap_url(&vendor).ok_or(Silence::NoVendor)?;
        let header = vendor.discovery().and_then(|discovery| discovery.pnp_header.clone());
        Ok(Asked { mac, is_ours, url, header, agent: identity.agent.clone() })
    }
}
