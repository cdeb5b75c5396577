//! The master file, and parameters in configuration files.

use std::collections::BTreeMap;

use super::super::xml::Element;

/// `APP_FILE_PATH` is no longer.
const MAX_PATH: usize = 255;
/// `CONFIG_FILES` is no longer.
const MAX_LIST: usize = 2047;
/// No file sets more parameters.
const MAX_PARAMETERS: usize = 50_000;

/// Folders for what the phone stores on the server; relative to it, or URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folders {
    pub(super) logs: String,
    pub(super) overrides: String,
    pub(super) contacts: String,
    pub(super) licenses: String,
    pub(super) calls: String,
}

/// What a master file says for one phone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Master {
    /// The firmware file; empty for none.
    pub(super) application: String,
    /// Configuration files, the strongest first.
    pub(super) files: Vec<String>,
    pub(super) folders: Folders,
}

impl Master {
    /// `None` when it asks for more than phones can hold. A file without `<APPLICATION>` is a master
    /// that names nothing.
    pub(super) fn read(root: &Element, phone: &Names) -> Option<Self> {
        let Some(application) = root.walk().into_iter().find(|e| e.name == "APPLICATION") else {
            return Some(Self::default());
        };
        // What is said for the model wins over what is said for all.
        let suffix = phone.model.replace('_', "");
        let own = application.children.iter().find(|e| e.name == format!("APPLICATION_{suffix}"));
        let value = |name: &str| {
            let own = own.and_then(|own| own.attribute(&format!("{name}_{suffix}")));
            let value = own.or_else(|| application.attribute(name)).unwrap_or_default();
            phone.expand(value.trim())
        };
        let (path, list) = (value("APP_FILE_PATH"), value("CONFIG_FILES"));
        if path.chars().count() > MAX_PATH || list.chars().count() > MAX_LIST {
            return None;
        }
        let files = list.split(',').map(str::trim).filter(|file| !file.is_empty());
        Some(Self {
            application: phone.firmware(&path),
            files: files.map(str::to_owned).collect(),
            folders: Folders {
                logs: value("LOG_FILE_DIRECTORY"),
                overrides: value("OVERRIDES_DIRECTORY"),
                contacts: value("CONTACTS_DIRECTORY"),
                licenses: value("LICENSE_DIRECTORY"),
                calls: value("CALL_LISTS_DIRECTORY"),
            },
        })
    }
}

/// What macros stand for.
pub(super) struct Names<'a> {
    pub(super) mac: &'a str,
    pub(super) part_number: &'a str,
    pub(super) model: &'a str,
}

impl Names<'_> {
    /// Macros replaced.
    fn expand(&self, text: &str) -> String {
        text.replace("[PHONE_MAC_ADDRESS]", self.mac)
            .replace("[PHONE_PART_NUMBER]", self.part_number)
    }

    /// The phone writes its part number before `sip.ld`, also where a macro has done so already.
    fn firmware(&self, path: &str) -> String {
        let (folder, file) = match path.rfind('/') {
            Some(at) => path.split_at(at + 1),
            None => ("", path),
        };
        let shared = file == "sip.ld" || file.ends_with(".sip.ld");
        if shared && !self.part_number.is_empty() {
            format!("{folder}{}.{file}", self.part_number)
        } else {
            path.to_owned()
        }
    }
}

/// Parameters of a file: attributes count, elements do not. Of a name that stands twice the first wins.
pub(super) fn parameters(root: &Element) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in root.all_attributes() {
        if found.len() >= MAX_PARAMETERS {
            break;
        }
        found.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    found
}

/// The `device.*` that may go into flash: `device.set` is 1, and the `.set` of each is too.
pub(super) fn device(parameters: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_set = |name: &str| parameters.get(name).is_some_and(|value| value == "1");
    let wanted = |name: &str| name.starts_with("device.") && is_set(&format!("{name}.set"));
    if !is_set("device.set") {
        return BTreeMap::new();
    }
    parameters
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'_> =
        Names { mac: "0004f2aabbcc", part_number: "3111-44500-001", model: "VVX_500" };

    fn read(xml: &str) -> Option<Master> {
        Master::read(&Element::parse(xml.as_bytes()).unwrap(), &NAMES)
    }

    #[test]
    fn the_part_number_stands_before_sip_ld_and_twice_behind_a_macro() {
        for (path, asked) in [
            ("sip.ld", "3111-44500-001.sip.ld"),
            ("[PHONE_PART_NUMBER].sip.ld", "3111-44500-001.3111-44500-001.sip.ld"),
            ("fw/sip.ld", "fw/3111-44500-001.sip.ld"),
            ("sip_213.ld", "sip_213.ld"),
            ("", ""),
        ] {
            let master = read(&format!("<APPLICATION APP_FILE_PATH='{path}'/>")).unwrap();
            assert_eq!(master.application, asked);
        }
    }

    #[test]
    fn what_is_said_for_the_model_wins() {
        let master = read(
            "<APPLICATION APP_FILE_PATH='' CONFIG_FILES='[PHONE_MAC_ADDRESS]-user.cfg, common.cfg' LOG_FILE_DIRECTORY='logs'>
              <APPLICATION_SPIP300 CONFIG_FILES_SPIP300='legacy.cfg'/>
              <APPLICATION_VVX500 LOG_FILE_DIRECTORY_VVX500='new'/></APPLICATION>",
        )
        .unwrap();
        assert_eq!(master.files, ["0004f2aabbcc-user.cfg", "common.cfg"]);
        assert_eq!(master.folders.logs, "new");
    }

    #[test]
    fn a_list_that_is_too_long_is_no_master() {
        let list = "a.cfg,".repeat(400);
        assert_eq!(read(&format!("<APPLICATION CONFIG_FILES='{list}'/>")), None);
        assert_eq!(read("<polycomConfig reg.1.address='1'/>"), Some(Master::default()));
    }

    #[test]
    fn device_needs_both_of_its_switches() {
        let of = |xml: &str| device(&parameters(&Element::parse(xml.as_bytes()).unwrap()));
        let name = "device.prov.user='u'";
        assert!(of(&format!("<a {name} device.prov.user.set='1'/>")).is_empty());
        assert!(of(&format!("<a {name} device.set='1'/>")).is_empty());
        assert!(of(&format!("<a {name} device.set='1' device.prov.user.set='0'/>")).is_empty());
        let both = of(&format!("<a device.set='1'><b {name} device.prov.user.set='1'/></a>"));
        assert_eq!(both.into_iter().collect::<Vec<_>>(), [("device.prov.user".into(), "u".into())]);
    }
}
