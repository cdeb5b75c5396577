//! `hotdeskd phones export`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::listed;
use crate::config::Config;
use crate::http::admin::PhoneView;
use crate::model::Tag;
use crate::provisioning::inventory::{self, Listed};

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// The file to write; standard output without one.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Only phones with this tag; given several times: with all of them.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// Begin with a byte order mark, by which Excel knows UTF-8.
    #[arg(long)]
    bom: bool,
}

pub(super) async fn run(export: &Export, config: &Config) -> anyhow::Result<String> {
    let phones = listed(&export.tags, config).await?;
    let mut table = if export.bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
    inventory::write(phones.iter().map(of), &mut table)?;
    let Some(file) = &export.file else { return Ok(String::from_utf8(table)?) };
    std::fs::write(file, table).with_context(|| file.display().to_string())?;
    Ok(format!("{} phones are in {}.\n", phones.len(), file.display()))
}

fn of(phone: &PhoneView) -> Listed<'_> {
    Listed {
        mac: phone.mac,
        vendor: phone.vendor.as_deref(),
        model: phone.model.as_deref(),
        label: phone.label.as_deref(),
        emergency: &phone.emergency,
        owner: phone.owner.as_ref(),
        desk_extension: phone.desk_extension.as_ref(),
        hot_desk: phone.hot_desk,
        tags: &phone.tags,
        logout: phone.logout,
    }
}
