//! What of a manifest serde cannot check: patterns, and names that must be there.

use regex::Regex;

use super::{
    File, FirmwarePattern, HELP, Manifest, Model, Personal, Resync, SearchRules, Upload, shape,
};
use crate::model::{PhoneSettings, SettingName, SettingValue, TomlFault, TomlText};
use crate::provisioning::vendor::folder::{Folder, MANIFEST};
use crate::provisioning::vendor::pattern::{self, Pattern};

/// The most bytes that a person's own file or a log has where the manifest says nothing: 256 KiB.
const DEFAULT_MAX_BYTES: usize = 256 << 10;

/// The most that a manifest may allow for one: 4 MiB.
const MOST_MAX_BYTES: usize = 4 << 20;

/// The most entries that a page of the phone book has: it is made for each request anew.
const MOST_ON_PAGE: usize = 500;

/// Checks what serde cannot: patterns, and names that must be there.
pub(super) struct Checker<'a> {
    /// The manifest, for the places of faults.
    pub(super) text: &'a TomlText<'a>,
    /// The folder, for the names in it.
    pub(super) folder: &'a Folder,
}

impl Checker<'_> {
    /// The checked manifest.
    pub(super) fn manifest(&self, shape: shape::Manifest) -> Result<Manifest, TomlFault> {
        self.event("resync", &shape.resync)?;
        self.settings("settings", &shape.settings)?;
        let files = self.files(shape.files)?;
        let mut models = Vec::with_capacity(shape.models.len() + 1);
        for (index, model) in shape.models.into_iter().enumerate() {
            models.push(self.model(&indexed("models", index), model, &files)?);
        }
        models.push(Model::default());
        let mut absent = Vec::new();
        for (index, entry) in shape.absent.iter().enumerate() {
            absent.extend(self.paths(&indexed("absent", index), &entry.paths)?);
        }
        Ok(Manifest {
            title: shape.title,
            ouis: self.ouis(&shape.ouis)?,
            user_agents: self.user_agents(&shape.user_agents)?,
            discovery: self.discovery(shape.discovery)?,
            flags: shape.flags,
            resync: shape.resync,
            settings: shape.settings,
            models,
            maps: shape.maps,
            files,
            uploads: self.uploads(shape.uploads)?,
            absent,
            firmware: self.firmware(shape.firmware)?,
        })
    }

    fn user_agents(&self, agents: &[String]) -> Result<Vec<Regex>, TomlFault> {
        let compile = |(index, agent): (usize, &String)| {
            self.compiled(&indexed("user_agents", index), pattern::compile(agent))
        };
        agents.iter().enumerate().map(compile).collect()
    }

    fn files(&self, shapes: Vec<shape::File>) -> Result<Vec<File>, TomlFault> {
        let mut files: Vec<File> = Vec::with_capacity(shapes.len());
        for (index, file) in shapes.into_iter().enumerate() {
            let key = indexed("files", index);
            if files.iter().any(|other| other.name == file.name) {
                return Err(self.twice(&format!("{key}.name"), &file.name));
            }
            files.push(self.file(&key, file)?);
        }
        Ok(files)
    }

    fn uploads(&self, shapes: Vec<shape::Upload>) -> Result<Vec<Upload>, TomlFault> {
        let check = |(index, upload): (usize, shape::Upload)| {
            let key = indexed("uploads", index);
            Ok(Upload {
                paths: self.paths(&key, &upload.paths)?,
                max_bytes: self.max_bytes(&key, upload.max_bytes)?,
                name: upload.name,
            })
        };
        shapes.into_iter().enumerate().map(check).collect()
    }

    fn firmware(&self, shapes: Vec<shape::Firmware>) -> Result<Vec<FirmwarePattern>, TomlFault> {
        let mut patterns = Vec::new();
        for (index, firmware) in shapes.into_iter().enumerate() {
            let paths = self.paths(&indexed("firmware", index), &firmware.paths)?;
            let names = firmware.names;
            let of_path = |path| FirmwarePattern { path, names: names.clone() };
            patterns.extend(paths.into_iter().map(of_path));
        }
        Ok(patterns)
    }

    fn model(&self, key: &str, model: shape::Model, files: &[File]) -> Result<Model, TomlFault> {
        let anchored = format!("(?i)^(?:{})$", model.r#match);
        let pattern = self.compiled(&format!("{key}.match"), pattern::compile(&anchored))?;
        self.settings(&format!("{key}.settings"), &model.settings)?;
        if let Some(resync) = &model.resync {
            self.event(&format!("{key}.resync"), resync)?;
        }
        for (file, template) in &model.templates {
            let key = format!("{key}.templates.{file}");
            if !files.iter().any(|known| known.name == *file) {
                let problem = format!("found `{file}`, which is the name of no file in [[files]]");
                return Err(self.text.fault(&key, problem, "Correct the name.".to_owned()));
            }
            self.template(&key, template)?;
        }
        Ok(Model {
            title: model.title.unwrap_or(model.r#match),
            pattern: Some(pattern),
            keys: model.keys,
            settings: model.settings,
            clears: model.clears,
            reboots: model.reboots,
            hot_desk: model.hot_desk,
            resync: model.resync,
            templates: model.templates,
        })
    }

    fn file(&self, key: &str, file: shape::File) -> Result<File, TomlFault> {
        for (name, template) in [("template", &file.template), ("bootstrap", &file.bootstrap)] {
            if let Some(template) = template {
                self.template(&format!("{key}.{name}"), template)?;
            }
        }
        let personal = match file.personal {
            Some(personal) => {
                let key = format!("{key}.personal");
                self.template(&format!("{key}.empty"), &personal.empty)?;
                Some(Personal {
                    max_bytes: self.max_bytes(&key, personal.max_bytes)?,
                    empty: personal.empty,
                    keep: personal.keep,
                    until_logout: personal.until_logout,
                })
            }
            None => None,
        };
        if file.template.is_none() && personal.is_none() {
            let problem = "found neither `template` nor `personal`".to_owned();
            let advice = format!("Say from which template the file is made. {HELP}");
            return Err(self.text.fault(&format!("{key}.template"), problem, advice));
        }
        if let Some(search) = &file.search {
            self.search(&format!("{key}.search"), search)?;
        }
        let content_type = match file.content_type {
            Some(text) if !is_header_value(&text) => {
                let key = format!("{key}.content_type");
                let problem = format!("found {}, expected a content type", self.text.found(&key));
                let advice = format!("Correct it. {HELP}");
                return Err(self.text.fault(&key, problem, advice));
            }
            Some(text) => text,
            None => file.kind.content_type().to_owned(),
        };
        Ok(File {
            paths: self.paths(key, &file.paths)?,
            name: file.name,
            kind: file.kind,
            content_type,
            template: file.template,
            bootstrap: file.bootstrap,
            shows: file.shows,
            site: file.site,
            main: file.main,
            discards: file.discards,
            personal,
            search: file.search,
        })
    }

    fn search(&self, key: &str, rules: &SearchRules) -> Result<(), TomlFault> {
        if !(1..=MOST_ON_PAGE).contains(&rules.size) {
            let problem =
                format!("found {}, expected 1 to {MOST_ON_PAGE} entries on a page", rules.size);
            let advice = "Correct it.".to_owned();
            return Err(self.text.fault(&format!("{key}.size"), problem, advice));
        }
        Ok(())
    }

    fn ouis(&self, ouis: &[String]) -> Result<Vec<[u8; 3]>, TomlFault> {
        let mut read = Vec::with_capacity(ouis.len());
        for (index, text) in ouis.iter().enumerate() {
            let octets: Option<Vec<u8>> = text
                .split(':')
                .map(|octet| (octet.len() == 2).then(|| u8::from_str_radix(octet, 16).ok())?)
                .collect();
            let Some(oui) = octets.and_then(|octets| <[u8; 3]>::try_from(octets).ok()) else {
                let key = format!("ouis[{}]", index + 1);
                let problem = format!(
                    "found {}, expected the first three octets of a MAC address, as in \"00:04:13\"",
                    self.text.found(&key)
                );
                return Err(self.text.fault(&key, problem, "Correct it.".to_owned()));
            };
            read.push(oui);
        }
        Ok(read)
    }

    fn paths(&self, key: &str, paths: &[String]) -> Result<Vec<Pattern>, TomlFault> {
        let compile = |(index, path): (usize, &String)| {
            self.compiled(&format!("{key}.paths[{}]", index + 1), Pattern::over_path(path))
        };
        paths.iter().enumerate().map(compile).collect()
    }

    fn compiled<T>(&self, key: &str, compiled: Result<T, regex::Error>) -> Result<T, TomlFault> {
        compiled.map_err(|error| {
            // The last line of a pattern's error says what is wrong; those above draw it.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let problem = format!("found {}, but {reason}", self.text.found(key));
            let advice = "Correct the regular expression; `{mac}` stands for a MAC address.";
            self.text.fault(key, problem, advice.to_owned())
        })
    }

    fn template(&self, key: &str, template: &str) -> Result<(), TomlFault> {
        if template != MANIFEST && self.folder.contains_key(template) {
            return Ok(());
        }
        let problem = format!("found `{template}`, which is no file of this folder");
        let advice = "Correct the name, or add the template.".to_owned();
        Err(self.text.fault(key, problem, advice))
    }

    fn max_bytes(&self, key: &str, found: Option<usize>) -> Result<usize, TomlFault> {
        match found {
            Some(bytes) if !(1..=MOST_MAX_BYTES).contains(&bytes) => {
                let problem = format!("found {bytes}, expected 1 to {MOST_MAX_BYTES} bytes");
                let advice = "Correct it.".to_owned();
                Err(self.text.fault(&format!("{key}.max_bytes"), problem, advice))
            }
            Some(bytes) => Ok(bytes),
            None => Ok(DEFAULT_MAX_BYTES),
        }
    }

    /// An event stands in a command to FreeSWITCH and in a SIP header.
    fn event(&self, key: &str, resync: &Resync) -> Result<(), TomlFault> {
        let allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b';' | b'=');
        for (name, event) in [("reload", Some(&resync.reload)), ("reboot", resync.reboot.as_ref())]
        {
            let Some(event) = event else { continue };
            if !(1..=64).contains(&event.len()) || !event.bytes().all(allowed) {
                let key = format!("{key}.{name}");
                let problem = format!(
                    "found {}, expected an event as in \"check-sync;reboot=false\"",
                    self.text.found(&key)
                );
                return Err(self.text.fault(&key, problem, "Correct it.".to_owned()));
            }
        }
        Ok(())
    }

    /// A value stands in every file that is rendered.
    fn settings(&self, key: &str, settings: &PhoneSettings) -> Result<(), TomlFault> {
        let long = |(_, value): &(&SettingName, &SettingValue)| matches!(value, SettingValue::Text(text) if text.len() > 4096);
        match settings.iter().find(long) {
            Some((name, _)) => {
                let problem = format!("found more than 4096 bytes in `{name}`");
                Err(self.text.fault(key, problem, "Shorten it.".to_owned()))
            }
            None => Ok(()),
        }
    }

    fn twice(&self, key: &str, name: &str) -> TomlFault {
        let problem = format!("found the name `{name}` a second time");
        self.text.fault(key, problem, "Give each file a name of its own.".to_owned())
    }
}

/// The key of an entry of a list, counted from 1.
fn indexed(name: &str, index: usize) -> String {
    format!("{name}[{}]", index + 1)
}

/// Whether the text can stand in a header.
fn is_header_value(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}
