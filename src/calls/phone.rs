//! `*15` and `*19`: who is logged in here, and restart this phone.

use jiff::Timestamp;

use super::dialogue::{Dialogue, Over};
use super::{Caller, Conversations, Ending};
use crate::model::Actor;

impl Conversations {
    /// Says who is logged in at this phone.
    pub(super) async fn who(&self, dialogue: &Dialogue, caller: &Caller) -> Result<Ending, Over> {
        let user = match (caller.phone, caller.handset) {
            (Some(base), Some(number)) => self.desk.user_of_handset(base, number),
            (Some(phone), None) => self.desk.seated(phone).map(|seated| seated.user),
            (None, _) => None,
        };
        match user {
            Some(user) => {
                dialogue.say_extension(&user).await?;
                Ok(Ending::Said(dialogue.prompts().logged_in.clone()))
            }
            None => Ok(Ending::Said(dialogue.prompts().logged_out.clone())),
        }
    }

    /// Restarts this phone once the call is over. Not from a handset: it would take the telephone from everybody else
    /// at the same base.
    pub(super) async fn restart_phone(&self, caller: &Caller) -> Result<Ending, Over> {
        let Some(phone) = caller.phone.filter(|_| caller.handset.is_none()) else {
            return Ok(Ending::Unavailable);
        };
        match self.desk.restart(phone, Timestamp::now(), Actor::Caller(phone)).await {
            Ok(()) => Ok(Ending::GaveUp),
            Err(error) => {
                tracing::error!(%phone, %error, "a restart could not be asked for");
                Ok(Ending::Unavailable)
            }
        }
    }
}
