//! What a conversation is made of: say something, ask for keys, end the call.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::settings::{Prompt, Prompts};
use crate::event_socket::{Argument, ChannelWord, Execute, ExecuteError, Session};
use crate::model::Extension;

/// The channel variable that holds what was typed, for as long as FreeSWITCH needs to tell us.
const KEYS: &str = "hotdesk_keys";
/// How long a prompt may last.
const LONGEST_PROMPT: Duration = Duration::from_secs(30);

/// The conversation is over: the caller hung up, or the connection is gone. Nothing more can be said,
/// and nothing half-done is left, because whatever a flow changes it changes in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the conversation is over: {0}")]
pub struct Over(#[from] ExecuteError);

/// A caller at the other end of a call.
pub(super) struct Dialogue {
    session: Session,
    prompts: Arc<Prompts>,
}

/// What a caller typed, and when the last key came.
pub(super) struct Keys {
    digits: SecretString,
    /// When FreeSWITCH told us.
    pub(super) at: Instant,
}

impl Keys {
    /// The digits, never to be logged.
    pub(super) fn digits(&self) -> &SecretString {
        &self.digits
    }

    /// The digits as an extension.
    pub(super) fn extension(&self) -> Option<Extension> {
        self.digits.expose_secret().parse().ok()
    }
}

impl Dialogue {
    pub(super) fn new(session: Session, prompts: Arc<Prompts>) -> Self {
        Self { session, prompts }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    /// Picks up.
    pub(super) async fn answer(&self) -> Result<(), Over> {
        self.session.execute(Execute::answer()).await?;
        Ok(())
    }

    /// Plays a prompt to its end.
    pub(super) async fn say(&self, prompt: &Prompt) -> Result<(), Over> {
        let playback = Execute::playback(prompt.setting()).within(LONGEST_PROMPT);
        self.session.execute(playback).await?;
        Ok(())
    }

    /// Says an extension digit by digit.
    pub(super) async fn say_extension(&self, extension: &Extension) -> Result<(), Over> {
        let word = |text: &str| {
            // Both are letters, digits and `-` by their own types, so neither can be refused.
            ChannelWord::parse(text)
                .map_err(|error| ExecuteError::Refused { reply: error.to_string() })
        };
        let argument = Argument::word(&word(self.prompts.language.as_str())?)
            .then_literal(" number iterated ")
            .then_word(&word(extension.as_str())?);
        self.session.execute(Execute::new("say").argument(argument).within(LONGEST_PROMPT)).await?;
        Ok(())
    }

    /// Asks for keys, ended by `#`. `None`: nothing was typed, or not so many digits, or others than
    /// digits.
    pub(super) async fn ask(
        &self,
        prompt: &Prompt,
        count: RangeInclusive<usize>,
    ) -> Result<Option<Keys>, Over> {
        let (first, next) =
            (self.prompts.first_key_ms.duration(), self.prompts.next_key_ms.duration());
        let most = u32::try_from(*count.end()).unwrap_or(u32::MAX);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let argument = Argument::number(*count.start() as u64)
            .then_literal(" ")
            .then_number(u64::from(most))
            .then_literal(" 1 ")
            .then_number(millis(first))
            .then_literal(" # ")
            .then_setting(prompt.setting())
            .then_literal(" silence_stream://10 ")
            .then_literal(KEYS)
            .then_literal(r" ^\d+$ ")
            .then_number(millis(next));
        let longest = LONGEST_PROMPT + first + next.saturating_mul(most);
        let ask = Execute::new("play_and_get_digits").argument(argument).within(longest);
        let asked = self.session.start(ask);
        // Queued right behind, so that the digits stay on the channel for one application only, even
        // if we were gone by then. FreeSWITCH puts what does not match into `<name>_invalid`.
        let forget = Argument::literal(KEYS).then_literal(" ").then_literal("hotdesk_keys_invalid");
        let forgotten = self.session.start(Execute::new("multiunset").argument(forget));
        let complete = asked.await?;
        let at = Instant::now();
        let typed =
            complete.variable(KEYS).map(|keys| SecretString::from(keys.text().into_owned()));
        forgotten.await?;
        let proper = |digits: &SecretString| {
            let digits = digits.expose_secret();
            count.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        };
        Ok(typed.filter(proper).map(|digits| Keys { digits, at }))
    }

    /// Waits until `instant`, or until the caller has gone.
    pub(super) async fn wait_until(&self, instant: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(instant) => {}
            () = self.session.hung_up() => {}
        }
    }

    /// Ends the call.
    pub(super) async fn hang_up(self, cause: &'static str) {
        // Its end *is* the hang-up, so there is no better outcome than an error.
        let _ = self.session.execute(Execute::hangup(cause)).await;
        self.session.exit().await;
    }

    /// Lets go of a call that is over already.
    pub(super) async fn leave(self) {
        self.session.exit().await;
    }
}
