//! Commands of `api` and `bgapi`, answered as in `api/answers.jsonl`.

mod callcenter;
mod show;
mod sofia;
mod voicemail;

use super::directory::Kind;
use super::expand::is_shell;
use super::node::{Node, microseconds};

/// What `reloadxml` answers. Both begin with `+OK`: the brackets tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BracketAnswer {
    /// `+OK [Success]`, when the static files can be read.
    #[default]
    Success,
    /// `+OK [Cannot Open log directory or XML Root!]`, and nothing is reloaded.
    CannotOpen,
}

impl Node {
    /// Runs one command and notes it. `owner` is the UUID of the call whose socket asked.
    pub(super) async fn api(&self, command: &str, argument: &str, owner: &str) -> String {
        let line = format!("{command} {argument}");
        self.lock().api_log.push(line.trim_end().to_owned());
        let mut event = self.event("API", ("switch_loadable_module.c", "switch_api_execute", 2949));
        event.push("API-Command", command);
        if !argument.is_empty() {
            event.push("API-Command-Argument", argument);
        }
        self.fire(event);
        self.run_api(command, argument, owner).await
    }

    /// The answer of a command; empty where FreeSWITCH prints nothing.
    pub(super) async fn run_api(&self, command: &str, argument: &str, owner: &str) -> String {
        if is_shell(command) {
            self.lock().ran.push(format!("api {command} {argument}"));
            return String::new();
        }
        match command {
            "status" => self.status(),
            "version" => "FreeSWITCH Version 1.11.3-dev+git~20260821T141014Z~cc93a683ca~64bit (git cc93a68 2026-08-21 14:10:14Z 64bit)\n".to_owned(),
            "hostname" => self.settings.hostname.clone(),
            "switchname" => self.settings.switchname.clone(),
            "echo" => argument.to_owned(),
            "show" => self.show(argument),
            "sofia" => self.sofia(argument),
            "sofia_contact" => self.sofia_contact(argument),
            "user_exists" => self.user_exists(argument).await,
            "user_data" => self.user_data(argument).await,
            "group_call" => self.group_call(argument).await,
            "vm_prefs" => self.vm_prefs(argument),
            "vm_boxcount" => self.vm_boxcount(argument),
            "vm_fsdb_auth_login" => self.vm_auth_login(argument).await,
            "vm_fsdb_pref_password_set" => self.vm_set_password(argument),
            "reloadxml" => self.reload_xml(),
            "reloadacl" => "+OK acl reloaded\n".to_owned(),
            "load" => self.load_module(argument).await,
            "unload" => self.unload_module(argument),
            "callcenter_config" => self.callcenter_config(argument).await,
            "xml_locate" => self.xml_locate(argument).await,
            "db" | "hash" => self.database(argument),
            command if command.starts_with("uuid_") => self.uuid_command(command, argument, owner),
            command => format!("-ERR {command} Command not found!\n"),
        }
    }

    fn status(&self) -> String {
        let up = microseconds().saturating_sub(self.started);
        let (ms, us) = (up / 1000, up % 1000);
        let seconds = ms / 1000;
        let state = self.lock();
        let channels = state.channels.len();
        format!(
            "UP 0 years, {} days, {} hours, {} minutes, {} seconds, {} milliseconds, {us} microseconds\n\
             FreeSWITCH (Version 1.11.3-dev git cc93a68 2026-08-21 14:10:14Z 64bit) is ready\n\
             {} session(s) since startup\n{channels} session(s) - peak {channels}, last 5min {channels} \n\
             0 session(s) per Sec out of max 1000, peak 1, last 5min 1 \n5000 session(s) max\n\
             min idle cpu 0.00/99.43\nCurrent Stack Size/Max 240K/8192K\n",
            seconds / 86_400,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            ms % 1000,
            state.sessions,
        )
    }

    async fn user_exists(&self, argument: &str) -> String {
        let mut words = argument.split(' ');
        let (Some(_), Some(user), Some(domain)) = (words.next(), words.next(), words.next()) else {
            return "-USAGE: <key> <user> <domain>\n".to_owned();
        };
        let exists =
            self.is_domain(domain) && self.user(Kind::LocateUser, user, &[]).await.is_some();
        exists.to_string()
    }

    /// `USER@DOMAIN var|param|attr NAME`.
    async fn user_data(&self, argument: &str) -> String {
        let mut words = argument.split(' ');
        let (Some(user), Some(kind), Some(name)) = (words.next(), words.next(), words.next())
        else {
            return "-USAGE: <user>@<domain> [attr|var|param] <name>\n".to_owned();
        };
        let (user, domain) = user.split_once('@').unwrap_or((user, ""));
        if !self.is_domain(domain) {
            return String::new();
        }
        let more = [("type", kind.to_owned())];
        let Some(entry) = self.user(Kind::UserData, user, &more).await else {
            return String::new();
        };
        let value = match kind {
            "var" => entry.variable(name),
            "param" => entry.param(name),
            "attr" if name == "id" => Some(entry.id.as_str()),
            _ => None,
        };
        value.unwrap_or_default().to_owned()
    }

