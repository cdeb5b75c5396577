//! What phones send of their own: logs, in a folder of ours, the newest of each phone.
//!
//! No part of a path comes from a request: a file's name is the phone's MAC address, a number of ours and
//! the name of the upload in the vendor's manifest.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::Mac;

/// How many logs are kept of each phone.
const KEPT: usize = 6;

/// A log that a phone sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Its name: what the manifest calls it, behind the time at which it came.
    pub name: String,
    /// When it came.
    pub at: Timestamp,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// The folder of all logs.
#[derive(Debug, Clone)]
pub(super) struct Logs {
    folder: PathBuf,
}

impl Logs {
    /// Logs in this folder, which is made when the first one comes.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Keeps a log, and of this phone no more than the newest.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn keep(
        &self,
        phone: Mac,
        name: &str,
        now: Timestamp,
        text: &[u8],
    ) -> io::Result<()> {
        let folder = self.folder.join(phone.to_string());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(format!("{}-{name}", now.as_microsecond()));
        let fresh = folder.join("new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text)?;
        fs::rename(&fresh, path)?;
        let logs = self.list(phone)?;
        for old in logs.iter().take(logs.len().saturating_sub(KEPT)) {
            fs::remove_file(folder.join(&old.name))?;
        }
        Ok(())
    }

    /// The logs of a phone, oldest first.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn list(&self, phone: Mac) -> io::Result<Vec<Log>> {
        let entries = match fs::read_dir(self.folder.join(phone.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut logs = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(at) = time_of(&name) else { continue };
            logs.push(Log { at, bytes: entry.metadata()?.len(), name });
        }
        logs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(logs)
    }

    /// What a log of [`Logs::list`] says.
    ///
    /// # Errors
    /// There is none of that name, or the disk refuses.
    pub(super) fn read(&self, phone: Mac, name: &str) -> io::Result<Vec<u8>> {
        let known = self.list(phone)?.into_iter().find(|log| log.name == name);
        let log = known.ok_or(io::ErrorKind::NotFound)?;
        fs::read(self.folder.join(phone.to_string()).join(Path::new(&log.name)))
    }

    /// Forgets the logs of a phone.
    pub(super) fn forget(&self, phone: Mac) {
        match fs::remove_dir_all(self.folder.join(phone.to_string())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%phone, %error, "the logs of a removed phone are still there");
            }
            _ => {}
        }
    }
}

fn time_of(name: &str) -> Option<Timestamp> {
    let (at, _) = name.split_once('-')?;
    Timestamp::from_microsecond(at.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_logs_are_kept_and_no_name_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path().join("logs"));
        let phone: Mac = "0004f2aa0001".parse().unwrap();
        for second in 1..=KEPT as i64 + 3 {
            let at = Timestamp::from_second(1_700_000_000 + second).unwrap();
            logs.keep(phone, "app", at, format!("log {second}").as_bytes()).unwrap();
        }
        let kept = logs.list(phone).unwrap();
        assert_eq!(kept.len(), KEPT);
        assert_eq!(logs.read(phone, &kept[0].name).unwrap(), b"log 4");
        fs::write(folder.path().join("secret"), "x").unwrap();
        for name in ["../../secret", "/etc/passwd", "", "new", "."] {
            assert!(logs.read(phone, name).is_err(), "{name}");
        }
        logs.forget(phone);
        assert_eq!(logs.list(phone).unwrap(), []);
    }
}
