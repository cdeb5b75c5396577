//! Vendors are folders, not code: a manifest and templates, those in the binary with the operator's
//! folder laid over them.
//!
//! | file | what |
//! | --- | --- |
//! | `folder` | what stands in the folders |
//! | `manifest` | `vendor.toml`: as it is written (`shape`), checked (`check`) |
//! | `pattern`, `route`, `agent` | what a path and a User-Agent mean |
//! | `render`, `escape` | templates to files |
//! | `shared` | what is the same for many phones, rendered once |
//! | `xml` | a look at what was written, and at what a phone sent |
//! | `sample` | what each template is tried with before it is used |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::context::Context;
use crate::model::{Mac, PhoneSettings};

mod agent;
mod escape;
mod fault;
mod folder;
mod manifest;
mod pattern;
mod render;
mod route;
mod sample;
mod shared;
mod xml;

#[cfg(test)]
mod tests;

pub use agent::Agent;
pub use escape::Kind;
pub use fault::TemplateFault;
pub use manifest::{
    Class, Cleared, DhcpOption, Discovery, File, Model, OptionValue, Ouis, Personal, Resync,
    SearchRules, Upload,
};
pub use route::{FirmwareFile, Route, mac_in};
pub use xml::Unacceptable;

use folder::{Folder, Overrides, Stamp};
use manifest::{FirmwarePattern, Manifest};
use pattern::Pattern;
use render::Engine;

/// Where a setting's value came from; a later layer wins over an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The vendor's manifest.
    Vendor,
    /// The model in the vendor's manifest.
    Model,
    /// The configuration.
    Site,
    /// The phone in the inventory.
    Phone,
    /// The user who sits there.
    User,
}

impl Layer {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Model => "model",
            Self::Site => "site",
            Self::Phone => "phone",
            Self::User => "user",
        }
    }
}

/// How much of a file is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// All of it: to a phone that proved who it is.
    Full,
    /// The phone's own URL and its HTTP credentials: to a bare MAC address in its window.
    Bootstrap,
    /// What a person has who has not made it anything else yet.
    Empty,
}

/// A vendor.
#[derive(Debug)]
pub struct Vendor {
    name: String,
    fingerprint: String,
    overridden: bool,
    names_handover: bool,
    manifest: Manifest,
    engine: Engine,
}

impl Vendor {
    /// Makes a vendor of a folder, and tries every template.
    fn new(name: &str, folder: &Folder, overridden: bool) -> Result<Self, TemplateFault> {
        let manifest = Manifest::read(name, folder)?;
        let engine = Engine::new(name, folder, &manifest)?;
        let fingerprint = folder::fingerprint(folder);
        let names_handover = engine.names_handover();
        let name = name.to_owned();
        let vendor = Self { name, fingerprint, overridden, names_handover, manifest, engine };
        vendor.try_all()?;
        Ok(vendor)
    }

