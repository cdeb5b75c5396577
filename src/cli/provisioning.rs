//! What phones are told: `hotdeskd phones why`, `render`, `resync`, `enrol`, and `show --logs`.

use clap::Args;
use serde_json::json;

use super::door::Door;
use super::output;
use super::phones::way;
use crate::config::Config;
use crate::http::admin::{Ask, EnrolRequest, Enrolled, Method};
use crate::model::{Mac, PhoneRequest, Proof};
use crate::provisioning::{Log, Rendered, Why};

#[derive(Debug, Args)]
pub(super) struct Render {
    /// Its MAC address, in any spelling.
    mac: Mac,
    /// Which file; without one that which shows who sits there.
    file: Option<String>,
    /// Print the settings instead, and which layer each value comes from.
    #[arg(long)]
    explain: bool,
    /// Print passwords and keys too.
    #[arg(long)]
    secrets: bool,
}

#[derive(Debug, Args)]
pub(super) struct Enrol {
    /// Its MAC address, in any spelling.
    mac: Mac,
    /// For how long, at most a month; 0 closes the window.
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// Give its URL a new key, and have the phone fetch it; the old one is good for 30 days more.
    #[arg(long, conflicts_with = "minutes")]
    rotate: bool,
    /// Somebody else may have its files: make its key, credentials and SIP secret worthless at once. The phone
    /// has to be enrolled anew.
    #[arg(long, conflicts_with_all = ["minutes", "rotate", "show_url"])]
    revoke: bool,
    /// Print its own URL, to be entered by hand. Whoever has it has the phone's secrets.
    #[arg(long, conflicts_with_all = ["minutes", "rotate"])]
    show_url: bool,
}

pub(super) async fn why(mac: Mac, json: bool, config: &Config) -> anyhow::Result<String> {
    let why: Why = Door::open(config).await?.ask(Ask::get(&format!("/phones/{mac}/why"))).await?;
    if json { output::json(&why) } else { Ok(told(&why)) }
}

