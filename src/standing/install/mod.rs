//! `freeswitch install` and `freeswitch print`: brings our files to their folder, and tells the
//! operator what to include where and which settings of FreeSWITCH the design rests on.
//!
//! Nothing is ever written into the operator's own configuration.

mod advice;
mod profile;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::MARKER;
use super::dialplan::RenderedFile;
use super::disk::{DiskError, Folder, Outcome};
use crate::model::escape_xml;

pub use advice::{Advice, Part};
pub use profile::{ProfileSetting, Wanted, required_profile_settings};

/// The folders inside the standing files' folder that [`install`] keeps; what it does not know in
/// them and wrote earlier, it removes.
const KEPT: [&str; 4] = ["dialplan", "public", "numbers", "xml_curl"];

/// What `install` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallReport {
    /// Each file, by its path, and what became of it.
    pub files: Vec<(PathBuf, Outcome)>,
}

impl InstallReport {
    /// Whether FreeSWITCH has something new to read (`reloadxml`).
    pub fn changed(&self) -> bool {
        let moved = |outcome| !matches!(outcome, Outcome::Unchanged | Outcome::NotOurs);
        self.files.iter().any(|(_, outcome)| moved(*outcome))
    }

    /// Whether a file of somebody else stands where one of ours belongs.
    pub fn blocked(&self) -> bool {
        self.files.iter().any(|(_, outcome)| *outcome == Outcome::NotOurs)
    }
}

impl fmt::Display for InstallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, outcome) in &self.files {
            let word = match outcome {
                Outcome::Written => "written",
                Outcome::Changed => "changed",
                Outcome::Unchanged => "unchanged",
                Outcome::Removed => "removed",
                Outcome::NotOurs => {
                    "left alone, not written by hotdeskd: move it away, then install again"
                }
            };
            writeln!(f, "{}: {word}", path.display())?;
        }
        Ok(())
    }
}

/// The user name and password with which FreeSWITCH asks us.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The user name; no `:`.
    pub user: &'a str,
    /// The password.
    pub password: &'a SecretString,
}

/// Writes the rendered files, and the credentials into a file of their own, below `folder`.
///
/// # Errors
/// The disk refuses. A file that is somebody else's is no error; the report says it.
pub fn install(
    folder: &Folder,
    files: &[RenderedFile],
    credentials: Option<Credentials<'_>>,
) -> Result<InstallReport, InstallError> {
    folder.make()?;
    let mut report = InstallReport::default();
    let secret = credentials.map(credentials_text).transpose()?;
    let mut all = Vec::new();
    for file in files {
        all.push((place_of(file)?, file.text.as_str()));
    }
    if let Some(text) = &secret {
        let place = ("xml_curl".to_owned(), "credentials.xml".to_owned());
        all.push((place, text.expose_secret()));
    }
    for ((inside, name), text) in &all {
        let within = folder.inside(inside);
        let outcome = within.write(name, text)?;
        report.files.push((within.path().join(name), outcome));
    }
    for inside in KEPT {
        let within = folder.inside(inside);
        for name in within.names()? {
            let known = all.iter().any(|((i, n), _)| i == inside && *n == name);
            // What we did not write is nothing to us here, unless it stands in our way.
            if !known && within.remove(&name)? == Outcome::Removed {
                report.files.push((within.path().join(&name), Outcome::Removed));
            }
        }
    }
    Ok(report)
}

/// The folder, one of [`KEPT`], and the name of a rendered file.
fn place_of(file: &RenderedFile) -> Result<(String, String), InstallError> {
    let mut parts = file.path.iter().map(|part| part.to_string_lossy().into_owned());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(inside), Some(name), None)
            if KEPT.contains(&inside.as_str())
                && name.ends_with(".xml")
                && !name.starts_with('.') =>
        {
            Ok((inside, name))
        }
        _ => Err(InstallError::Place { path: file.path.clone() }),
    }
}

fn credentials_text(credentials: Credentials<'_>) -> Result<SecretString, InstallError> {
    let Credentials { user, password } = credentials;
    let password = password.expose_secret();
    let printable = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    if user.contains(':') || !printable(user) || !printable(password) {
        return Err(InstallError::Credentials);
    }
    let (user, password) = (escape_xml(user), escape_xml(password));
    let text = format!(
        "{MARKER}\n<include>\n  <param name=\"gateway-credentials\" value=\"{user}:{password}\"/>\n</include>\n"
    );
    Ok(text.into())
}

/// The standing files could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A rendered file belongs nowhere: a mistake in hotdeskd.
    #[error("{path} is no place for a standing file; this is a mistake in hotdeskd")]
    Place {
        /// Its path.
        path: PathBuf,
    },
    /// The credentials cannot stand in FreeSWITCH's configuration.
    #[error(
        "the user name and password for FreeSWITCH's requests must not be empty, must not hold \
         control characters, and the user name no `:`"
    )]
    Credentials,
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] DiskError),
}
