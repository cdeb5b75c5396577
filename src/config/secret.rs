//! Secrets of the configuration: in the file, in files of their own, or systemd's credentials.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

/// The most bytes that a secret has.
const MAX_BYTES: u64 = 4096;

/// A secret, and where it stands.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The secret itself.
    pub value: SecretString,
    /// Where it was read from.
    pub from: SecretSource,
}

/// Where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In the configuration file itself.
    Inline,
    /// In a file of its own.
    File(PathBuf),
    /// Among systemd's credentials, under this name.
    Credential(String),
}

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or made.
    #[error("the file {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Everybody can read the file.
    #[error("the file {} can be read by everybody; run `chmod o= {}`", path.display(), path.display())]
    Open {
        /// Which.
        path: PathBuf,
    },
    /// The file holds no secret.
    #[error("the file {} is empty, too long, not UTF-8, or holds control characters; it must hold the secret and nothing else", path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
}

/// Reads a secret from its file; a newline at the end does not belong to it.
///
/// # Errors
/// The file cannot be read, others than owner and group can, or it holds no secret.
pub(super) fn read(path: &Path) -> Result<SecretString, SecretError> {
    let failed = |source| SecretError::File { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(SecretError::Open { path: path.into() });
    }
    let mut text = Zeroizing::new(String::new());
    let length = match file.take(MAX_BYTES + 1).read_to_string(&mut text) {
        Ok(length) => length as u64,
        Err(error) if error.kind() == ErrorKind::InvalidData => MAX_BYTES + 1,
        Err(error) => return Err(failed(error)),
    };
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if length > MAX_BYTES || secret.is_empty() || secret.contains(char::is_control) {
        return Err(SecretError::Content { path: path.into() });
    }
    Ok(SecretString::from(secret))
}

/// Reads the secret in `path`, or makes one there (mode 0600) where there is no such file.
///
/// # Errors
/// The file cannot be read or made, others than owner and group can read it, or it holds no secret.
pub(super) fn read_or_make(path: &Path) -> Result<SecretString, SecretError> {
    let failed = |source| SecretError::File { path: path.into(), source };
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(mut file) => {
            let secret = Zeroizing::new(random());
            file.write_all(format!("{}\n", *secret).as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
            Ok(SecretString::from(secret.as_str()))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(failed(error)),
    }
}

/// 32 hex digits: 128 bits.
fn random() -> String {
    format!("{:032x}", rand::random::<u128>())
}
