//! The vault: secrets that FreeSWITCH or a phone must be given, encrypted at rest.
//!
//! AES-256-GCM under a key file (0600) beside the store; the place of a value (table, column, key) is
//! authenticated with it, so that one phone's secret cannot be moved to another row.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit as _, Nonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Encrypts and decrypts with the key of one key file.
pub(super) struct Vault {
    cipher: Aes256Gcm,
    mac: Hmac<Sha256>,
}

/// What is wrong with the key file or an encrypted value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or made.
    #[error("the key file {}: {source}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key file is not 32 bytes long.
    #[error("the key file {} is not a key of {KEY_BYTES} bytes; restore it from the backup that the store came from", path.display())]
    Length {
        /// Where.
        path: PathBuf,
    },
    /// Others than the owner can read the key file.
    #[error("the key file {} can be read by others; run `chmod 600` on it", path.display())]
    Open {
        /// Where.
        path: PathBuf,
    },
    /// A secret in the store was not encrypted with this key.
    #[error(
        "a secret in the store cannot be decrypted with this key file; restore the key that belongs to this store"
    )]
    Decrypt,
}

impl Vault {
    /// Opens the key file, or makes one with mode 0600 where there is none and `may_create`.
    ///
    /// # Errors
    /// The file cannot be read or made, has the wrong length, or others can read it.
    pub(super) fn open(path: &Path, may_create: bool) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File { path: path.into(), source };
        let mut key = Zeroizing::new([0u8; KEY_BYTES]);
        match File::open(path) {
            Ok(mut file) => {
                let metadata = file.metadata().map_err(failed)?;
                if metadata.permissions().mode() & 0o077 != 0 {
                    return Err(VaultError::Open { path: path.into() });
                }
                if metadata.len() != KEY_BYTES as u64 {
                    return Err(VaultError::Length { path: path.into() });
                }
                file.read_exact(&mut key[..]).map_err(failed)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound && may_create => {
                rand::fill(&mut key[..]);
                // Whole or not at all, whenever somebody pulls the plug.
                let new = path.with_extension("key.new");
                let _ = std::fs::remove_file(&new);
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&new)
                    .map_err(failed)?;
                file.write_all(&key[..]).and_then(|()| file.sync_all()).map_err(failed)?;
                std::fs::rename(&new, path).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        let mac = Hmac::<Sha256>::new_from_slice(&key[..])
            .map_err(|_| VaultError::Length { path: path.into() })?;
        Ok(Self { cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key[..])), mac })
    }

    /// 16 bytes that depend on the key and `purpose`, and tell nothing of the key.
    pub(super) fn derive(&self, purpose: &str) -> [u8; 16] {
        let mut mac = self.mac.clone();
        mac.update(purpose.as_bytes());
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Nonce and ciphertext of a secret that stands at `place`.
    pub(super) fn seal(&self, place: &str, secret: &SecretString) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: place.as_bytes() };
        let mut sealed = nonce.to_vec();
        // Encryption fails only for messages of 64 GiB.
        if let Ok(ciphertext) = self.cipher.encrypt(Nonce::from_slice(&nonce), payload) {
            sealed.extend(ciphertext);
        }
        sealed
    }

    /// The secret that was sealed for `place`.
    ///
    /// # Errors
    /// It was sealed with another key or for another place, or is damaged.
    pub(super) fn unseal(&self, place: &str, sealed: &[u8]) -> Result<SecretString, VaultError> {
        let (nonce, msg) = sealed.split_at_checked(NONCE_BYTES).ok_or(VaultError::Decrypt)?;
        let payload = Payload { msg, aad: place.as_bytes() };
        let plain = self
            .cipher
            .decrypt(Nonce::from_slice(nonce), payload)
            .map_err(|_| VaultError::Decrypt)?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| VaultError::Decrypt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_only_at_its_place_and_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let vault = Vault::open(&path, true).unwrap();
        let sealed = vault.seal("phones/secret/1", &"s3cret".into());
        assert!(!sealed.windows(6).any(|w| w == b"s3cret"));
        let again = Vault::open(&path, false).unwrap();
        assert_eq!(again.unseal("phones/secret/1", &sealed).unwrap().expose_secret(), "s3cret");
        assert!(again.unseal("phones/secret/2", &sealed).is_err());
        assert!(again.unseal("phones/secret/1", &sealed[..5]).is_err());
        let other = Vault::open(&folder.path().join("other.key"), true).unwrap();
        assert!(other.unseal("phones/secret/1", &sealed).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        Vault::open(&path, true).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Vault::open(&path, true), Err(VaultError::Open { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(Vault::open(&path, true), Err(VaultError::Length { .. })));
        assert!(matches!(
            Vault::open(&folder.path().join("none"), false),
            Err(VaultError::File { .. })
        ));
    }
}
