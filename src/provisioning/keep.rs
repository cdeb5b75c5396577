//! What phones send: logs, and a person's own settings, call lists and contacts.

use jiff::Timestamp;

use super::answer::{Keeping, Upload};
use super::record::Note;
use super::{Log, Provisioning};
use crate::model::{Mac, Told};
use crate::store::{DatabaseError, Tx};

/// What became of what a phone sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It was taken, whether it was kept or thrown away: the phone need not know.
    Taken,
    /// It was too long.
    TooLong,
    /// It broke off.
    Incomplete,
    /// It cannot be kept now; the phone may try again.
    NotNow,
}

/// Why there is nothing to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReceived {
    /// It is longer than [`Upload::most`].
    TooLong,
    /// It broke off, or its length or its chunks are wrong.
    Incomplete,
}

impl Provisioning {
    /// Keeps what a phone sent.
    pub async fn keep(
        &self,
        upload: Upload,
        body: Result<bytes::Bytes, NotReceived>,
        now: Timestamp,
    ) -> Kept {
        let Upload { phone, name, keeping, mut request, .. } = upload;
        let body = match body {
            Ok(body) => body,
            Err(why) => {
                let (status, reason, kept) = match why {
                    NotReceived::TooLong => (413, "it was too long", Kept::TooLong),
                    NotReceived::Incomplete => (400, "it broke off", Kept::Incomplete),
                };
                request.status = status;
                request.why = discarded(&name, reason);
                self.recorder().note(Note::Asked(request));
                return kept;
            }
        };
        request.bytes = body.len() as u64;
        let kept = match keeping {
            Keeping::Discard(reason) => Ok(discarded(&name, reason)),
            Keeping::Log => self.keep_log(phone, &name, body, now).await,
            Keeping::Personal { user, file } => {
                let accepted = file.personal.as_ref().map(|own| own.accept(file.kind, &body));
                match accepted {
                    None => Ok(discarded(&name, "it is no file of a person's own")),
                    Some(Err(reason)) => Ok(discarded(&name, &reason.to_string())),
                    Some(Ok(content)) => {
                        let written = self.store().write({
                            let (user, name) = (user.clone(), name.clone());
                            async move |tx: &mut Tx<'_>| {
                                // Who was removed meanwhile has no files.
                                if tx.user(&user).await?.is_some() {
                                    tx.keep_personal_file(&user, &name, content.as_bytes(), now)
                                        .await?;
                                }
                                Ok::<(), DatabaseError>(())
                            }
                        });
                        let why = Told::Kept { file: name.clone(), user: Some(user) };
                        written.await.map(|()| why).map_err(|error| error.to_string())
                    }
                }
            }
        };
        let (why, status, kept) = match kept {
            Ok(why) => (why, 201, Kept::Taken),
            Err(error) => {
                tracing::warn!(%phone, name, error, "what a phone sent cannot be kept");
                (discarded(&name, &error), 503, Kept::NotNow)
            }
        };
        (request.why, request.status) = (why, status);
        self.recorder().note(Note::Asked(request));
        kept
    }

    async fn keep_log(
        &self,
        phone: Mac,
        name: &str,
        body: bytes::Bytes,
        now: Timestamp,
    ) -> Result<Told, String> {
        let (logs, file) = (self.inner.logs.clone(), name.to_owned());
        let kept = tokio::task::spawn_blocking(move || logs.keep(phone, &file, now, &body)).await;
        match kept {
            Ok(Ok(())) => Ok(Told::Kept { file: name.to_owned(), user: None }),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The logs of a phone, oldest first.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn logs(&self, phone: Mac) -> std::io::Result<Vec<Log>> {
        self.inner.logs.list(phone)
    }

    /// What a log of [`Provisioning::logs`] says.
    ///
    /// # Errors
    /// There is none of that name, or the disk refuses.
    pub fn log(&self, phone: Mac, name: &str) -> std::io::Result<Vec<u8>> {
        self.inner.logs.read(phone, name)
    }
}

fn discarded(file: &str, reason: &str) -> Told {
    Told::Discarded { file: file.to_owned(), reason: reason.to_owned() }
}
