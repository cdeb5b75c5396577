//! Questions for `hotdeskd check`: is FreeSWITCH as the design needs it? Nothing is changed by asking.
//!
//! Asked over a connection of its own, so that it works with and without a running daemon. What FreeSWITCH answers may
//! hold secrets (gateway passwords, directory entries): it is judged and dropped, never shown.

mod judge;

use std::time::Duration;

use super::{AskError, Node, ReloadError, reload};
use crate::event_socket::{
    Api, ApiAnswer, Argument, ChannelWord, Client, ClientSettings, CommandError, ConnectError,
    connect,
};
use crate::model::{Domain, Mac, QUEUES_CONTEXT};
use crate::store::Store;
pub use judge::{Finding, Verdict};

/// How many phones of the inventory are asked for by name.
const PHONES: usize = 3;
/// FreeSWITCH's stock users.
const STOCK_USERS: std::ops::RangeInclusive<u32> = 1000..=1019;
/// What has to be loaded, and what for.
const MODULES: [(&str, &str); 6] = [
    ("mod_sofia", "phones register with it"),
    ("mod_xml_curl", "it asks hotdeskd who everybody is"),
    ("mod_event_socket", "it hands the dial codes to hotdeskd"),
    ("mod_dialplan_xml", "the dialplan needs it"),
    ("mod_voicemail", "PINs and message lamps come from it"),
    ("mod_db", "the call-back after an emergency call needs it"),
];
/// How long the whole static directory may take to come.
const LIST: Duration = Duration::from_secs(30);

/// What to ask about.
#[derive(Debug, Clone)]
pub struct Questions {
    /// The SIP domain.
    pub domain: Domain,
    /// The profile of `voicemail.conf`.
    pub voicemail_profile: ChannelWord,
    /// The operator's own context, where calls of logged-in phones go on.
    pub context: ChannelWord,
    /// The context that calls from outside come into, if the call-back after an emergency call is switched on.
    pub callback_context: Option<ChannelWord>,
    /// The same context, if there is a service number.
    pub service_context: Option<ChannelWord>,
    /// The queues of the teams, where there are some: the module, and the file that it reads.
    pub queues: Option<QueueQuestions>,
    /// Also reload the XML files, to see how long that takes. Everything that needs the directory waits meanwhile.
    pub reload: bool,
}

/// What to ask about queues.
#[derive(Debug, Clone, Copy)]
pub struct QueueQuestions {
    /// `mod_callcenter` or `mod_fifo`.
    pub module: &'static str,
    /// `callcenter.conf` or `fifo.conf`.
    pub file: &'static str,
}

/// Asks one node everything.
///
/// # Errors
/// There is no connection, or it broke: then nothing can be said.
pub async fn examine(
    node: &Node,
    store: &Store,
    questions: &Questions,
) -> Result<Vec<Finding>, ExamineError> {
    let (client, _events) =
        connect(node.address.as_str(), &node.password, ClientSettings::default()).await?;
    let ask = Ask { client, questions };
    let mut all = Vec::new();
    ask.modules(&mut all).await?;
    ask.profiles(node, &mut all).await?;
    ask.contexts(&mut all).await?;
    ask.queues(&mut all).await?;
    ask.phones(store, &mut all).await?;
    ask.stock_users(&mut all).await?;
    ask.voicemail(&mut all).await?;
    if questions.reload {
        let reloaded = match reload::reload_xml(&ask.client).await {
            Err(ReloadError::Command(error)) => return Err(error.into()),
            reloaded => reloaded,
        };
        all.push(judge::reload(&reloaded));
    }
    ask.static_directory(store, &mut all).await?;
    Ok(all)
}

/// Why a node could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExamineError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It did not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
}

impl From<CommandError> for ExamineError {
    fn from(error: CommandError) -> Self {
        Self::Ask(error.into())
    }
}

struct Ask<'a> {
    client: Client,
    questions: &'a Questions,
}

