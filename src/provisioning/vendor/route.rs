//! Which file a path means.

use regex::Captures;

use super::Vendor;
use super::manifest::{File, Upload};
use super::pattern::mac_in_segment;
use crate::model::Mac;

/// What a path means for a vendor's phones.
#[derive(Debug, Clone)]
pub enum Route<'v> {
    /// A file that phones fetch; where it is personal or discards, they also send it.
    File {
        /// Which.
        file: &'v File,
        /// The phone that the path or the query names.
        mac: Option<Mac>,
        /// The model that the path names.
        model: Option<String>,
    },
    /// What phones send.
    Upload {
        /// Which.
        upload: &'v Upload,
        /// The phone that the path names.
        mac: Option<Mac>,
    },
    /// What phones ask for as a matter of course and there is none of: not found, and no refusal.
    Absent,
    /// Firmware, which no phone has to be named for.
    Firmware {
        /// Plain file names in the operator's folder, in the order in which to look.
        names: Vec<String>,
    },
}

/// What a file in the operator's firmware folder is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmwareFile {
    /// For which model, as its User-Agent calls it; `None` where the name does not say.
    pub model: Option<String>,
    /// Its version; `None` where the name does not say.
    pub version: Option<String>,
}

impl Vendor {
    /// What `path` means: decoded, as it stands behind `/provision/` or `/p/<key>/`.
    pub fn route(&self, path: &str, query: &[(String, String)]) -> Option<Route<'_>> {
        let path = path.trim_start_matches('/');
        if path.is_empty() || path.eq_ignore_ascii_case("index.php") {
            let file = self.files().iter().find(|file| file.main)?;
            return Some(Route::File { file, mac: mac_in(path, query), model: None });
        }
        let fits = |file: &'_ File| file.paths.iter().find_map(|pattern| pattern.captures(path));
        if let Some((file, found)) =
            self.files().iter().find_map(|file| fits(file).map(|found| (file, found)))
        {
            let mac = match file.site {
                true => None,
                false => mac_of(&found).or_else(|| mac_in(path, query)),
            };
            let model = found.name("model").map(|model| model.as_str().to_owned());
            return Some(Route::File { file, mac, model });
        }
        for upload in self.uploads() {
            if let Some(found) = upload.paths.iter().find_map(|pattern| pattern.captures(path)) {
                let mac = mac_of(&found).or_else(|| mac_in(path, query));
                return Some(Route::Upload { upload, mac });
            }
        }
        if self.absent().iter().any(|pattern| pattern.captures(path).is_some()) {
            return Some(Route::Absent);
        }
        self.firmware_names(path).map(|names| Route::Firmware { names })
    }

    /// What a file of that name in the operator's firmware folder is; `None` where it is no
    /// firmware of this vendor's.
    pub fn firmware_file(&self, name: &str) -> Option<FirmwareFile> {
        let found = self.firmware().iter().find_map(|firmware| firmware.path.captures(name))?;
        let group = |group| found.name(group).map(|group| group.as_str().to_owned());
        Some(FirmwareFile { model: group("model"), version: group("version") })
    }

    fn firmware_names(&self, path: &str) -> Option<Vec<String>> {
        for firmware in self.firmware() {
            let Some(found) = firmware.path.captures(path) else { continue };
            let mut names = Vec::new();
            for name in &firmware.names {
                let mut expanded = String::new();
                found.expand(name, &mut expanded);
                let plain = !expanded.contains(['/', '\\', '\0']) && !expanded.starts_with('.');
                if plain && !expanded.is_empty() && !names.contains(&expanded) {
                    names.push(expanded);
                }
            }
            return (!names.is_empty()).then_some(names);
        }
        None
    }
}

fn mac_of(found: &Captures<'_>) -> Option<Mac> {
    found.name("mac")?.as_str().parse().ok()
}

/// The MAC address that a request names, in any spelling and any vendor's form: in the path behind
/// `/provision/` or `/p/<key>/`, from its last segment to its first, else in the query.
///
/// `y000000000028.cfg` and `000000000000.cfg` are common files and name none.
pub fn mac_in(path: &str, query: &[(String, String)]) -> Option<Mac> {
    let in_path = path.rsplit('/').find_map(mac_in_segment);
    in_path.or_else(|| {
        let named = |(name, _): &&(String, String)| name.to_ascii_lowercase().contains("mac");
        query.iter().filter(named).find_map(|(_, value)| value.parse().ok())
    })
}