    /// The name of its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        &self.manifest.title
    }

    /// Changes when anything of its folder does.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether something of it comes from the operator's folder.
    pub fn is_overridden(&self) -> bool {
        self.overridden
    }

    /// The first halves of its MAC addresses.
    pub fn ouis(&self) -> &[[u8; 3]] {
        &self.manifest.ouis
    }

    /// How a phone that knows nothing finds its server; `None` where nothing is known of that.
    pub fn discovery(&self) -> Option<&Discovery> {
        self.manifest.discovery.as_ref()
    }

    /// Whether the MAC address is one of this vendor's.
    pub fn has_oui(&self, mac: Mac) -> bool {
        let digits = mac.to_string();
        self.manifest
            .ouis
            .iter()
            .any(|[a, b, c]| digits.starts_with(&format!("{a:02x}{b:02x}{c:02x}")))
    }

    /// What its phones fetch.
    pub fn files(&self) -> &[File] {
        &self.manifest.files
    }

    /// The file of that name.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.manifest.files.iter().find(|file| file.name == name)
    }

    /// What its phones send.
    pub fn uploads(&self) -> &[Upload] {
        &self.manifest.uploads
    }

    /// Its models in the order in which they are looked at; the last one fits every name.
    pub fn models(&self) -> &[Model] {
        &self.manifest.models
    }

    /// The model of that name: the first that fits, else one that nothing is known of.
    pub fn model(&self, name: Option<&str>) -> &Model {
        static UNKNOWN: std::sync::LazyLock<Model> = std::sync::LazyLock::new(Model::default);
        let name = name.unwrap_or_default().trim();
        self.manifest.models.iter().find(|model| model.fits(name)).unwrap_or(&UNKNOWN)
    }

    /// The events that make a phone of this model fetch its files again.
    pub fn resync(&self, model: Option<&str>) -> &Resync {
        self.model(model).resync.as_ref().unwrap_or(&self.manifest.resync)
    }

    /// The two layers of settings that come with a vendor, the one that wins last.
    pub fn layers(&self, model: Option<&str>) -> [(Layer, &PhoneSettings); 2] {
        [(Layer::Vendor, &self.manifest.settings), (Layer::Model, &self.model(model).settings)]
    }

    /// Renders a file.
    ///
    /// # Errors
    /// The template has a mistake that shows with this context only, or the file has no such stage.
    pub fn render(
        &self,
        file: &File,
        stage: Stage,
        context: &Context,
    ) -> Result<String, TemplateFault> {
        self.render_for(self.model(Some(&context.phone.model)), file, stage, context)
    }

    /// Whether what its files say depends on whether the phone has yet to show who sits there.
    pub fn names_handover(&self) -> bool {
        self.names_handover
    }

    /// The template of a file that says the same to every phone that takes so many contacts.
    pub fn same_for_all<'v>(
        &'v self,
        file: &'v File,
        stage: Stage,
        model: Option<&str>,
    ) -> Option<&'v str> {
        template(self.model(model), file, stage)
            .filter(|template| self.engine.is_same(file.kind, template))
    }

    /// Renders a file of [`Vendor::same_for_all`], with nothing of the phone at hand; `None` where that
    /// turns out not to do.
    pub fn render_same(&self, file: &File, stage: Stage, context: &Context) -> Option<String> {
        let template = template(self.model(Some(&context.phone.model)), file, stage)?;
        self.engine.render_same(file.kind, template, context).ok()
    }

    fn render_for(
        &self,
        model: &Model,
        file: &File,
        stage: Stage,
        context: &Context,
    ) -> Result<String, TemplateFault> {
        match template(model, file, stage) {
            Some(template) => self.engine.render(file.kind, template, context, model),
            None => {
                let problem = format!("the file `{}` has no template for this", file.name);
                let path = self.engine.path(folder::MANIFEST);
                let advice = "Add one to [[files]].";
                Err(TemplateFault::of_file(&self.name, &path, problem, advice))
            }
        }
    }

    /// Renders every file for somebody and for nobody, on each model that has templates of its own.
    fn try_all(&self) -> Result<(), TemplateFault> {
        let plain = |model: &&Model| model.templates.is_empty();
        let with_templates = self.models().iter().filter(|model| !plain(model));
        let models = self.models().iter().filter(plain).take(1).chain(with_templates);
        for model in models {
            for somebody in [false, true] {
                let layers = [&self.manifest.settings, &model.settings];
                let mut context = sample::context(&self.name, &model.title, layers, somebody);
                for file in self.files() {
                    context.search = file.search.as_ref().map(|_| sample::search(somebody));
                    for stage in [Stage::Full, Stage::Bootstrap, Stage::Empty] {
                        if let Some(template) = template(model, file, stage) {
                            self.try_one(model, file, stage, &context, template)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn try_one(
        &self,
        model: &Model,
        file: &File,
        stage: Stage,
        context: &Context,
        template: &str,
    ) -> Result<(), TemplateFault> {
        let text = self.render_for(model, file, stage, context)?;
        match xml::fault(&text).filter(|_| file.kind.is_xml()) {
            None => Ok(()),
            Some((line, why)) => {
                let path = self.engine.path(template);
                let problem = format!("what it renders is no XML, in line {line} of it: {why}");
                let advice = "Correct the template; write values as {{ value }}, without `safe`.";
                Err(TemplateFault::of_file(&self.name, &path, problem, advice))
            }
        }
    }

    fn user_agents(&self) -> &[Regex] {
        &self.manifest.user_agents
    }

    fn absent(&self) -> &[Pattern] {
        &self.manifest.absent
    }

    fn firmware(&self) -> &[FirmwarePattern] {
        &self.manifest.firmware
    }
}

/// The template of a file on a model.
fn template<'v>(model: &'v Model, file: &'v File, stage: Stage) -> Option<&'v str> {
    let empty = || file.personal.as_ref().map(|personal| personal.empty.as_str());
    match stage {
        Stage::Full => {
            let of_model = model.templates.get(&file.name);
            of_model.or(file.template.as_ref()).map(String::as_str).or_else(empty)
        }
        Stage::Bootstrap => file.bootstrap.as_deref(),
        Stage::Empty => empty(),
    }
}

/// All vendors, as they stood at one moment.
#[derive(Debug, Clone)]
pub struct Vendors {
    vendors: BTreeMap<String, Arc<Vendor>>,
    faults: Vec<TemplateFault>,
    overrides: Option<PathBuf>,
    stamp: Stamp,
}

impl Vendors {
    /// Reads the vendors: those in the binary, and `<overrides>/<vendor>/…` over them. Never fails: a
    /// vendor with a mistake in the operator's folder is the built-in one, and
    /// [`Vendors::faults`] tells. Reads from disk.
    pub fn load(overrides: Option<&Path>) -> Self {
        Self::read(overrides, &BTreeMap::new())
    }

    /// Reads the vendors again if anything changed in the operator's folder; `None` where nothing
    /// did. A vendor with a mistake stays as it is here. Reads from disk.
    pub fn reload(&self) -> Option<Self> {
        let folder = self.overrides.as_deref()?;
        (folder::stamp(folder) != self.stamp).then(|| Self::read(Some(folder), &self.vendors))
    }

    fn read(overrides: Option<&Path>, before: &BTreeMap<String, Arc<Vendor>>) -> Self {
        let built_in = folder::built_in();
        let found = overrides.map(Overrides::read).unwrap_or_default();
        let mut all = Self {
            vendors: BTreeMap::new(),
            faults: found.faults,
            overrides: overrides.map(Path::to_owned),
            stamp: found.stamp,
        };
        let names = built_in.keys().chain(&found.present);
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let mut folder = built_in.get(name).cloned().unwrap_or_default();
            let laid_over = found.vendors.get(name);
            folder.extend(laid_over.cloned().unwrap_or_default());
            let unreadable = found.present.contains(name) && laid_over.is_none();
            let vendor = match unreadable {
                true => None,
                false => match Self::unchanged(before.get(name), &folder) {
                    Some(vendor) => Some(vendor),
                    None => match Vendor::new(name, &folder, laid_over.is_some()) {
                        Ok(vendor) => Some(Arc::new(vendor)),
                        Err(fault) => {
                            all.faults.push(fault);
                            None
                        }
                    },
                },
            };
            let good = || {
                let folder = built_in.get(name)?;
                Vendor::new(name, folder, false).ok().map(Arc::new)
            };
            if let Some(vendor) = vendor.or_else(|| before.get(name).cloned()).or_else(good) {
                all.vendors.insert(name.clone(), vendor);
            }
        }
        all
    }

    /// The vendor as it was, where its folder is as it was.
    fn unchanged(before: Option<&Arc<Vendor>>, folder: &Folder) -> Option<Arc<Vendor>> {
        before.filter(|before| before.fingerprint == folder::fingerprint(folder)).cloned()
    }

    /// Mistakes in the operator's folder.
    pub fn faults(&self) -> &[TemplateFault] {
        &self.faults
    }

    /// The vendor whose folder has that name, in any case (`manuf=Snom`).
    pub fn get(&self, name: &str) -> Option<&Arc<Vendor>> {
        self.vendors.get(name).or_else(|| self.vendors.get(&name.to_ascii_lowercase()))
    }

    /// All, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Vendor>> {
        self.vendors.values()
    }

    /// The vendor that the MAC address belongs to.
    pub fn of_mac(&self, mac: Mac) -> Option<&Arc<Vendor>> {
        self.all().find(|vendor| vendor.has_oui(mac))
    }

    /// What a User-Agent says.
    pub fn read_agent(&self, agent: &str) -> Option<Agent> {
        self.all().find_map(|vendor| vendor.read_agent(agent))
    }
}
