//! Files of ours on a disk that FreeSWITCH reads at any moment: written whole, renamed into place,
//! and never over a file that we did not write.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::MARKER;

/// No file of ours is longer; what is longer is not read.
const MOST_BYTES: u64 = 64 << 20;

/// A folder of ours: 0750, its files 0640, all of one group if one is given.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    group: Option<u32>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there, and is now.
    Written,
    /// It was ours, and says something else now.
    Changed,
    /// It says what it should already.
    Unchanged,
    /// It was ours, is no longer wanted, and is gone.
    Removed,
    /// Somebody else wrote it; it was left alone.
    NotOurs,
}

impl Folder {
    /// A folder that may not exist yet. `group` is the group id of FreeSWITCH, so that it may read.
    pub fn new(path: impl Into<PathBuf>, group: Option<u32>) -> Self {
        Self { path: path.into(), group }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder inside.
    pub fn inside(&self, name: &str) -> Self {
        Self { path: self.path.join(name), group: self.group }
    }

    /// Makes the folder if it is not there, and gives it to the group if it is another's.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn make(&self) -> Result<(), DiskError> {
        if let Some(found) = fs::metadata(&self.path).ok().filter(fs::Metadata::is_dir) {
            // A group that was set after the folder was made.
            let strange = self.group.is_some_and(|group| group != found.gid());
            return if strange { self.hand_over(&self.path, 0o750) } else { Ok(()) };
        }
        let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(&self.path);
        made.map_err(|source| fault(&self.path, source))?;
        self.hand_over(&self.path, 0o750)
    }

    /// Lets the group pass through the folders above this one, from `above` on, where this folder is
    /// inside it. FreeSWITCH would otherwise find nothing here, and say nothing: an include that
    /// matches no file is no error to it.
    ///
    /// # Errors
    /// A folder cannot be given to the group.
    pub fn let_pass(&self, above: &Path) -> Result<(), DiskError> {
        if self.group.is_none() || !self.path.starts_with(above) {
            return Ok(());
        }
        let passed = self.path.ancestors().skip(1).take_while(|folder| folder.starts_with(above));
        for folder in passed {
            // To pass, not to list: what else is inside stays unseen.
            self.hand_over(folder, 0o710)?;
        }
        Ok(())
    }

    /// The text of a file of ours; `None` if it is not there.
    ///
    /// # Errors
    /// It cannot be read, or is [`DiskError::NotOurs`].
    pub fn read(&self, name: &str) -> Result<Option<String>, DiskError> {
        let path = self.path.join(name);
        match kind(&path)? {
            Kind::Absent => Ok(None),
            Kind::Foreign => Err(DiskError::NotOurs { path }),
            Kind::Ours(text) => Ok(Some(text)),
        }
    }

    /// Writes a file whole, with [`MARKER`] at its beginning (the text must bring it).
    ///
    /// A reader sees the old file or the new one, never a part, also across a power cut.
    ///
    /// # Errors
    /// The disk refuses. A file that is not ours is no error but [`Outcome::NotOurs`].
    pub fn write(&self, name: &str, text: &str) -> Result<Outcome, DiskError> {
        self.make()?;
        let path = self.path.join(name);
        let outcome = match kind(&path)? {
            Kind::Absent => Outcome::Written,
            Kind::Foreign => return Ok(Outcome::NotOurs),
            Kind::Ours(found) if found == text => {
                self.hand_over(&path, 0o640)?;
                return Ok(Outcome::Unchanged);
            }
            Kind::Ours(_) => Outcome::Changed,
        };
        // Hidden and without `.xml` at its end, so that no include of FreeSWITCH's matches it.
        // The daemon and a command may write at the same time, each its own draft.
        let draft = self.path.join(format!(".{name}.{}.draft", std::process::id()));
        let written = self
            .write_draft(&draft, text)
            .and_then(|()| fs::rename(&draft, &path).map_err(|source| fault(&path, source)));
        if written.is_err() {
            // What is left of it would only be in the way; the first fault is the one to tell.
            let _ = fs::remove_file(&draft);
        }
        written?;
        self.sync()?;
        Ok(outcome)
    }

    fn write_draft(&self, draft: &Path, text: &str) -> Result<(), DiskError> {
        match fs::remove_file(draft) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(fault(draft, source));
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o640)
            .open(draft)
            .map_err(|source| fault(draft, source))?;
        self.hand_over(draft, 0o640)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|source| fault(draft, source))
    }

    /// Removes a file if it is ours.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn remove(&self, name: &str) -> Result<Outcome, DiskError> {
        let path = self.path.join(name);
        match kind(&path)? {
            Kind::Absent => Ok(Outcome::Unchanged),
            Kind::Foreign => Ok(Outcome::NotOurs),
            Kind::Ours(_) => {
                fs::remove_file(&path).map_err(|source| fault(&path, source))?;
                self.sync()?;
                Ok(Outcome::Removed)
            }
        }
    }

    /// The names of the `*.xml` files inside, in their order; none if the folder is not there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, DiskError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(fault(&self.path, source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| fault(&self.path, source))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".xml") && !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn hand_over(&self, path: &Path, mode: u32) -> Result<(), DiskError> {
        if self.group.is_some() {
            let owned = std::os::unix::fs::chown(path, None, self.group);
            owned.map_err(|source| DiskError::Group { path: path.to_owned(), source })?;
        }
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, permissions).map_err(|source| fault(path, source))
    }

    /// Makes renames and removals last.
    fn sync(&self) -> Result<(), DiskError> {
        let synced = File::open(&self.path).and_then(|folder| folder.sync_all());
        synced.map_err(|source| fault(&self.path, source))
    }
}

enum Kind {
    Absent,
    Foreign,
    Ours(String),
}

/// A file of ours is a plain file that begins with our line; a link is somebody else's.
fn kind(path: &Path) -> Result<Kind, DiskError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Kind::Absent),
        Err(source) => return Err(fault(path, source)),
    };
    if !found.is_file() || found.len() > MOST_BYTES {
        return Ok(Kind::Foreign);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|source| fault(path, source))?;
    let read = file.take(MOST_BYTES).read_to_end(&mut bytes);
    read.map_err(|source| fault(path, source))?;
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with(MARKER) => Ok(Kind::Ours(text)),
        _ => Ok(Kind::Foreign),
    }
}

fn fault(path: &Path, source: std::io::Error) -> DiskError {
    DiskError::Refused { path: path.to_owned(), source }
}

/// A file of ours could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The disk refuses.
    #[error("{path}: {source}")]
    Refused {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file or folder cannot be given to FreeSWITCH's group.
    #[error(
        "{path} cannot be given to the group of `standing.group`: {source}; the user that hotdeskd runs as must be \
         in that group"
    )]
    Group {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file stands in the way that hotdeskd did not write.
    #[error(
        "{path} was not written by hotdeskd and is left alone; move it away if it is in the way"
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
}