impl Ask<'_> {
    async fn api(
        &self,
        command: &'static str,
        argument: Argument,
    ) -> Result<ApiAnswer, CommandError> {
        self.client.api(Api::new(command).argument(argument)).await
    }

    async fn modules(&self, all: &mut Vec<Finding>) -> Result<(), ExamineError> {
        for (module, purpose) in MODULES {
            let answer = self.api("module_exists", Argument::literal(module)).await?;
            all.push(judge::module(module, purpose, answer.text().trim() == "true"));
        }
        Ok(())
    }

    async fn profiles(&self, node: &Node, all: &mut Vec<Finding>) -> Result<(), ExamineError> {
        let argument = Argument::literal("configuration configuration name sofia.conf");
        let configured = self.api("xml_locate", argument).await?;
        for profile in &node.profiles {
            let argument = Argument::literal("xmlstatus profile ").then_word(profile);
            let running = self.api("sofia", argument).await?;
            let (configured, running) = (configured.text(), running.text());
            all.extend(judge::profile(profile, &configured, &running, &self.questions.domain));
        }
        Ok(())
    }

    async fn contexts(&self, all: &mut Vec<Finding>) -> Result<(), ExamineError> {
        let operator = &self.questions.context;
        let callback = self.questions.callback_context.as_ref();
        let service = self.questions.service_context.as_ref();
        let word = |name| ChannelWord::parse(name).map_err(|_| AskError::Unreadable("xml_locate"));
        let (restricted, hotdesk) = (word("restricted")?, word("hotdesk")?);
        let needs = [
            (Some(&restricted), judge::Context::Ours),
            (Some(&hotdesk), judge::Context::Ours),
            (Some(operator), judge::Context::Operators),
            (callback, judge::Context::Callback),
            (service, judge::Context::Service),
        ];
        for (name, need) in needs {
            let Some(name) = name else { continue };
            let argument = Argument::literal("dialplan context name ").then_word(name);
            let answer = self.api("xml_locate", argument).await?;
            all.push(judge::context(name.as_str(), need, &answer.text()));
        }
        Ok(())
    }

    /// Whether teams can have queues.
    async fn queues(&self, all: &mut Vec<Finding>) -> Result<(), ExamineError> {
        let Some(QueueQuestions { module, file }) = self.questions.queues else { return Ok(()) };
        let answer = self.api("module_exists", Argument::literal(module)).await?;
        let purpose = "the queues of the teams need it";
        all.push(judge::module(module, purpose, answer.text().trim() == "true"));
        let argument = Argument::literal("configuration configuration name ").then_literal(file);
        let answer = self.api("xml_locate", argument).await?;
        all.push(judge::queue_configuration(file, &answer.text()));
        let context =
            ChannelWord::parse(QUEUES_CONTEXT).map_err(|_| AskError::Unreadable("xml_locate"))?;
        let argument = Argument::literal("dialplan context name ").then_word(&context);
        let answer = self.api("xml_locate", argument).await?;
        all.push(judge::context(context.as_str(), judge::Context::Ours, &answer.text()));
        Ok(())
    }

    /// A few phones, as FreeSWITCH would look them up for a call.
    async fn phones(&self, store: &Store, all: &mut Vec<Finding>) -> Result<(), ExamineError> {
        for (phone, used) in sample(store) {
            let argument = self.user(&phone.to_string())?.then_literal(" var user_context");
            let answer = self.api("user_data", argument).await?;
            all.push(judge::phone(phone, used, &answer.text()));
        }
        Ok(())
    }

    async fn stock_users(&self, all: &mut Vec<Finding>) -> Result<(), ExamineError> {
        let mut open = Vec::new();
        for user in STOCK_USERS {
            let argument = self.user(&user.to_string())?.then_literal(" param password");
            let answer = self.api("user_data", argument).await?;
            if answer.text().trim() == "1234" {
                open.push(user);
            }
        }
        all.push(judge::stock_users(&open));
        Ok(())
    }

    async fn voicemail(&self, all: &mut Vec<Finding>) -> Result<(), ExamineError> {
        let profile = &self.questions.voicemail_profile;
        let domain = self.domain()?;
        let argument =
            Argument::word(profile).then_literal("/0@").then_word(&domain).then_literal("|all");
        let answer = self.api("vm_boxcount", argument).await?;
        all.push(judge::voicemail(profile, &answer.text()));
        Ok(())
    }

    /// FreeSWITCH's own directory, for the time when we are gone. Last, because it may be large.
    async fn static_directory(
        &self,
        store: &Store,
        all: &mut Vec<Finding>,
    ) -> Result<(), ExamineError> {
        let api = Api::new("xml_locate").argument("directory");
        let answer = self.client.bgapi(api, LIST).await?;
        let phones: Vec<Mac> = sample(store).into_iter().map(|(phone, _)| phone).collect();
        all.push(judge::static_directory(&answer.text(), &self.questions.domain, &phones));
        Ok(())
    }

    fn user(&self, user: &str) -> Result<Argument, AskError> {
        let user = ChannelWord::parse(user).map_err(|_| AskError::Unreadable("user_data"))?;
        Ok(Argument::word(&user).then_literal("@").then_word(&self.domain()?))
    }

    fn domain(&self) -> Result<ChannelWord, AskError> {
        ChannelWord::parse(self.questions.domain.as_str())
            .map_err(|_| AskError::Unreadable("a question about this domain"))
    }
}

/// Some phones of the inventory, and whether somebody sits there; those with somebody first.
fn sample(store: &Store) -> Vec<(Mac, bool)> {
    let memory = store.memory();
    let mut phones: Vec<(bool, Mac)> =
        memory.phones().map(|phone| (memory.session(phone.mac).is_none(), phone.mac)).collect();
    phones.sort_unstable();
    phones.truncate(PHONES);
    phones.into_iter().map(|(free, phone)| (phone, !free)).collect()
}
