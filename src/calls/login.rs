//! `*11` and `*12`: log in here, out everywhere else, or here too.

use jiff::Timestamp;

use super::dialogue::{Dialogue, Over};
use super::identify::Tried;
use super::{Caller, Conversations, Ending};
use crate::desk::Error;
use crate::model::{Actor, Extension, LoginMode};

impl Conversations {
    pub(super) async fn login(
        &self,
        dialogue: &Dialogue,
        caller: &Caller,
        dialled: Option<&Extension>,
        mode: LoginMode,
    ) -> Result<Ending, Over> {
        for _ in 0..self.pin.tries.get() {
            let Some(user) = self.ask_extension(dialogue, dialled).await? else { continue };
            let found = match self.try_pin(dialogue, caller, &user).await? {
                Tried::Right(found) => found,
                Tried::Refused => continue,
                Tried::Unavailable => return Ok(Ending::Unavailable),
            };
            let Some(phone) = caller.phone else { return Ok(Ending::Unavailable) };
            let attempt = Some(found.attempt.clone());
            let by = Actor::Caller(phone);
            match self.desk.log_in(phone, found.user, mode, attempt, Timestamp::now(), by).await {
                Ok(_) => {
                    self.desk.store().metrics().in_force(found.entered.elapsed());
                    return Ok(Ending::Said(dialogue.prompts().logged_in.clone()));
                }
                Err(Error::Refused(why)) => {
                    tracing::info!(%phone, %user, %why, "a login with the right PIN was refused by the rules");
                    self.refuse(dialogue, caller, found.attempt, found.refusal).await?;
                }
                Err(error) => {
                    tracing::error!(%phone, %user, %error, "a login failed");
                    return Ok(Ending::Unavailable);
                }
            }
        }
        Ok(Ending::GaveUp)
    }
}
