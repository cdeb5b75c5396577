//! The data folder's lock: one process at a time has the store.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::OpenError;

/// The lock of a data folder, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `<folder>/lock`; none when another process has it. The folder is made (mode 0700)
    /// where it is not there but the one above it is.
    ///
    /// # Errors
    /// The folder cannot be made or used, or belongs to another user: files made by the wrong user,
    /// such as root, would lock the daemon out.
    pub fn take(folder: &Path) -> Result<Option<Self>, OpenError> {
        let failed = |source| OpenError::Folder { path: folder.into(), source };
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            _ => {}
        }
        owned(folder)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(folder.join("lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Refuses a folder of another user: files made in it by the wrong one, such as root, would lock the
/// daemon out.
pub(super) fn owned(folder: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Folder { path: folder.into(), source };
    let owner = std::fs::metadata(folder).map_err(failed)?.uid();
    // The owner of /proc/self is the user that this process acts as.
    match std::fs::metadata("/proc/self") {
        Ok(own) if own.uid() != owner => Err(OpenError::Owner { path: folder.into(), owner }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("data");
        let first = Lock::take(&folder).unwrap();
        assert!(first.is_some());
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert!(Lock::take(&folder).unwrap().is_none());
        drop(first);
        assert!(Lock::take(&folder).unwrap().is_some());
        assert!(Lock::take(&above.path().join("a/b")).is_err());
        // Root may give a folder away; anybody else finds one of root's.
        let foreign = match std::os::unix::fs::chown(&folder, Some(12_345), None) {
            Ok(()) => folder.as_path(),
            Err(_) => Path::new("/"),
        };
        assert!(matches!(Lock::take(foreign), Err(OpenError::Owner { .. })));
        std::fs::write(above.path().join("file"), "").unwrap();
        assert!(Lock::take(&above.path().join("file")).is_err());
    }
}
