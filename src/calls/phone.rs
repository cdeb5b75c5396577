//! `*15` and `*19`: who is logged in here, and restart this phone.

use jiff::Timestamp;

use super::dialogue::{Dialogue, Over};
use super::{Caller, Conversations, Ending};
use crate::model::Actor;

impl Conversations {
    /// Says who is logged in at this phone.
    pub(super) async fn who(&self, dialogue: &Dialogue, caller: &Caller) -> Result<Ending, Over> {
        match caller.phone.and_then(|phone| self.desk.seated(phone)) {
            Some(seated) => {
                dialogue.say_extension(&seated.user).await?;
                Ok(Ending::Said(dialogue.prompts().logged_in.clone()))
            }
            None => Ok(Ending::Said(dialogue.prompts().logged_out.clone())),
        }
    }

    /// Restarts this phone once the call is over.
    pub(super) async fn restart_phone(&self, caller: &Caller) -> Result<Ending, Over> {
        let Some(phone) = caller.phone else { return Ok(Ending::Unavailable) };
        match self.desk.restart(phone, Timestamp::now(), Actor::Caller(phone)).await {
            Ok(()) => Ok(Ending::GaveUp),
            Err(error) => {
                tracing::error!(%phone, %error, "a restart could not be asked for");
                Ok(Ending::Unavailable)
            }
        }
    }
}
