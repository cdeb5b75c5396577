//! `*13` and `*14`: log this phone out, or somebody out everywhere.

use jiff::Timestamp;

use super::dialogue::{Dialogue, Over};
use super::identify::Tried;
use super::settings::LogoutPin;
use super::{Caller, Conversations, Ending};
use crate::desk::Attempt;
use crate::model::{Actor, Extension, Mac};

impl Conversations {
    /// Logs out whoever sits at this phone. Whose a handset is cannot be changed at it.
    pub(super) async fn logout(
        &self,
        dialogue: &Dialogue,
        caller: &Caller,
    ) -> Result<Ending, Over> {
        let logged_out = Ending::Said(dialogue.prompts().logged_out.clone());
        let Some(phone) = caller.phone.filter(|_| caller.handset.is_none()) else {
            return Ok(Ending::Unavailable);
        };
        let Some(seated) = self.desk.seated(phone) else { return Ok(logged_out) };
        if self.pin.logout != LogoutPin::Always {
            return Ok(self.log_out(phone, None, logged_out).await);
        }
        for _ in 0..self.pin.tries.get() {
            match self.try_pin(dialogue, caller, &seated.user).await? {
                Tried::Right(found) => {
                    return Ok(self.log_out(phone, Some(found.attempt), logged_out).await);
                }
                Tried::Refused => {}
                Tried::Unavailable => return Ok(Ending::Unavailable),
            }
        }
        Ok(Ending::GaveUp)
    }

    /// Logs a user out of all phones, from any phone.
    pub(super) async fn logout_everywhere(
        &self,
        dialogue: &Dialogue,
        caller: &Caller,
        dialled: Option<&Extension>,
    ) -> Result<Ending, Over> {
        let Some(phone) = caller.phone else { return Ok(Ending::Unavailable) };
        for _ in 0..self.pin.tries.get() {
            let Some(user) = self.ask_extension(dialogue, dialled).await? else { continue };
            let oneself = self.desk.seated(phone).is_some_and(|seated| seated.user == user);
            if oneself && self.pin.logout == LogoutPin::Never {
                return Ok(self.log_out_everywhere(dialogue, phone, user, None).await);
            }
            match self.try_pin(dialogue, caller, &user).await? {
                Tried::Right(found) => {
                    return Ok(self
                        .log_out_everywhere(dialogue, phone, found.user, Some(found.attempt))
                        .await);
                }
                Tried::Refused => {}
                Tried::Unavailable => return Ok(Ending::Unavailable),
            }
        }
        Ok(Ending::GaveUp)
    }

    async fn log_out(&self, phone: Mac, attempt: Option<Attempt>, well: Ending) -> Ending {
        match self.desk.log_out(phone, attempt, Timestamp::now(), Actor::Caller(phone)).await {
            Ok(_) => well,
            Err(error) => {
                tracing::error!(%phone, %error, "a logout failed");
                Ending::Unavailable
            }
        }
    }

    async fn log_out_everywhere(
        &self,
        dialogue: &Dialogue,
        phone: Mac,
        user: Extension,
        attempt: Option<Attempt>,
    ) -> Ending {
        match self
            .desk
            .log_out_everywhere(user, attempt, Timestamp::now(), Actor::Caller(phone))
            .await
        {
            Ok(_) => Ending::Said(dialogue.prompts().logged_out.clone()),
            Err(error) => {
                tracing::error!(%phone, %error, "a logout failed");
                Ending::Unavailable
            }
        }
    }
}
