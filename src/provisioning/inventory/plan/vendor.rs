//! Whose phone it is: as a line says, and as its MAC address says.

use std::sync::Arc;

use super::{Finding, Planner, SHORT};
use crate::model::{Mac, Phone};
use crate::provisioning::inventory::row::PhoneRow;
use crate::provisioning::vendor::Vendor;

impl Planner<'_> {
    /// The vendor: as the column says, else as it is, else by the MAC address.
    pub(super) fn vendor(
        &mut self,
        row: &PhoneRow,
        old: Option<&Phone>,
    ) -> Result<Option<String>, String> {
        let by_mac = self.vendor_of_mac(row.mac);
        let said = match (&row.vendor, old) {
            (Some(Some(said)), _) => said,
            (None, Some(old)) => return Ok(old.vendor.clone()),
            // Nothing stored means the same as what the MAC address says.
            (Some(None), Some(old)) if old.vendor.is_none() => return Ok(None),
            _ => return Ok(by_mac),
        };
        let mut warnings = Vec::new();
        let vendor = match self.vendor_called(said) {
            Some(known) => known,
            None => {
                let name = said.trim().to_lowercase();
                let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                let names: Vec<&str> = self.vendors.all().map(|vendor| vendor.name()).collect();
                let known = names.join(", ");
                if name.is_empty() || name.len() > SHORT || !name.bytes().all(is_name) {
                    return Err(format!(
                        "expected the name of a vendor; there are templates for {known}"
                    ));
                }
                warnings.push(format!(
                    "there are no templates for the vendor `{name}`, only for {known}"
                ));
                name
            }
        };
        if let Some(by_mac) = by_mac.filter(|by_mac| *by_mac != vendor) {
            warnings
                .push(format!("the vendor is {vendor}, but the MAC address is one of {by_mac}"));
        }
        let (line, mac) = (row.line, row.mac);
        self.plan.counts.warnings += usize::from(!warnings.is_empty());
        let findings = warnings.into_iter().map(|told| Finding::Warning { line, mac, told });
        self.plan.findings.extend(findings);
        Ok(Some(vendor))
    }

    fn vendor_of_mac(&mut self, mac: Mac) -> Option<String> {
        let vendors = &self.vendors;
        let by_mac = || vendors.of_mac(mac).map(|vendor| vendor.name().to_owned());
        self.of_oui.entry(mac.oui()).or_insert_with(by_mac).clone()
    }

    /// The vendor whom people call that: by the folder, by the title, or by the first word of a company's name.
    fn vendor_called(&self, said: &str) -> Option<String> {
        let said = said.trim();
        // `snom-x` is a name of its own.
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '(');
        let first = said.split(ends).next().unwrap_or_default();
        let by_title = |said: &str| {
            let is = |vendor: &&Arc<Vendor>| vendor.title().eq_ignore_ascii_case(said);
            self.vendors.all().find(is)
        };
        let found = self.vendors.get(said).or_else(|| by_title(said));
        let found = found.or_else(|| self.vendors.get(first)).or_else(|| by_title(first));
        found.map(|vendor| vendor.name().to_owned())
    }
}
