//! `callcenter.conf`: asked for over mod_xml_curl, else from FreeSWITCH's own files.

use super::super::directory::{Element, Kind};
use super::super::node::Node;
use super::tables::{Queue, TIMINGS, Tier};

impl Node {
    /// `load mod_callcenter`: the module does not load when nobody has a configuration for it.
    pub(in super::super) async fn load_callcenter(&self) -> bool {
        let Some(config) = self.locate_configuration("callcenter.conf", None).await else {
            return false;
        };
        {
            let mut state = self.lock();
            let tables = &mut state.callcenter;
            tables.loaded = true;
            for agent in &mut tables.agents {
                "Waiting".clone_into(&mut agent.state);
            }
            for queue in named(&config, "queues", "queue") {
                let name = queue.attribute("name").unwrap_or_default().to_owned();
                tables.queues.insert(name, read_queue(queue));
            }
        }
        self.import_agents(&config);
        self.import_tiers(&config, None);
        true
    }

    /// `unload mod_callcenter`: the queues go, agents and tiers stay in the database.
    pub(in super::super) fn unload_callcenter(&self) -> bool {
        let mut state = self.lock();
        let was_loaded = std::mem::take(&mut state.callcenter.loaded);
        state.callcenter.queues.clear();
        was_loaded
    }

    /// `load_queue`: one queue, with `all` also the agents of the document and the queue's tiers.
    pub(in super::super) async fn load_queue(&self, name: &str, all: bool) -> bool {
        let Some(config) = self.locate_configuration("callcenter.conf", Some(name)).await else {
            return false;
        };
        let found = named(&config, "queues", "queue")
            .find(|queue| queue.attribute("name") == Some(name))
            .map(read_queue);
        let Some(queue) = found else { return false };
        self.lock().callcenter.queues.insert(name.to_owned(), queue);
        if all {
            self.import_agents(&config);
            self.import_tiers(&config, Some(name));
        }
        true
    }

    fn import_agents(&self, config: &Element) {
        for element in named(config, "agents", "agent") {
            let (Some(name), Some(kind)) = (element.attribute("name"), element.attribute("type"))
            else {
                continue;
            };
            {
                let mut state = self.lock();
                state.callcenter.add_agent(name, kind);
                state.callcenter.with_agent(name, |agent| {
                    if let Some(contact) = element.attribute("contact") {
                        contact.clone_into(&mut agent.contact);
                    }
                    for (key, value) in TIMINGS.iter().zip(&mut agent.timings) {
                        let set =
                            element.attribute(&key.replace("_time", "-time").replace('_', "-"));
                        *value = set.and_then(|text| text.parse().ok()).unwrap_or(*value);
                    }
                });
            }
            if let Some(status) = element.attribute("status") {
                self.set_agent_status(name, status);
            }
        }
    }

    fn import_tiers(&self, config: &Element, only: Option<&str>) {
        let mut state = self.lock();
        let tables = &mut state.callcenter;
        for element in named(config, "tiers", "tier") {
            let (Some(queue), Some(agent)) =
                (element.attribute("queue"), element.attribute("agent"))
            else {
                continue;
            };
            let number = |name: &str| {
                element.attribute(name).and_then(|text| text.parse().ok()).unwrap_or(1)
            };
            let (level, position) = (number("level"), number("position"));
            if only.is_some_and(|only| only != queue) {
                continue;
            }
            if let Some(tier) = tables.tier(queue, agent) {
                (tier.level, tier.position) = (level, position);
            } else if tables.queues.contains_key(queue) && tables.agent(agent).is_some() {
                let (queue, agent) = (queue.to_owned(), agent.to_owned());
                tables.add_tier(Tier { queue, agent, level, position });
            }
        }
    }

    /// The `<configuration>` of a module. An answer of mod_xml_curl that is none leaves it to FreeSWITCH's own files.
    pub(in super::super) async fn locate_configuration(
        &self,
        file: &str,
        queue: Option<&str>,
    ) -> Option<Element> {
        let (kind, more) = match queue {
            None => (Kind::Configuration, vec![("file", file.to_owned())]),
            Some(queue) => (
                Kind::CallCenterQueue,
                vec![("file", file.to_owned()), ("queue", queue.to_owned())],
            ),
        };
        let answered = self.ask_configuration(kind, queue.unwrap_or_default(), &more).await;
        let own = || {
            let text = self.settings.static_configuration.as_ref()?.read()?;
            Element::parse(&text)
        };
        configuration(&answered.or_else(own)?, file)
    }
}

fn read_queue(element: &Element) -> Queue {
    let params = element.children("param").filter_map(|param| {
        Some((param.attribute("name")?.to_owned(), param.attribute("value")?.to_owned()))
    });
    Queue { params: params.collect(), ..Queue::default() }
}

/// The elements of a list inside a configuration.
fn named<'a>(
    config: &'a Element,
    list: &'a str,
    item: &'a str,
) -> impl Iterator<Item = &'a Element> {
    config.children(list).flat_map(move |list| list.children(item))
}

/// The *first* configuration of that name.
fn configuration(root: &Element, file: &str) -> Option<Element> {
    let documents = root.children("document").flat_map(|document| document.children("section"));
    let sections = documents.chain(root.children("section"));
    let inside = sections
        .filter(|section| section.attribute("name") == Some("configuration"))
        .flat_map(|section| section.children("configuration"));
    inside
        .chain(root.children("configuration"))
        .find(|one| one.attribute("name") == Some(file))
        .cloned()
}
