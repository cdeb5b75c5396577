//! A mistake in a vendor's folder: where it is, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::TomlFault;

/// A mistake in a vendor's folder. Holds nothing of what a file was rendered from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TemplateFault {
    /// The vendor, as its folder is named; empty where the fault is in no vendor's folder.
    pub vendor: String,
    /// The file; a built-in one as `templates/<vendor>/<file>`.
    pub file: PathBuf,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What was found.
    pub problem: String,
    /// What to do: whole sentences.
    pub advice: String,
}

impl TemplateFault {
    /// A fault that belongs to no line.
    pub(super) fn of_file(vendor: &str, file: &Path, problem: String, advice: &str) -> Self {
        Self {
            vendor: vendor.to_owned(),
            file: file.into(),
            line: None,
            problem,
            advice: advice.to_owned(),
        }
    }

    /// A mistake in a manifest.
    pub(super) fn of_manifest(vendor: &str, fault: TomlFault) -> Self {
        let TomlFault { file, line, column: _, key, problem, advice } = fault;
        let problem = if key.is_empty() { problem } else { format!("`{key}`: {problem}") };
        Self { vendor: vendor.to_owned(), file, line: Some(line), problem, advice }
    }
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}. {}", self.problem, self.advice)
    }
}