fn told(why: &Why) -> String {
    let shown = why.shown.as_ref().map(|shown| {
        let user = shown.user.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        format!("{user}, fetched {} from {}", output::time(shown.at), shown.from)
    });
    let device = why.shown.as_ref().map(|shown| {
        let parts = [shown.model.clone(), shown.version.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let enrolled = why.enrolment.proven.map(|at| {
        format!("{}, by its {}", output::time(at), why.enrolment.by.map_or("", Proof::as_str))
    });
    let time = |at: Option<_>| at.map(output::time).unwrap_or_default();
    let card = output::card([
        ("phone", why.phone.to_string()),
        ("way", way::in_a_line(&why.way)),
        ("to do", way::to_do(&why.way)),
        ("vendor", why.vendor.clone().unwrap_or_default()),
        ("enrolled", enrolled.unwrap_or_else(|| "no".to_owned())),
        ("window until", time(why.enrolment.window)),
        ("old key until", time(why.enrolment.rotation)),
        ("shows", shown.unwrap_or_else(|| "nothing of ours yet".to_owned())),
        ("says it is", device.unwrap_or_default()),
        ("change waiting since", time(why.waiting)),
    ]);
    let sentences: String = why.sentences.iter().map(|told| format!("{told}\n")).collect();
    let row = |request: &PhoneRequest| {
        [
            output::time(request.at),
            request.from.to_string(),
            format!("{} {}", request.method, request.path),
            request.status.to_string(),
            request.why.to_string(),
        ]
    };
    let requests = output::table(
        ["TIME", "FROM", "REQUEST", "STATUS", "WHAT IT WAS TOLD"],
        why.requests.iter().map(row),
        "It asked for nothing yet. Does its setting server, DHCP option or redirection point here?",
    );
    format!("{card}\n{}\n{requests}", output::lines(&sentences))
}

pub(super) async fn render(render: &Render, config: &Config) -> anyhow::Result<String> {
    let mut path = format!("/phones/{}/file?secrets={}", render.mac, render.secrets);
    if let Some(file) = &render.file {
        let file = percent_encoding::utf8_percent_encode(file, percent_encoding::NON_ALPHANUMERIC);
        path += &format!("&file={file}");
    }
    let rendered: Rendered = Door::open(config).await?.ask(Ask::get(&path)).await?;
    if !render.explain {
        return Ok(output::lines(&rendered.text));
    }
    let rows = rendered.settings.iter().map(|setting| {
        let over: Vec<&str> = setting.over.iter().map(|layer| layer.as_str()).collect();
        let over =
            if over.is_empty() { String::new() } else { format!("over {}", over.join(", ")) };
        let layer = setting.layer.as_str().to_owned();
        [setting.name.to_string(), setting.value.to_string(), layer, over]
    });
    Ok(output::table(["SETTING", "VALUE", "LAYER", ""], rows, "There are no settings."))
}

pub(super) async fn resync(mac: Mac, restart: bool, config: &Config) -> anyhow::Result<String> {
    let what = if restart { "restart" } else { "resync" };
    let path = format!("/phones/{mac}/{what}");
    let () = Door::open(config).await?.ask(Ask::new(Method::POST, &path)).await?;
    let done = if restart { "restart" } else { "fetch its configuration" };
    Ok(format!(
        "Phone {mac} is asked to {done} as soon as it has no call; `hotdeskd phones why {mac}` tells whether it did.\n"
    ))
}

pub(super) async fn enrol(enrol: &Enrol, config: &Config) -> anyhow::Result<String> {
    let Enrol { mac, minutes, rotate, revoke, show_url } = *enrol;
    let request = match (rotate, revoke, show_url) {
        (true, ..) => EnrolRequest::Rotate(true),
        (_, true, _) => EnrolRequest::Revoke(true),
        (.., true) => EnrolRequest::ShowUrl(true),
        _ => EnrolRequest::Window(minutes),
    };
    let enrolled = ask(mac, request, config).await?;
    Ok(match (request, enrolled.url, enrolled.window) {
        (_, Some(url), _) => format!("{url}\n"),
        (EnrolRequest::Rotate(_), ..) => {
            format!("The URL of {mac} has a new key; the phone is asked to fetch it.\n")
        }
        (EnrolRequest::Revoke(_), ..) => format!(
            "What {mac} had is worth nothing any more; reset the phone to factory settings, and run `hotdeskd phones enrol {mac}`.\n"
        ),
        (_, _, Some(until)) => format!(
            "Until {} phone {mac} may come, once, with nothing but its MAC address. Restart the phone now.\n",
            output::time(until)
        ),
        _ => format!("The window of {mac} is closed.\n"),
    })
}

pub(super) async fn close_window(mac: Mac, config: &Config) -> anyhow::Result<()> {
    ask(mac, EnrolRequest::Window(0), config).await.map(drop)
}

async fn ask(mac: Mac, request: EnrolRequest, config: &Config) -> anyhow::Result<Enrolled> {
    let path = format!("/phones/{mac}/enrolment");
    let ask = Ask::new(Method::POST, &path).with(json!(request));
    Door::open(config).await?.ask(ask).await
}

pub(super) async fn logs(mac: Mac, config: &Config) -> anyhow::Result<String> {
    let door = Door::open(config).await?;
    let logs: Vec<Log> = door.ask(Ask::get(&format!("/phones/{mac}/logs"))).await?;
    if logs.is_empty() {
        return Ok("It sent no logs.\n".to_owned());
    }
    let mut printed = String::new();
    for log in logs {
        let text: String = door.ask(Ask::get(&format!("/phones/{mac}/logs/{}", log.name))).await?;
        printed += &format!("== {} {}\n{}\n", output::time(log.at), log.name, output::lines(&text));
    }
    Ok(printed)
}
