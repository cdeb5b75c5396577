//! Firmware: the operator's folder of files, for phones that have another version.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::Provisioning;
use super::answer::Asker;
use super::context::Firmware;
use super::vendor::Route;

/// The names of the files in a folder; none where it cannot be read.
pub(super) fn names(folder: Option<&Path>) -> BTreeSet<String> {
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let files = entries.into_iter().flatten().flatten();
    let files = files.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

impl Provisioning {
    /// The file in the operator's folder that a path means for some vendor's phones. Firmware is no
    /// secret, and phones ask for it without saying who they are.
    pub(super) fn firmware_at(&self, path: &str) -> Option<String> {
        let files = self.firmware_files();
        if files.is_empty() {
            return None;
        }
        let vendors = self.vendors();
        let meant = vendors.all().filter_map(|vendor| match vendor.route(path, &[]) {
            Some(Route::Firmware { names }) => Some(names),
            _ => None,
        });
        meant.flatten().find(|name| files.contains(name))
    }

    /// The newest firmware for a phone's model, where the phone says that it has another.
    pub(super) fn firmware_for(&self, asker: &Asker<'_>) -> Option<Firmware> {
        let files = self.firmware_files();
        if files.is_empty() {
            return None;
        }
        let (model, running) = (asker.model()?, asker.agent?.version.as_deref()?);
        let candidates = files.iter().filter_map(|name| {
            let file = asker.vendor.firmware_file(name)?;
            let (of, version) = (file.model?, file.version?);
            of.eq_ignore_ascii_case(model).then(|| (numbers(&version), version, name))
        });
        let (_, version, name) = candidates.max()?;
        let url = format!("{}/provision/{name}", self.site().url);
        (version != running).then_some(Firmware { url, version })
    }

    /// The names of the files in the operator's folder, as they were at the last look.
    fn firmware_files(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.inner.firmware.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the operator's folder again.
    pub(super) fn look_at_firmware(&self) {
        let files = names(self.site().settings.firmware.as_deref());
        *self.inner.firmware.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(files);
    }
}

/// A version as numbers, to compare.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("10.1.169.16") > numbers("10.1.33.33"));
        assert!(numbers("8.0.0.15602") > numbers("8.0.0.999"));
    }
}
