//! What the columns of an inventory mean, by their names.

use super::FileFault;

/// A column that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// The phone.
    Mac,
    /// Its maker.
    Vendor,
    /// The vendor's name of the model.
    Model,
    /// What people call the place.
    Label,
    /// Where the phone is, for emergency services.
    Location,
    /// The caller ID that this desk shows to emergency services.
    EmergencyCallerId,
    /// Whom it falls back to.
    Owner,
    /// An extension that rings the device itself.
    DeskExtension,
    /// Whether others than the owner may log in.
    HotDesk,
    /// The operator's words for groups of phones.
    Tags,
    /// When people are logged out there by themselves.
    Logout,
}

impl Column {
    /// All, in the order in which they are written.
    pub const ALL: [Self; 11] = [
        Self::Mac,
        Self::Vendor,
        Self::Model,
        Self::Label,
        Self::Location,
        Self::EmergencyCallerId,
        Self::Owner,
        Self::DeskExtension,
        Self::HotDesk,
        Self::Tags,
        Self::Logout,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Vendor => "vendor",
            Self::Model => "model",
            Self::Label => "label",
            Self::Location => "location",
            Self::EmergencyCallerId => "emergency_caller_id",
            Self::Owner => "owner",
            Self::DeskExtension => "desk_extension",
            Self::HotDesk => "hot_desk",
            Self::Tags => "tags",
            Self::Logout => "logout",
        }
    }

    /// How people call it besides, in lower case without blanks and marks.
    fn other_names(self) -> &'static [&'static str] {
        match self {
            Self::Mac => &["macaddress", "macaddr", "macadresse", "hwaddress", "hardwareaddress"],
            Self::Vendor => &["manufacturer", "manuf", "maker", "brand", "hersteller"],
            Self::Model => &["modell", "phonemodel", "devicemodel", "devicetype"],
            Self::Label => &["name", "desk", "deskname", "title", "bezeichnung", "arbeitsplatz"],
            Self::Location => &["emergencylocation", "place", "room", "standort", "raum"],
            Self::EmergencyCallerId => &["emergencynumber", "emergencycid", "elin", "notrufnummer"],
            Self::Owner => &["ownerextension", "user", "besitzer"],
            Self::DeskExtension => &["phoneextension"],
            Self::HotDesk => &["hotdesking", "shared"],
            Self::Tags => &["tag", "groups"],
            Self::Logout => &["autologout", "automaticlogout", "abmeldung"],
        }
    }

    /// The column of that name. Case, blanks and marks do not matter.
    pub fn of(name: &str) -> Option<Self> {
        let name = plain(name);
        Self::ALL.into_iter().find(|column| {
            plain(column.as_str()) == name || column.other_names().contains(&name.as_str())
        })
    }

    /// All names, for an error.
    pub(super) fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

/// A name in lower case, without anything but letters and digits.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What each column of a table means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// By place; `None`: not looked at.
    pub places: Vec<Option<Column>>,
    /// Names that are not known, where that is allowed.
    pub ignored: Vec<String>,
}

impl Columns {
    /// By the names in the first line.
    ///
    /// # Errors
    /// One is not known and may not be ignored, two mean the same, or there is no MAC address.
    pub(super) fn of(names: &[&str], ignore: bool) -> Result<Self, FileFault> {
        let mut columns = Self { places: Vec::new(), ignored: Vec::new() };
        let mut unknown = Vec::new();
        for name in names {
            let column = Column::of(name);
            if column.is_some() && columns.places.contains(&column) {
                let of = |other: &&&str| Column::of(other) == column;
                let first = names.iter().find(of).copied().unwrap_or_default();
                return Err(FileFault::Twice(short(first), short(name)));
            }
            columns.places.push(column);
            // Spreadsheets leave columns without a name behind.
            if column.is_none() && !name.trim().is_empty() {
                unknown.push(short(name));
            }
        }
        if !columns.places.contains(&Some(Column::Mac)) {
            let names: Vec<String> = names.iter().map(|name| short(name)).collect();
            return Err(FileFault::NoMac { names: short(&names.join(", ")) });
        }
        if !unknown.is_empty() && !ignore {
            return Err(FileFault::Unknown { names: unknown.join(", ") });
        }
        columns.ignored = unknown;
        Ok(columns)
    }

    /// One column of MAC addresses.
    pub(super) fn bare() -> Self {
        Self { places: vec![Some(Column::Mac)], ignored: Vec::new() }
    }
}

/// Something of a file, as it can stand in a sentence.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let text = text.trim();
    let short: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() { short + "…" } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_every_usual_spelling_of_their_names() {
        for (name, column) in [
            ("MAC address", Column::Mac),
            ("mac_addr", Column::Mac),
            ("Manufacturer", Column::Vendor),
            (" Hot-Desk ", Column::HotDesk),
            ("Emergency Caller ID", Column::EmergencyCallerId),
            ("Name", Column::Label),
            ("deskExtension", Column::DeskExtension),
        ] {
            assert_eq!(Column::of(name), Some(column), "{name}");
        }
        for column in Column::ALL {
            assert_eq!(Column::of(column.as_str()), Some(column));
            for name in column.other_names() {
                assert_eq!(Column::of(name), Some(column), "{name}");
            }
        }
        assert_eq!(Column::of("serial"), None);
        assert_eq!(Column::of(""), None);
    }

    #[test]
    fn columns_that_cannot_be_are_told_with_those_that_can() {
        let told = |names: &[&str]| Columns::of(names, false).unwrap_err().to_string();
        let unknown = told(&["mac", "serial", "asset tag", ""]);
        assert!(unknown.contains("`serial, asset tag`"), "{unknown}");
        assert!(unknown.contains("mac, vendor") && unknown.contains("--ignore-unknown-columns"));
        assert!(told(&["label", "Name", "mac"]).contains("`label` and `Name`"));
        assert!(told(&["vendor"]).contains("`mac`"));
        let ignored = Columns::of(&["mac", "serial", ""], true).unwrap();
        assert_eq!(ignored.places, [Some(Column::Mac), None, None]);
        assert_eq!(ignored.ignored, ["serial"]);
    }
}
