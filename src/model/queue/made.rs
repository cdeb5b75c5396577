//! What was made at FreeSWITCH, so that nothing else there is touched.

/// A queue or an agent that is, or was, ours at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What the operator calls the node.
    pub node: String,
    /// What it is.
    pub kind: MadeKind,
    /// Its name there.
    pub name: String,
    /// Of a queue: what it was last loaded with ([`super::Queue::definition`]).
    pub definition: Option<String>,
}

/// What is made at FreeSWITCH by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MadeKind {
    /// A queue.
    Queue,
    /// An agent.
    Agent,
}

impl MadeKind {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Agent => "agent",
        }
    }

    /// The kind of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Queue, Self::Agent].into_iter().find(|kind| kind.as_str() == name)
    }
}
