//! The inventory as a table: phones from a file or a query, and back to a file.
//!
//! | file | what |
//! | --- | --- |
//! | `text` | bytes of any usual encoding as UTF-8 |
//! | `records` | CSV, a record at a time, with lines |
//! | `columns` | what a column's name means |
//! | `row` | what a line says of a phone, and what is wrong with it |
//! | `plan` | what an import would change |
//! | `export` | phones as CSV |
//!
//! Nothing of a file is in memory but the record that is read; what comes out of it is bounded by [`MOST_PHONES`].

mod columns;
mod export;
mod plan;
mod records;
mod row;
mod text;

#[cfg(test)]
mod tests;

use std::io::Read;

pub use columns::Column;
pub use export::{Listed, safe_cell, write};
pub use plan::{Changed, Counts, FieldChange, Finding, Plan};
pub use row::{PhoneRow, Wrong};
pub use text::Encoding;

use columns::Columns;
use records::{Record, Records};

/// The most phones of an import.
pub const MOST_PHONES: usize = 100_000;

/// Why a file, or what a query gives, cannot be taken as an inventory.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// Bytes that are no text in the encoding that it began with.
    #[error("line {line}: found bytes that are no {encoding}; save the file anew, as UTF-8")]
    Encoding {
        /// The line, from 1.
        line: u64,
        /// What it began with.
        encoding: Encoding,
    },
    /// A NUL byte.
    #[error(
        "line {line}: found a NUL byte, which stands in no text; a file in UTF-16 has to begin with a byte order mark, so save it anew, as UTF-8"
    )]
    Nul {
        /// The line, from 1.
        line: u64,
    },
    /// A quote without an end.
    #[error(
        "line {line}: found a `\"` that opens a cell, and to the end of the file none that closes it"
    )]
    Open {
        /// The line, from 1.
        line: u64,
    },
    /// A record that is too long.
    #[error(
        "line {line}: found more than 65536 bytes; is a `\"` there that opens a cell, and none that closes it?"
    )]
    TooLong {
        /// The line, from 1.
        line: u64,
    },
    /// A record with too many cells.
    #[error("line {line}: found more than 255 cells; is this the right file?")]
    TooWide {
        /// The line, from 1.
        line: u64,
    },
    /// Nothing stands in it.
    #[error("found nothing in it, expected a line with the columns' names: {}", Column::names())]
    Empty,
    /// A line with a MAC address and more, and no names before it.
    #[error(
        "line {line}: found a MAC address, expected the columns' names: only a list of nothing but MAC addresses goes without; known are {}",
        Column::names()
    )]
    NoNames {
        /// The line, from 1.
        line: u64,
    },
    /// No column is the MAC address.
    #[error(
        "found the columns `{names}`, expected one that is called `mac`; known are {}",
        Column::names()
    )]
    NoMac {
        /// What the first line has.
        names: String,
    },
    /// Columns that are not known.
    #[error(
        "found the column `{names}`, known are {}; correct the name, or give --ignore-unknown-columns",
        Column::names()
    )]
    Unknown {
        /// Which.
        names: String,
    },
    /// Two columns that mean the same.
    #[error("found the columns `{0}` and `{1}`, which mean the same; leave one of them out")]
    Twice(String, String),
    /// Too many phones.
    #[error("found more than {MOST_PHONES} phones, which is the most of one import; divide it")]
    TooMany,
}

/// A table of phones: what its columns mean.
pub struct Table {
    columns: Columns,
    rows: usize,
}

impl Table {
    /// By the columns' names.
    ///
    /// # Errors
    /// They are not those of an inventory. `ignore`: names that are not known do no harm.
    pub fn of(names: &[&str], ignore: bool) -> Result<Self, FileFault> {
        Ok(Self { columns: Columns::of(names, ignore)?, rows: 0 })
    }

    /// The columns that are not looked at.
    pub fn ignored(&self) -> &[String] {
        &self.columns.ignored
    }

    /// Reads a row; `None` where nothing stands in it, or where something is wrong, which goes to `wrong`.
    ///
    /// # Errors
    /// There are too many.
    pub fn row(
        &mut self,
        line: u64,
        cells: &[&str],
        wrong: &mut Vec<Wrong>,
    ) -> Result<Option<PhoneRow>, FileFault> {
        let is_empty = |cell: &&str| cell.trim().is_empty();
        if cells.iter().all(is_empty) {
            return Ok(None);
        }
        self.rows += 1;
        if self.rows > MOST_PHONES {
            return Err(FileFault::TooMany);
        }
        let places = &self.columns.places;
        let beyond = cells.get(places.len()..).unwrap_or_default();
        if cells.len() < places.len() || !beyond.iter().all(is_empty) {
            let (found, expected) = (cells.len(), places.len());
            let why = format!(
                "found {found} cells, expected {expected} as in the first line; a cell with the separator \
                 in it stands in quotes"
            );
            wrong.push(Wrong::line(line, why));
            return Ok(None);
        }
        let named = places.iter().zip(cells).filter_map(|(column, cell)| Some(((*column)?, *cell)));
        Ok(PhoneRow::read(line, named, wrong))
    }
}

/// An inventory in a file.
pub struct File<R> {
    records: Records<R>,
    table: Table,
    /// The first line, where it is a phone.
    first: Option<(u64, String)>,
}

impl<R: Read> File<R> {
    /// Reads the columns' names.
    ///
    /// # Errors
    /// It is no table of phones.
    pub fn open(file: R, ignore: bool) -> Result<Self, FileFault> {
        let mut records = Records::new(file)?;
        let Some(Record { line, cells }) = records.next()? else { return Err(FileFault::Empty) };
        let mut there = cells.iter().filter(|cell| !cell.trim().is_empty());
        let (table, first) = match (there.next(), there.next()) {
            (Some(cell), None) if row::mac(cell.trim()).is_ok() => {
                let table = Table { columns: Columns::bare(), rows: 0 };
                (table, Some((line, (*cell).to_owned())))
            }
            _ if cells.iter().any(|cell| row::mac(cell.trim()).is_ok()) => {
                return Err(FileFault::NoNames { line });
            }
            _ => (Table::of(&cells, ignore)?, None),
        };
        Ok(Self { records, table, first })
    }

    /// The next phone; `None` at the end. Lines with something wrong go to `wrong` and are passed over.
    ///
    /// # Errors
    /// The rest cannot be read.
    pub fn next(&mut self, wrong: &mut Vec<Wrong>) -> Result<Option<PhoneRow>, FileFault> {
        if let Some((line, cell)) = self.first.take()
            && let Some(row) = self.table.row(line, &[&cell], wrong)?
        {
            return Ok(Some(row));
        }
        while let Some(Record { line, cells }) = self.records.next()? {
            if let Some(row) = self.table.row(line, &cells, wrong)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// What it is encoded in, as far as is known by now.
    pub fn encoding(&self) -> Encoding {
        self.records.encoding()
    }

    /// What stands between two cells.
    pub fn separator(&self) -> char {
        self.records.separator
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.records.bytes()
    }

    /// The columns that are not looked at.
    pub fn ignored(&self) -> &[String] {
        self.table.ignored()
    }
}
