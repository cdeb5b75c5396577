//! PINs as argon2id hashes.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::{Desk, Error};

/// Hashes at most two PINs at a time: each takes 19 MiB and tens of milliseconds of a core.
#[derive(Clone)]
pub(super) struct PinHasher(Arc<Semaphore>);

impl Default for PinHasher {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(2)))
    }
}

impl PinHasher {
    pub(super) async fn hash(&self, pin: SecretString) -> Result<SecretString, Error> {
        let hash = move || {
            Argon2::default()
                .hash_password(pin.expose_secret().as_bytes())
                .map(|hash| hash.to_string())
        };
        let hashed = self.at_most_two(hash).await?;
        hashed.map(SecretString::from).map_err(|error| Error::Store(error.to_string()))
    }

    async fn at_most_two<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.0.clone().acquire_owned().await.map_err(|_| Error::Busy)?;
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Busy)
    }
}

impl Desk {
    /// Whether `digits` are the PIN of which `hash` is the argon2id hash.
    ///
    /// # Errors
    /// It could not be computed.
    pub async fn matches_hash(
        &self,
        digits: SecretString,
        hash: SecretString,
    ) -> Result<bool, Error> {
        let check = move || {
            let Ok(parsed) = PasswordHash::new(hash.expose_secret()) else {
                return false;
            };
            Argon2::default().verify_password(digits.expose_secret().as_bytes(), &parsed).is_ok()
        };
        self.hasher.at_most_two(check).await
    }
}
