//! `demo`: the whole story, on loopback, against a real daemon.

mod boxes;
mod customers;
mod helpdesk;
mod office;
mod story;

use anyhow::Context as _;

use super::{Failure, Printed};
use office::Office;
pub(super) use office::is_sample;

/// Plays the story and tells it; `stay` keeps the daemon running afterwards.
///
/// # Errors
/// A step was not seen from the other side, or the office could not be opened.
pub(super) async fn run(stay: bool) -> Printed {
    println!(
        "A morning in an office where people share desks. hotdeskd runs for real, in a process of its"
    );
    println!(
        "own; FreeSWITCH and the phones are simulated, and every line was seen from their side.\n"
    );
    let mut office = Office::open().await.context("the office could not be opened")?;
    let told = story::tell(&mut office).await;
    match told {
        Ok(()) if stay => {
            office.stay().await?;
        }
        Ok(()) => {
            println!("\nThat was the morning. `hotdeskd demo --stay` leaves the office open.")
        }
        Err(error) => {
            println!("\nNot as it should be: {error:#}");
            println!("The daemon's log:\n{}", office.log_tail());
            office.close().await;
            return Err(Failure::Failed(anyhow::anyhow!("a step of the demo was not seen")));
        }
    }
    office.close().await;
    Ok(String::new())
}
