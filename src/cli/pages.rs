//! Completions and manual pages, made from the commands themselves.

use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::Cli;

pub(super) fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hotdeskd", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

pub(super) fn man(dir: Option<&Path>) -> anyhow::Result<String> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        return Ok(String::from_utf8_lossy(&page).into_owned());
    };
    clap_mangen::generate_to(Cli::command(), dir)
        .with_context(|| format!("the folder {}", dir.display()))?;
    Ok(String::new())
}
