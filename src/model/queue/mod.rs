//! Queues as mod_callcenter and mod_fifo know them: what should be there, from the teams and their people.

mod made;
mod report;
mod settings;
mod wanted;
mod xml;

pub use made::{Made, MadeKind};
pub use report::{AgentReport, NodeQueues, QueueReport, QueueStep, Standing, Waits};
pub use settings::{
    InvalidMusic, InvalidQueueNumber, InvalidQueueParam, ModuleSettings, Music, QueueModule,
    QueueNumber, QueueParams, QueueSettings,
};
pub use wanted::{Agent, AgentStatus, CallCenter, CallCenterRules, Queue, Tier};
pub use xml::QueueLists;
