//! A line of an inventory: what it says of a phone, and what is wrong with it.

use serde::{Deserialize, Deserializer, Serialize};

use super::columns::{Column, short};
use crate::model::{AutoLogout, CallerNumber, Extension, Mac, Tag, Tags};

/// What a line says of a phone. A column that is not there says nothing, and what the phone has stays; an empty cell
/// says that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhoneRow {
    /// On which line it stands, from 1.
    pub line: u64,
    /// The phone.
    pub mac: Mac,
    /// The vendor, as it was written.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Option<String>>,
    /// The model.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub model: Option<Option<String>>,
    /// What people call the place.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub label: Option<Option<String>>,
    /// Where the phone is.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub location: Option<Option<String>>,
    /// The caller ID for emergency services.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub emergency_caller_id: Option<Option<CallerNumber>>,
    /// Whom it falls back to.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub owner: Option<Option<Extension>>,
    /// An extension that rings the device itself.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub desk_extension: Option<Option<Extension>>,
    /// Whether others than the owner may log in; yes where the cell is empty.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub hot_desk: Option<Option<bool>>,
    /// The operator's words for groups of phones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// When people are logged out there; as for the whole site where the cell is empty.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub logout: Option<Option<AutoLogout>>,
}

/// A value that is there, be it `null`.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What cannot be taken of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// The line, from 1.
    pub line: u64,
    /// The column's name; empty where it is the whole line.
    pub column: String,
    /// What stands there, shortened.
    pub found: String,
    /// Why it cannot be taken.
    pub why: String,
}

impl Wrong {
    /// Something in a column.
    pub(super) fn of(line: u64, column: Column, found: &str, why: impl Into<String>) -> Self {
        let column = column.as_str().to_owned();
        Self { line, column, found: short(found), why: why.into() }
    }

    /// The whole line.
    pub(super) fn line(line: u64, why: impl Into<String>) -> Self {
        Self { line, column: String::new(), found: String::new(), why: why.into() }
    }
}

impl PhoneRow {
    /// A line that says nothing but that there is this phone.
    pub fn bare(line: u64, mac: Mac) -> Self {
        Self {
            line,
            mac,
            vendor: None,
            model: None,
            label: None,
            location: None,
            emergency_caller_id: None,
            owner: None,
            desk_extension: None,
            hot_desk: None,
            tags: None,
            logout: None,
        }
    }

    /// Reads the cells of a line, in the order of its columns; what is wrong goes to `wrong`.
    pub(super) fn read<'c>(
        line: u64,
        cells: impl IntoIterator<Item = (Column, &'c str)>,
        wrong: &mut Vec<Wrong>,
    ) -> Option<Self> {
        let before = wrong.len();
        // Stands in until its column comes.
        let mut row = Self::bare(line, Mac::PLACEHOLDER);
        for (column, cell) in cells {
            if let Err(why) = row.take(column, bare_of_apostrophe(cell.trim())) {
                wrong.push(Wrong::of(line, column, cell, why));
            }
        }
        (wrong.len() == before).then_some(row)
    }

    /// Takes a cell; or says what was expected.
    fn take(&mut self, column: Column, cell: &str) -> Result<(), String> {
        let text = || (!cell.is_empty()).then(|| cell.to_owned());
        match column {
            Column::Mac => self.mac = mac(cell)?,
            Column::Vendor => self.vendor = Some(text()),
            Column::Model => self.model = Some(text()),
            Column::Label => self.label = Some(text()),
            Column::Location => self.location = Some(text()),
            Column::EmergencyCallerId => {
                // As people write it.
                let number: String =
                    cell.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/')).collect();
                self.emergency_caller_id = Some(parsed(&number)?);
            }
            Column::Owner => self.owner = Some(parsed(cell)?),
            Column::DeskExtension => self.desk_extension = Some(parsed(cell)?),
            Column::HotDesk => self.hot_desk = Some(flag(cell)?),
            Column::Tags => {
                self.tags = Some(Tag::list(cell).map_err(|error| error.to_string())?);
            }
            Column::Logout => self.logout = Some(parsed(cell)?),
        }
        Ok(())
    }
}

/// A cell without the apostrophe that keeps a spreadsheet from reading it as a formula; see
/// [`super::export`].
fn bare_of_apostrophe(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if super::export::needs_apostrophe(rest) => rest,
        _ => cell,
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, String> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error: T::Err| error.to_string()),
    }
}

fn flag(text: &str) -> Result<Option<bool>, String> {
    Ok(match text.to_lowercase().as_str() {
        "" => None,
        "yes" | "y" | "true" | "1" | "on" | "x" | "ja" | "j" | "wahr" => Some(true),
        "no" | "n" | "false" | "0" | "off" | "nein" | "falsch" => Some(false),
        _ => return Err("expected yes or no".to_owned()),
    })
}

