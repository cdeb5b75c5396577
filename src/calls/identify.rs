//! Who is calling: extension and PIN, tried a few times, guarded.

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::dialogue::{Dialogue, Keys, Over};
use super::{Caller, Conversations};
use crate::desk::{Attempt, WhoTries};
use crate::model::{Actor, Extension, Pin};

/// Somebody whose PIN was right.
pub(super) struct Identified {
    /// Who.
    pub(super) user: Extension,
    /// When the last digit came.
    pub(super) entered: Instant,
    /// The attempt, to be handed to what is done now.
    pub(super) attempt: Attempt,
    /// What a refusal by the rules still needs, so that it sounds like a wrong PIN.
    pub(super) refusal: Refusal,
}

/// When a refusal is spoken: a fixed time after the last digit, whatever the reason.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    at: Instant,
}

/// How one try ended.
pub(super) enum Tried {
    /// The PIN was right.
    Right(Identified),
    /// Refused, and said so.
    Refused,
    /// It could not be checked.
    Unavailable,
}

impl Conversations {
    /// Asks for the extension, unless `dialled` with the code.
    pub(super) async fn ask_extension(
        &self,
        dialogue: &Dialogue,
        dialled: Option<&Extension>,
    ) -> Result<Option<Extension>, Over> {
        if let Some(extension) = dialled {
            return Ok(Some(extension.clone()));
        }
        let length = Extension::MIN_DIGITS..=Extension::MAX_DIGITS;
        let keys = dialogue.ask(&dialogue.prompts().extension, length).await?;
        let extension = keys.as_ref().and_then(Keys::extension);
        if extension.is_none() {
            dialogue.say(&dialogue.prompts().invalid).await?;
        }
        Ok(extension)
    }

    /// Asks for the PIN of `user` and checks it. Every refusal takes the same time and sounds the same:
    /// unknown phone, unknown extension, locked, no PIN, wrong PIN.
    pub(super) async fn try_pin(
        &self,
        dialogue: &Dialogue,
        caller: &Caller,
        user: &Extension,
    ) -> Result<Tried, Over> {
        let length = Pin::MIN_DIGITS..=Pin::MAX_DIGITS;
        let Some(keys) = dialogue.ask(&dialogue.prompts().pin, length).await? else {
            dialogue.say(&dialogue.prompts().invalid).await?;
            return Ok(Tried::Refused);
        };
        let who = WhoTries { extension: Some(user.clone()), phone: caller.phone };
        let refusal_after = self.pin.refusal_after_ms.duration();
        let counted = timeout(refusal_after, self.desk.attempt(who, Timestamp::now())).await;
        let attempt = match counted {
            Ok(Ok(attempt)) => attempt,
            Ok(Err(error)) => {
                tracing::error!(%error, "no PIN can be checked while attempts cannot be counted");
                return Ok(Tried::Unavailable);
            }
            // A locked store may take many seconds to say so. Should it count after all, it counts.
            Err(_) => {
                tracing::error!("an attempt could not be counted in time");
                return Ok(Tried::Unavailable);
            }
        };
        let refusal = Refusal { at: keys.at + refusal_after + attempt.delay() };
        let left = (keys.at + refusal_after).saturating_duration_since(Instant::now());
        let checked =
            timeout(left, self.check.check(dialogue.session(), user, keys.digits())).await;
        let why = match checked {
            Ok(Ok(right)) => Ok(right),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it took too long".to_owned()),
        };
        let right = match why {
            Ok(right) => right,
            Err(error) => {
                tracing::error!(error, "a PIN could not be checked");
                // Or voicemail's being away would lock honest people.
                if let Err(error) = self.desk.pin_unchecked(attempt, Timestamp::now()).await {
                    tracing::error!(%error, "the attempt counts");
                }
                return Ok(Tried::Unavailable);
            }
        };
        if right && !attempt.is_locked() && attempt.is_at_our_phone() {
            return Ok(Tried::Right(Identified {
                user: user.clone(),
                entered: keys.at,
                attempt,
                refusal,
            }));
        }
        self.refuse(dialogue, caller, attempt, refusal).await?;
        Ok(Tried::Refused)
    }

    /// Refuses: the journal, and the one prompt at its time.
    pub(super) async fn refuse(
        &self,
        dialogue: &Dialogue,
        caller: &Caller,
        attempt: Attempt,
        refusal: Refusal,
    ) -> Result<(), Over> {
        let by = caller.phone.map_or(Actor::Daemon, Actor::Caller);
        if let Err(error) = self.desk.pin_refused(attempt, Timestamp::now(), by).await {
            tracing::error!(%error, "a refusal could not be written to the journal");
        }
        dialogue.wait_until(refusal.at).await;
        dialogue.say(&dialogue.prompts().refused).await
    }
}
