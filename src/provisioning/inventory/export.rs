//! The inventory as CSV, to be read by people, by spreadsheets, and by an import, which it changes nothing of.
//!
//! A spreadsheet reads a cell that begins with `=`, `+`, `-` or `@` as a formula, and whoever may name a desk could
//! have it run one. So such a cell begins with an apostrophe, and so does one that begins with an apostrophe before one of
//! these; reading takes one away. It also keeps the `+` of a number.

use std::io::Write;

use super::columns::Column;
use crate::model::{AutoLogout, Emergency, Extension, Mac, Phone, Tag, Tags};

/// What of a phone stands in an inventory.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'p> {
    /// Its MAC address.
    pub mac: Mac,
    /// The vendor.
    pub vendor: Option<&'p str>,
    /// The model.
    pub model: Option<&'p str>,
    /// What people call the place.
    pub label: Option<&'p str>,
    /// What an emergency service is shown.
    pub emergency: &'p Emergency,
    /// Whom it falls back to.
    pub owner: Option<&'p Extension>,
    /// The extension that rings the device itself.
    pub desk_extension: Option<&'p Extension>,
    /// Whether others than the owner may log in.
    pub hot_desk: bool,
    /// The operator's words for groups of phones.
    pub tags: &'p Tags,
    /// When people are logged out there by themselves, where that is not as for the whole site.
    pub logout: Option<AutoLogout>,
}

impl<'p> From<&'p Phone> for Listed<'p> {
    fn from(phone: &'p Phone) -> Self {
        Self {
            mac: phone.mac,
            vendor: phone.vendor.as_deref(),
            model: phone.model.as_deref(),
            label: phone.label.as_deref(),
            emergency: &phone.emergency,
            owner: phone.owner.as_ref(),
            desk_extension: phone.desk_extension.as_ref(),
            hot_desk: phone.hot_desk,
            tags: &phone.tags,
            logout: phone.logout,
        }
    }
}

impl Listed<'_> {
    /// What stands in a column, before it is made safe for spreadsheets.
    pub(super) fn cell(&self, column: Column) -> String {
        let text = |text: Option<&str>| text.map(clean).unwrap_or_default();
        let number = |number: Option<&Extension>| number.map(ToString::to_string);
        match column {
            Column::Mac => self.mac.to_string(),
            Column::Vendor => text(self.vendor),
            Column::Model => text(self.model),
            Column::Label => text(self.label),
            Column::Location => text(self.emergency.location.as_deref()),
            Column::EmergencyCallerId => {
                let number = self.emergency.caller_id.as_ref();
                number.map(ToString::to_string).unwrap_or_default()
            }
            Column::Owner => number(self.owner).unwrap_or_default(),
            Column::DeskExtension => number(self.desk_extension).unwrap_or_default(),
            Column::HotDesk => if self.hot_desk { "yes" } else { "no" }.to_owned(),
            Column::Tags => Tag::join(self.tags),
            Column::Logout => self.logout.map(|rule| rule.to_string()).unwrap_or_default(),
        }
    }
}

/// A text in one line: without control characters, and without blanks around it.
pub(super) fn clean(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

/// Whether a cell has to begin with an apostrophe, in front of which one more is needed where it has one.
pub(super) fn needs_apostrophe(cell: &str) -> bool {
    let behind = cell.trim_start_matches('\'');
    // The wide forms count as well where people write Chinese or Japanese.
    behind.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// A cell that no spreadsheet takes for a formula.
pub fn safe_cell(cell: String) -> String {
    if needs_apostrophe(&cell) { format!("'{cell}") } else { cell }
}

/// Writes a line for each phone, with the columns' names before them.
///
/// # Errors
/// It cannot be written.
pub fn write<'p>(
    phones: impl IntoIterator<Item = Listed<'p>>,
    to: impl Write,
) -> Result<(), csv::Error> {
    let mut writer = csv::WriterBuilder::new().from_writer(to);
    writer.write_record(Column::ALL.map(Column::as_str))?;
    for phone in phones {
        writer.write_record(Column::ALL.map(|column| safe_cell(phone.cell(column))))?;
    }
    writer.flush()?;
    Ok(())
}
