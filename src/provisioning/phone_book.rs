//! The phone book: the users, and a file of contacts.

use std::fs::File;
use std::path::Path;

use serde::Deserialize;

use super::context::Contact;
use crate::store::Memory;

/// How many contacts are read from the file.
const MOST: usize = 50_000;
/// The most bytes of a name or a number.
const LONGEST: usize = 200;

/// Why the contacts file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ContactsError {
    /// It cannot be read, or is no CSV.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// A line has no name or no number, or one that is too long.
    #[error("line {0}: expected a name and a number of at most {LONGEST} bytes")]
    Line(u64),
    /// It has too many lines.
    #[error("more than {MOST} contacts")]
    TooMany,
}

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    name: String,
    number: String,
}

/// The contacts in a CSV file with the columns `name` and `number`, in its order.
///
/// # Errors
/// See [`ContactsError`].
pub fn read(path: &Path) -> Result<Vec<Contact>, ContactsError> {
    let file = File::open(path).map_err(csv::Error::from)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let mut contacts = Vec::new();
    let headers = reader.headers()?.clone();
    for record in reader.records() {
        let record = record?;
        let at = record.position().map_or(0, csv::Position::line);
        let Line { name, number } = record.deserialize(Some(&headers))?;
        let fits = |text: &str| (1..=LONGEST).contains(&text.len());
        if !fits(&name) || !fits(&number) {
            return Err(ContactsError::Line(at));
        }
        if contacts.len() == MOST {
            return Err(ContactsError::TooMany);
        }
        contacts.push(contact(name, number));
    }
    Ok(contacts)
}

/// All users and these contacts, in the order of their names.
pub(super) fn book(memory: &Memory, contacts: &[Contact]) -> Vec<Contact> {
    let users = memory.users().map(|user| contact(user.name.clone(), user.extension.to_string()));
    let mut book: Vec<Contact> = users.chain(contacts.iter().cloned()).collect();
    book.sort_by_cached_key(|contact| (contact.name.to_lowercase(), contact.number.clone()));
    book.dedup();
    book
}

fn contact(name: String, number: String) -> Contact {
    let (first_name, last_name) = parts(&name);
    Contact { name, first_name, last_name, number }
}

/// All but the last word of a name, and the last.
pub(super) fn parts(name: &str) -> (String, String) {
    let name = name.trim();
    match name.rsplit_once(char::is_whitespace) {
        Some((first, last)) => (first.trim().to_owned(), last.to_owned()),
        None => (String::new(), name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_come_from_a_csv_file_and_a_mistake_has_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.csv");
        std::fs::write(&path, "number,name\n+43 1 234,\"Taxi, day\"\n").unwrap();
        let contacts = read(&path).unwrap();
        assert_eq!(
            (contacts[0].name.as_str(), contacts[0].number.as_str()),
            ("Taxi, day", "+43 1 234")
        );
        assert_eq!(
            (contacts[0].first_name.as_str(), contacts[0].last_name.as_str()),
            ("Taxi,", "day")
        );
        std::fs::write(&path, "number,name\n1,A\n,B\n").unwrap();
        assert!(matches!(read(&path), Err(ContactsError::Line(3))));
        std::fs::write(&path, "telephone\n1\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("name"));
    }
}
