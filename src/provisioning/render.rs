//! `hotdeskd phones render`: a phone's file as it would be sent now, and where its values come from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Provisioning;
use super::compose::{Subject, seated};
use super::layers::Explained;
use super::vendor::{Stage, TemplateFault};
use crate::model::Mac;

/// A file as it would be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rendered {
    /// Its name in the vendor's manifest.
    pub file: String,
    /// All names that the vendor has.
    pub files: Vec<String>,
    /// What it says, passwords and keys hidden unless they were asked for.
    pub text: String,
    /// Where the settings come from.
    pub settings: Vec<Explained>,
}

/// Why a file cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The phone is not in the inventory.
    #[error("there is no phone {0} in the inventory; `hotdeskd phones list` shows those that are")]
    UnknownPhone(Mac),
    /// We know no such vendor.
    #[error(
        "nothing is known of this phone's vendor; set it with `hotdeskd phones add {0} --replace --vendor …`"
    )]
    NoVendor(Mac),
    /// The vendor has no such file.
    #[error("there is no file `{0}`; there are: {1}")]
    NoFile(String, String),
    /// The template has a mistake.
    #[error(transparent)]
    Template(#[from] TemplateFault),
}

impl Provisioning {
    /// The phone's file of this name, or the one that shows who sits there.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render(
        &self,
        mac: Mac,
        file: Option<&str>,
        with_secrets: bool,
        now: Timestamp,
    ) -> Result<Rendered, RenderError> {
        self.render_for(mac, file, with_secrets, false, now)
    }

    /// The same as it would be if whoever it was given for last still sat there; what else changed since is not seen.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_as_given(
        &self,
        mac: Mac,
        file: Option<&str>,
        with_secrets: bool,
        now: Timestamp,
    ) -> Result<Rendered, RenderError> {
        self.render_for(mac, file, with_secrets, true, now)
    }

    fn render_for(
        &self,
        mac: Mac,
        file: Option<&str>,
        with_secrets: bool,
        as_given: bool,
        now: Timestamp,
    ) -> Result<Rendered, RenderError> {
        let memory = self.store().memory();
        let phone = memory.phone(mac).ok_or(RenderError::UnknownPhone(mac))?;
        let enrolment = memory.enrolment(mac).ok_or(RenderError::UnknownPhone(mac))?;
        let vendor = self.vendor_of(phone, None).ok_or(RenderError::NoVendor(mac))?;
        let files: Vec<String> = vendor.files().iter().map(|file| file.name.clone()).collect();
        let found = match file {
            Some(name) => vendor.files().iter().find(|file| file.name == name),
            None => vendor.files().iter().find(|file| file.shows),
        };
        let found = found.ok_or_else(|| {
            RenderError::NoFile(file.unwrap_or_default().to_owned(), files.join(", "))
        })?;
        let user = match as_given {
            false => seated(&memory, phone),
            true => memory.shown(mac).and_then(|shown| memory.user(shown.user.as_ref()?)).cloned(),
        };
        let said = memory.shown(mac).and_then(|shown| shown.model.clone());
        let model = phone.model.as_deref().or(said.as_deref());
        let subject = Subject {
            phone,
            enrolment,
            user: user.as_deref(),
            memory: &memory,
            vendor: &vendor,
            model,
        };
        let settings = subject.layers(self.site()).explain(vendor.name());
        let (site, store, book) = (self.site(), self.store(), self.book(&memory));
        let mut context = subject.context(site, store, book.all(), None, false, now);
        if let Some(rules) = &found.search {
            context.search_in(&book, rules, &[]);
        }
        if !with_secrets {
            context.hide_secrets();
        }
        let stage = match (&found.personal, &user) {
            (Some(_), None) => Stage::Empty,
            _ => Stage::Full,
        };
        let text = vendor.render(found, stage, &context)?;
        Ok(Rendered { file: found.name.clone(), files, text, settings })
    }
}