    async fn group_call(&self, argument: &str) -> String {
        let (group, domain) = argument.split_once('@').unwrap_or((argument, ""));
        match self.dial_group(group).await {
            Ok(legs) if self.is_domain(domain) && !legs.is_empty() => legs,
            _ => "error/NO_ROUTE_DESTINATION".to_owned(),
        }
    }

    fn reload_xml(&self) -> String {
        let answer = self.lock().reload;
        if answer == BracketAnswer::Success && self.read_static_directory() {
            let event = self.event("RELOADXML", ("switch_xml.c", "switch_xml_open_root", 2487));
            self.fire(event);
            "+OK [Success]\n".to_owned()
        } else {
            "+OK [Cannot Open log directory or XML Root!]\n".to_owned()
        }
    }

    /// `directory domain name DOMAIN`.
    async fn xml_locate(&self, argument: &str) -> String {
        let words: Vec<&str> = argument.split(' ').collect();
        match words.as_slice() {
            ["directory", "domain", "name", domain] if self.is_domain(domain) => {
                match self.locate_domain(Kind::XmlLocate, "", &[]).await {
                    Some(element) => {
                        let mut text = String::new();
                        element.print(0, &mut text);
                        text
                    }
                    None => "-ERR can't find anything\n".to_owned(),
                }
            }
            _ => "-ERR can't find anything\n".to_owned(),
        }
    }

    /// `load MODULE`: of mod_callcenter alone anything is known here.
    async fn load_module(&self, module: &str) -> String {
        if module != "mod_callcenter" || self.lock().callcenter.loaded {
            return "+OK Reloading XML\n-ERR [Module already loaded]\n".to_owned();
        }
        match self.load_callcenter().await {
            true => "+OK Reloading XML\n+OK\n".to_owned(),
            false => {
                "+OK Reloading XML\n-ERR [module load file routine returned an error]\n".to_owned()
            }
        }
    }

    /// `unload MODULE`.
    fn unload_module(&self, module: &str) -> String {
        if module == "mod_callcenter" && self.unload_callcenter() {
            "+OK\n".to_owned()
        } else {
            "-ERR [No such module!]\n".to_owned()
        }
    }

    /// `insert|select|delete|list/REALM/KEY[/VALUE]` of `mod_db` and `mod_hash`.
    pub(super) fn database(&self, argument: &str) -> String {
        let mut parts = argument.splitn(4, '/');
        let verb = parts.next().unwrap_or_default();
        let key =
            format!("{}/{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let value = parts.next().unwrap_or_default().to_owned();
        let mut state = self.lock();
        match verb {
            "insert" if state.database.len() < super::node::MAX_ROWS => {
                state.database.insert(key, value);
                "+OK".to_owned()
            }
            "delete" => {
                state.database.remove(&key);
                "+OK".to_owned()
            }
            "list" => {
                let realm = key.trim_end_matches('/').to_owned() + "/";
                let keys = state.database.keys().filter_map(|key| key.strip_prefix(&realm));
                let mut keys: Vec<&str> = keys.collect();
                keys.sort_unstable();
                keys.join(",")
            }
            "select" => state.database.get(&key).cloned().unwrap_or_default(),
            _ => "-ERR".to_owned(),
        }
    }

    /// Commands on one channel.
    fn uuid_command(&self, command: &str, argument: &str, _owner: &str) -> String {
        let mut words = argument.splitn(3, ' ');
        let uuid = words.next().unwrap_or_default();
        let (name, value) = (words.next().unwrap_or_default(), words.next());
        let Some(channel) = self.channel(uuid) else {
            return match command {
                "uuid_exists" => "false".to_owned(),
                _ => "-ERR No such channel!\n".to_owned(),
            };
        };
        match command {
            "uuid_exists" => "true".to_owned(),
            "uuid_getvar" => channel.variable(name).unwrap_or_else(|| "_undef_".to_owned()),
            "uuid_setvar" => {
                channel.set(name, value);
                "+OK\n".to_owned()
            }
            "uuid_break" => {
                channel.break_application();
                "+OK\n".to_owned()
            }
            "uuid_recv_dtmf" => {
                channel.press(name, "APP");
                "+OK\n".to_owned()
            }
            "uuid_kill" => {
                let cause = if name.is_empty() { "NORMAL_CLEARING" } else { name };
                channel.hang_up(self, cause, "send_bye");
                "+OK\n".to_owned()
            }
            command => format!("-ERR {command} Command not found!\n"),
        }
    }

    pub(super) fn is_domain(&self, domain: &str) -> bool {
        domain.eq_ignore_ascii_case(self.settings.domain.as_str())
    }
}
