//! Firmware: the operator's folder of files, for phones that have another version.

use super::Provisioning;
use super::answer::Asker;
use super::context::Firmware;
use super::vendor::Route;

impl Provisioning {
    /// The file in the operator's folder that a path means for some vendor's phones. Firmware is no
    /// secret, and phones ask for it without saying who they are.
    pub(super) fn firmware_at(&self, path: &str) -> Option<String> {
        let folder = self.site().settings.firmware.as_ref()?;
        let vendors = self.vendors();
        let names = vendors.all().find_map(|vendor| match vendor.route(path, &[]) {
            Some(Route::Firmware { names }) => Some(names),
            _ => None,
        })?;
        names.into_iter().find(|name| folder.join(name).is_file())
    }

    /// The newest firmware for a phone's model, where the phone says that it has another.
    pub(super) fn firmware_for(&self, asker: &Asker<'_>) -> Option<Firmware> {
        let folder = self.site().settings.firmware.as_ref()?;
        let (model, agent) = (asker.model()?, asker.agent?);
        let running = agent.version.as_deref()?;
        let mut newest: Option<(Vec<u64>, String, String)> = None;
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(file) = asker.vendor.firmware_file(&name) else { continue };
            let (Some(of), Some(version)) = (file.model, file.version) else { continue };
            if !of.eq_ignore_ascii_case(model) {
                continue;
            }
            let order = numbers(&version);
            if newest.as_ref().is_none_or(|(known, ..)| *known < order) {
                newest = Some((order, version, name));
            }
        }
        let (_, version, name) = newest?;
        (version != running)
            .then(|| Firmware { url: format!("{}/provision/{name}", self.site().url), version })
    }
}

/// A version as numbers, to compare.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}
