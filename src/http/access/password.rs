//! Passwords of configured users, as argon2id hashes.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

/// The most memory that a hash may take, in KiB.
const MOST_MEMORY: u32 = 256 * 1024;
/// The most rounds.
const MOST_ROUNDS: u32 = 16;
/// The longest password, in bytes.
const LONGEST: usize = 1_024;

/// A hash that can be used. Its `Debug` output tells none.
#[derive(Debug, Clone)]
pub struct PasswordDigest(SecretString);

/// The text is no hash that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an argon2id hash; `hotdeskd admin password` makes one")]
pub struct InvalidPasswordDigest;

impl TryFrom<SecretString> for PasswordDigest {
    type Error = InvalidPasswordDigest;

    fn try_from(text: SecretString) -> Result<Self, Self::Error> {
        let parsed = PasswordHash::new(text.expose_secret()).map_err(|_| InvalidPasswordDigest)?;
        let params = Params::try_from(&parsed).map_err(|_| InvalidPasswordDigest)?;
        let fits = params.m_cost() <= MOST_MEMORY && params.t_cost() <= MOST_ROUNDS;
        if parsed.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || !fits
            || parsed.hash.is_none()
        {
            return Err(InvalidPasswordDigest);
        }
        Ok(Self(text))
    }
}

impl PasswordDigest {
    /// The hash of a password.
    ///
    /// # Errors
    /// It cannot be hashed.
    pub fn of(password: &SecretString) -> Result<Self, argon2::password_hash::Error> {
        let hash = Argon2::default().hash_password(password.expose_secret().as_bytes())?;
        Ok(Self(hash.to_string().into()))
    }

    /// As it stands in the configuration.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Compares at most two passwords at a time: each takes 19 MiB and tens of milliseconds of a core. Apart from the PINs
/// of callers, which are not to wait behind it.
#[derive(Clone)]
pub(super) struct Passwords(Arc<Semaphore>);

impl Passwords {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(2)))
    }

    /// Whether the password is the one of this hash.
    pub(super) async fn is(&self, password: SecretString, digest: PasswordDigest) -> bool {
        if password.expose_secret().len() > LONGEST {
            return false;
        }
        let Ok(permit) = self.0.clone().acquire_owned().await else { return false };
        let check = move || {
            let _permit = permit;
            let Ok(hash) = PasswordHash::new(digest.expose()) else { return false };
            Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok()
        };
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_kind_of_hash_is_taken() {
        let digest = PasswordDigest::of(&"correct horse".into()).unwrap();
        assert!(!format!("{digest:?}").contains("argon2"));
        let again: SecretString = digest.expose().into();
        let again = PasswordDigest::try_from(again).unwrap();
        let passwords = Passwords::new();
        assert!(passwords.is("correct horse".into(), again.clone()).await);
        for wrong in ["", "correct horse ", "Correct horse", &"x".repeat(2_000)] {
            assert!(!passwords.is(wrong.into(), again.clone()).await);
        }
        let other = digest.expose().replace("argon2id", "argon2i");
        let large = digest.expose().replace("m=19456", "m=4000000");
        for text in ["", "secret", "$1$abc$def", "$argon2id$", &other, &large] {
            assert!(PasswordDigest::try_from(SecretString::from(text)).is_err(), "{text}");
        }
    }
}
