//! The service number, put together: its flow, and who writes down what queues made of its calls.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::calls::{CustomerLookup, CustomerService, ServiceSettings};
use crate::config::Config;
use crate::desk::Desk;
use crate::event_socket::SettingText;
use crate::model::QueueCall;

/// The service number of a configuration, over this look-up.
///
/// # Errors
/// A name cannot be sent to FreeSWITCH.
pub(super) fn customer_service(
    config: &Config,
    lookup: Arc<dyn CustomerLookup>,
) -> anyhow::Result<Option<CustomerService>> {
    let Some(service) = &config.service else { return Ok(None) };
    let settings = ServiceSettings {
        route: service.route.clone(),
        teams: config.teams.clone(),
        last_agent_days: service.last_agent.map(|last| last.within_days),
        journal_numbers: service.journal_numbers,
        context: SettingText::parse(config.dialplan.context.as_str())
            .context("dialplan.context")?,
    };
    Ok(Some(CustomerService::new(lookup, settings)))
}

/// For how many days who served a caller is remembered.
pub(super) fn last_agent_days(config: &Config) -> u16 {
    let last = config.service.as_ref().and_then(|service| service.last_agent);
    last.map_or(0, |last| last.within_days)
}

/// Writes down what becomes of customers' calls in queues, until `shutdown`.
pub(super) async fn queue_calls(
    mut told: broadcast::Receiver<QueueCall>,
    desk: Desk,
    days: u16,
    shutdown: CancellationToken,
) {
    loop {
        let call = tokio::select! {
            () = shutdown.cancelled() => return,
            call = told.recv() => call,
        };
        let now = Timestamp::now();
        let oldest = SignedDuration::from_hours(24 * i64::from(days));
        let oldest = now.checked_sub(oldest).unwrap_or(now);
        match call {
            Ok(call) => {
                let id = call.call.clone();
                if let Err(error) = desk.queue_told(call, oldest, now).await {
                    tracing::warn!(call = id, %error, "what became of a customer's call is not in the journal");
                }
            }
            Err(RecvError::Lagged(count)) => {
                tracing::warn!(count, "calls in queues came faster than they can be written down");
            }
            Err(RecvError::Closed) => return shutdown.cancelled().await,
        }
    }
}
