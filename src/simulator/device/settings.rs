//! What a simulated phone is, and what its network tells it.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;

use crate::model::Mac;

/// The vendors that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Snom desk phones.
    Snom,
    /// Polycom and Poly: SoundPoint, SoundStation, VVX, Edge.
    Polycom,
    /// Yealink desk phones.
    Yealink,
    /// Grandstream desk phones.
    Grandstream,
    /// Fanvil desk phones.
    Fanvil,
    /// Cisco and Linksys: SPA and multiplatform phones.
    Cisco,
}

/// What a simulated phone is, and what its network tells it.
#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// Who made it.
    pub vendor: Vendor,
    /// The model as its User-Agent says it: `D785`, `320`; `VVX_500`, `SPIP_335`, `Edge_E450`; `T54W`;
    /// `SPA504G`, `8851`; `GXP2135`; `X4U`.
    pub model: String,
    /// Its MAC address.
    pub mac: Mac,
    /// Polycom's part number (`3111-44500-001`), which names its firmware file.
    pub part_number: Option<String>,
    /// The version that runs on it when it leaves the factory.
    pub firmware: String,
    /// What DHCP says (options 66 and 67, or 160), as it stands there: Snom expands `{mac}` itself.
    pub dhcp: Option<String>,
    /// The URL that the vendor's redirection service was told for this phone. The service itself is
    /// never asked: nothing of the simulator leaves the machine by itself.
    pub redirection: Option<String>,
    /// The URL that a PnP responder gives.
    pub pnp: Option<String>,
    /// PEM of the authorities that the phone believes. Without them a Snom believes every server, as it
    /// does when it leaves the factory, and any other none.
    pub ca: Option<String>,
    /// The certificate from the factory.
    pub certificate: Option<DeviceCertificate>,
    /// No request takes longer.
    pub deadline: Duration,
}

impl DeviceSettings {
    /// A phone with that vendor's usual firmware, on a network that tells it nothing.
    pub fn new(vendor: Vendor, model: impl Into<String>, mac: Mac) -> Self {
        let (firmware, part_number) = match vendor {
            Vendor::Snom => ("10.1.33.33", None),
            Vendor::Polycom => ("5.9.7.3480", Some("3111-44500-001".to_owned())),
            Vendor::Yealink => ("96.86.0.100", None),
            Vendor::Grandstream => ("1.0.7.97", None),
            Vendor::Fanvil => ("2.12.20", None),
            Vendor::Cisco => ("7.4.4", None),
        };
        Self {
            vendor,
            model: model.into(),
            mac,
            part_number,
            firmware: firmware.into(),
            dhcp: None,
            redirection: None,
            pnp: None,
            ca: None,
            certificate: None,
            deadline: Duration::from_secs(10),
        }
    }
}

/// The certificate that the factory put into a phone.
#[derive(Clone)]
pub struct DeviceCertificate {
    /// PEM of the certificate, and of those between it and the authority.
    pub chain: String,
    /// PEM of the key.
    pub key: SecretString,
}

impl fmt::Debug for DeviceCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceCertificate")
    }
}

/// Numbers of a version, for comparison: `10.1.33.33` is above `8.7.5.35`.
pub(super) fn version(text: &str) -> Vec<u32> {
    text.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version("10.1.33.33") > version("8.7.5.35"));
        assert!(version("10.1.169.16") >= version("10.1.169"));
        assert!(version("4.0.15.1009") < version("4.1"));
    }
}