/// A MAC address; or what a spreadsheet made of it.
pub(super) fn mac(text: &str) -> Result<Mac, String> {
    let told = match text.parse::<Mac>() {
        Ok(mac) => return Ok(mac),
        Err(error) => error.to_string(),
    };
    // `4132A0001` has its letters; one of digits alone was a number for a moment.
    let is_float = |(mantissa, exponent): (&str, &str)| {
        let digits = exponent.trim_start_matches('+');
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
        !mantissa.is_empty()
            && mantissa.chars().all(is_number)
            && exponent.starts_with(['+', '-'])
            && digits.trim_start_matches('-').chars().all(|c| c.is_ascii_digit())
    };
    if text.split_once(['E', 'e']).is_some_and(is_float) {
        return Err(
            "a spreadsheet made a number of the MAC address, and its digits are lost; format the \
             column as text and enter it anew"
                .to_owned(),
        );
    }
    let digits = text.len();
    if (4..12).contains(&digits) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "{told}; here are {digits}: a spreadsheet takes the zeros away at the beginning of what it \
             reads as a number, so format the column as text"
        ));
    }
    Err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &[(Column, &str)]) -> Result<PhoneRow, Vec<Wrong>> {
        let mut wrong = Vec::new();
        PhoneRow::read(7, cells.iter().copied(), &mut wrong).ok_or(wrong)
    }

    #[test]
    fn an_empty_cell_says_that_there_is_none_and_an_absent_column_says_nothing() {
        let mac = (Column::Mac, "00:04:13:2A:00:01");
        let row = read(&[mac, (Column::Label, " "), (Column::Tags, ""), (Column::HotDesk, "")]);
        let row = row.unwrap();
        assert_eq!((row.label.clone(), row.model.clone()), (Some(None), None));
        assert_eq!((row.tags.clone(), row.hot_desk), (Some(Tags::new()), Some(None)));
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(
            text,
            r#"{"line":7,"mac":"0004132a0001","label":null,"hot_desk":null,"tags":[]}"#
        );
        assert_eq!(serde_json::from_str::<PhoneRow>(&text).unwrap(), row);
    }

    #[test]
    fn cells_are_read_as_people_and_spreadsheets_write_them() {
        let row = read(&[
            (Column::Owner, " 1001 "),
            (Column::Mac, "0004.132a.0001"),
            (Column::EmergencyCallerId, "'+43 1 555-0100"),
            (Column::HotDesk, "FALSCH"),
            (Column::Tags, "Pilot, floor-3"),
            (Column::Label, "'=1+1"),
            (Column::Model, "'quoted"),
        ]);
        let row = row.unwrap();
        assert_eq!(row.mac.to_string(), "0004132a0001");
        assert_eq!(row.owner, Some(Some("1001".parse().unwrap())));
        assert_eq!(row.emergency_caller_id, Some(Some("+4315550100".parse().unwrap())));
        assert_eq!(row.hot_desk, Some(Some(false)));
        assert_eq!(row.tags.as_ref().map(Tag::join).as_deref(), Some("floor-3 pilot"));
        assert_eq!(row.label, Some(Some("=1+1".to_owned())));
        assert_eq!(row.model, Some(Some("'quoted".to_owned())));
    }

    #[test]
    fn every_wrong_cell_of_a_line_is_told_by_column() {
        let wrong = read(&[
            (Column::Mac, "0004132a000g"),
            (Column::Owner, "Ada"),
            (Column::HotDesk, "perhaps"),
            (Column::Tags, "a b! c"),
            (Column::EmergencyCallerId, "reception"),
        ])
        .unwrap_err();
        let told: Vec<(u64, &str, &str)> = wrong
            .iter()
            .map(|wrong| (wrong.line, wrong.column.as_str(), wrong.found.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (7, "mac", "0004132a000g"),
                (7, "owner", "Ada"),
                (7, "hot_desk", "perhaps"),
                (7, "tags", "a b! c"),
                (7, "emergency_caller_id", "reception"),
            ]
        );
    }

    #[test]
    fn what_a_spreadsheet_made_of_a_mac_address_is_named() {
        for text in ["1.23E+11", "1,23457E+11", "4E+05"] {
            assert!(mac(text).unwrap_err().contains("made a number"), "{text}");
        }
        assert!(mac("413900001").unwrap_err().contains("takes the zeros away"));
        assert!(mac("").unwrap_err().starts_with("expected a MAC address"));
        assert!(mac("004E13000001").is_ok());
    }
}
