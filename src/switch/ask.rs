//! Where one phone is registered, asked of each FreeSWITCH now.

use std::time::Duration;

use futures_util::future::join_all;

use super::registrations;
use super::{AskError, Node, Registration, Settings, Switch};
use crate::event_socket::{Api, Argument, ChannelWord, Client, ClientSettings, connect};
use crate::model::{Domain, Mac, NodeRegistrations, RegisteredAs};

/// How long a node may take to be reached and to answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Switch {
    /// What each node says of a phone now, over the connections that there are.
    pub async fn ask(&self, phone: Mac) -> Vec<NodeRegistrations> {
        let asked = self.peers.iter().map(async |peer| {
            let (line, known) = {
                let view = peer.view();
                (view.line.clone(), view.registrations.of(phone).to_vec())
            };
            let Some(line) = line else {
                return told(&peer.node, Err("there is no connection to it".to_owned()));
            };
            let asked = async {
                match known.is_empty() {
                    true => by_name(&line.client, &peer.node, &self.settings.domain, phone).await,
                    false => peer.look_at_phone(&line.client, &known).await,
                }
            };
            told(&peer.node, in_time(asked).await)
        });
        join_all(asked).await
    }
}

/// The same over connections of its own, where no daemon runs.
pub async fn ask_once(settings: &Settings, phone: Mac) -> Vec<NodeRegistrations> {
    let asked = settings.nodes.iter().map(async |node| {
        let asked = async {
            let connected =
                connect(node.address.as_str(), &node.password, ClientSettings::default()).await;
            let (client, _events) = connected.map_err(|error| error.to_string())?;
            let answered = by_name(&client, node, &settings.domain, phone).await;
            answered.map_err(|error| error.to_string())
        };
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        told(node, answered.unwrap_or_else(|_| Err(SLOW.to_owned())))
    });
    join_all(asked).await
}

/// What is said of a node that takes too long.
const SLOW: &str = "it did not answer in time";

async fn in_time(
    asked: impl Future<Output = Result<Vec<Registration>, AskError>>,
) -> Result<Vec<Registration>, String> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answered) => answered.map_err(|error| error.to_string()),
        Err(_) => Err(SLOW.to_owned()),
    }
}

/// Asks for the phone by the name with which it registers. A DECT base is found by its first handset.
async fn by_name(
    client: &Client,
    node: &Node,
    domain: &Domain,
    phone: Mac,
) -> Result<Vec<Registration>, AskError> {
    let mut all = Vec::new();
    for profile in &node.profiles {
        for user in [phone.to_string(), format!("{phone}-1")] {
            // Both are plain words, always.
            let words = (ChannelWord::parse(&user), ChannelWord::parse(domain.as_str()));
            let (Ok(user), Ok(host)) = words else { continue };
            let argument = Argument::literal("xmlstatus profile ")
                .then_word(profile)
                .then_literal(" user ")
                .then_word(&user)
                .then_literal("@")
                .then_word(&host);
            let answer = client.api(Api::new("sofia").argument(argument)).await?;
            all.extend(registrations::read(answer.bytes(), profile).unwrap_or_default());
        }
    }
    Ok(all)
}

/// What is told of a node.
fn told(node: &Node, answered: Result<Vec<Registration>, String>) -> NodeRegistrations {
    let name = node.name.clone();
    match answered {
        Err(trouble) => {
            NodeRegistrations { node: name, trouble: Some(trouble), registrations: Vec::new() }
        }
        Ok(all) => {
            let view = |one: &Registration| RegisteredAs {
                profile: one.profile.as_str().to_owned(),
                address: one.address,
                contact: one.contact_host(),
                agent: one.agent.clone(),
            };
            let registrations = all.iter().map(view).collect();
            NodeRegistrations { node: name, trouble: None, registrations }
        }
    }
}
