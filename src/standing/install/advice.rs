//! What the operator has to do by hand, in words and lines to copy.

use std::fmt::{self, Write};
use std::path::Path;
use std::str::FromStr;

use super::profile::{Wanted, required_profile_settings};
use crate::model::{CallCenterRules, Domain, QueueModule, escape_xml};

use crate::standing::dialplan::ServicePlan;
use crate::standing::settings::{DialplanSettings, EmergencySettings};

/// What the advice is about.
#[derive(Debug, Clone, Copy)]
pub struct Advice<'a> {
    /// The folder of the standing files, absolute.
    pub folder: &'a Path,
    /// FreeSWITCH's configuration folder (`/etc/freeswitch`).
    pub config_dir: &'a Path,
    /// The domain of phones and users.
    pub domain: &'a Domain,
    /// The SIP profiles where phones register.
    pub profiles: &'a [String],
    /// Where FreeSWITCH asks us (`http://127.0.0.1:8089/freeswitch`).
    pub switch_url: &'a str,
    /// Whether FreeSWITCH is on another machine than the daemon: it then waits 2 s, not 1.
    pub remote: bool,
    /// The table `[dialplan]`.
    pub dialplan: &'a DialplanSettings,
    /// The table `[emergency]`.
    pub emergency: &'a EmergencySettings,
    /// The service number, where there is one.
    pub service: Option<ServicePlan<'a>>,
    /// The queues, where there are some.
    pub queues: Option<&'a CallCenterRules>,
}

/// A part of the advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// FreeSWITCH's own name for the domain.
    Domain,
    /// The contexts `restricted` and `hotdesk`.
    Dialplan,
    /// Calls from outside: the call-back of emergency calls, and the service number.
    Public,
    /// The users and phones on FreeSWITCH's disk.
    Directory,
    /// The queues on FreeSWITCH's disk, and their numbers.
    Queues,
    /// The binding of `mod_xml_curl`.
    XmlCurl,
    /// The SIP profiles.
    Profile,
    /// How to see that FreeSWITCH has taken it all.
    Try,
}

impl Part {
    /// Every part, in the order in which to do them.
    pub const ALL: [Self; 8] = [
        Self::Domain,
        Self::Dialplan,
        Self::Public,
        Self::Directory,
        Self::Queues,
        Self::XmlCurl,
        Self::Profile,
        Self::Try,
    ];

    /// The word for it on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Dialplan => "dialplan",
            Self::Public => "public",
            Self::Directory => "directory",
            Self::Queues => "queues",
            Self::XmlCurl => "xml_curl",
            Self::Profile => "profile",
            Self::Try => "try",
        }
    }
}

impl FromStr for Part {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|part| part.as_str() == text).ok_or(UnknownPart)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected domain, dialplan, public, directory, queues, xml_curl, profile or try")]
pub struct UnknownPart;

impl Advice<'_> {
    /// Everything, part by part.
    pub fn print_all(&self) -> String {
        let parts: Vec<_> = Part::ALL.iter().map(|part| self.print(*part)).collect();
        parts.join("\n")
    }

    /// One part.
    pub fn print(&self, part: Part) -> String {
        match part {
            Part::Domain => self.domain(),
            Part::Dialplan => self.dialplan(),
            Part::Public => self.public(),
            Part::Directory => self.directory(),
            Part::Queues => self.queues(),
            Part::XmlCurl => self.xml_curl(),
            Part::Profile => self.profile(),
            Part::Try => self.first_calls(),
        }
    }

    fn domain(&self) -> String {
        format!(
            "== Domain\nFreeSWITCH must know the domain by the same name, since stock files say $${{domain}} where \
             they mean it. In {file} the line that sets domain must be this one (stock: $${{local_ip_v4}}, the \
             address of the machine):\n\n  <X-PRE-PROCESS cmd=\"set\" data=\"domain={domain}\"/>\n\n\
             Where phones and calls still use the address, name it in `aliases` of hotdeskd's configuration.\n\
             In the same file change default_password if it is still 1234: the stock dialplan lets every call \
             wait for ten seconds until it is.\n",
            file = self.config_dir.join("vars.xml").display(),
            domain = self.domain,
        )
    }

    fn dialplan(&self) -> String {
        let file = self.config_dir.join("dialplan/00_hotdeskd.xml");
        let mut text = format!(
            "== Dialplan\nMake the file {} with these three lines. FreeSWITCH takes the first context of a \
             name, so no file before it may define the contexts restricted or hotdesk.\n\n\
             <include>\n  {}\n</include>\n",
            file.display(),
            self.include("dialplan"),
        );
        let context = &self.dialplan.context;
        let _ = writeln!(
            text,
            "\nCalls go on in your context \"{context}\" ([dialplan] context), which must exist. Nothing is \
             written into it."
        );
        for warning in self.emergency.warnings() {
            let _ = writeln!(text, "Warning: {warning}");
        }
        text
    }

    fn public(&self) -> String {
        let callback = self.emergency.callback_minutes > 0 && !self.emergency.numbers.is_empty();
        let numbers = self.service.map(|service| service.numbers).unwrap_or_default();
        if !callback && numbers.is_empty() {
            return "== Calls from outside\nThe emergency call-back is switched off ([emergency] callback_minutes), and \
                    there is no service number ([service] numbers): nothing to do.\n"
                .to_owned();
        }
        let mut text = format!(
            "== Calls from outside\nIn your context \"{context}\" (stock: {file}) put this line, alone on its \
             line, directly behind <context name=\"{context}\">, before the first <extension>; further down \
             an extension of yours would take the call first.\n\n  {include}\n",
            context = self.emergency.callback_context,
            file = self.config_dir.join("dialplan/public.xml").display(),
            include = self.include("public"),
        );
        if callback {
            text.push_str(
                "\nIt holds the emergency call-back, which needs mod_db and mod_expr; the stock modules.conf.xml loads \
                 them. With several FreeSWITCH nodes only the one that made the emergency call remembers it, unless they \
                 share the core database.\n",
            );
        }
        if let (false, Some(service)) = (numbers.is_empty(), self.service) {
            let numbers: Vec<_> = numbers.iter().map(|number| number.as_str()).collect();
            let _ = writeln!(
                text,
                "\nIt holds the service number ({}): such calls go to hotdeskd, and without it to the queue of team {}. \
                 No other extension of yours may take them before.",
                numbers.join(", "),
                service.default_queue,
            );
        }
        text
    }

    fn directory(&self) -> String {
        format!(
            "== Directory\nFreeSWITCH takes the first domain of a name, so our users must stand inside yours. \
             In your <domain name=\"{domain}\"> (stock: {file}, which writes $${{domain}}) put this line, alone \
             on its line, directly behind <groups>.\n\n  {include}\n\n\
             If you have no such domain, make one, in a file {own}:\n\n\
             <include>\n  <domain name=\"{domain}\">\n    <groups>\n      {include}\n    </groups>\n  </domain>\n</include>\n\n\
             While hotdeskd runs, its answer stands before your <domain>: what that has in its own <params> \
             and <variables> (stock: transfer_fallback_extension, default_gateway and others) must be repeated \
             in [directory] of hotdeskd's configuration; all but dial-string, of which each of our users has \
             one.\n\
             Remove the stock users 1000 to 1019 ({stock}): their password is 1234, and they answer for everybody \
             whom hotdeskd does not know.\n\
             FreeSWITCH keeps the merged configuration, with every secret, as freeswitch.xml.fsxml in its log \
             folder, readable by all: run it with umask 0007.\n",
            domain = escape_xml(self.domain.as_str()),
            file = self.config_dir.join("directory/default.xml").display(),
            own = self.config_dir.join("directory/00_hotdeskd.xml").display(),
            stock = self.config_dir.join("directory/default/10*.xml").display(),
            include = self.include("directory"),
        )
    }

    fn queues(&self) -> String {
        let Some(rules) = self.queues else {
            return "== Queues\nThere are none: nothing to do.\n".to_owned();
        };
        let (module, lists): (_, &[_]) = match rules.module() {
            QueueModule::CallCenter => ("mod_callcenter", &["queues", "agents", "tiers"]),
            QueueModule::Fifo => ("mod_fifo", &["fifos"]),
        };
        let mut text = format!(
            "== Queues\nOnly where people are in teams. Load {module} in {modules}, behind mod_xml_curl. In {file} put \
             each of these lines, alone on its line, directly behind the element that it names; the stock file's \
             examples may go. They are for a FreeSWITCH that starts while hotdeskd is gone: without a configuration \
             the module does not load.\n",
            modules = self.config_dir.join("autoload_configs/modules.conf.xml").display(),
            file = self.config_dir.join(format!("autoload_configs/{}.xml", rules.file())).display(),
        );
        for list in lists {
            let _ = write!(text, "\n  <{list}>\n    {}\n", self.include(list));
        }
        let _ = writeln!(
            text,
            "\nWhile hotdeskd runs, its answer stands before that file: repeat what the file has in <settings> in \
             [queues] settings of hotdeskd's configuration. A queue of your own in it is loaded when it is first \
             called; nothing of yours is changed.\n\
             A queue is called in the context hotdesk_queues, by its team's name: `transfer sales XML hotdesk_queues`."
        );
        if rules.has_numbers() {
            let context = &self.dialplan.context;
            let _ = writeln!(
                text,
                "\nFor the numbers that people dial for queues put this line, alone on its line, into your context \
                 \"{context}\" (stock: make the file {file} with it between <include> and </include>):\n\n  {include}",
                file = self
                    .config_dir
                    .join("dialplan")
                    .join(context.as_str())
                    .join("00_hotdeskd.xml")
                    .display(),
                include = self.include("numbers"),
            );
        }
        text
    }

    fn xml_curl(&self) -> String {
        let timeout = if self.remote { 2 } else { 1 };
        let file = self.config_dir.join("autoload_configs/xml_curl.conf.xml");
        let binding = format!(
            "    <binding name=\"hotdeskd\">\n      \
             <param name=\"gateway-url\" value=\"{url}\" bindings=\"directory|configuration\"/>\n      \
             {credentials}\n      \
             <param name=\"auth-scheme\" value=\"basic\"/>\n      \
             <param name=\"timeout\" value=\"{timeout}\"/>\n    </binding>\n",
            url = escape_xml(self.switch_url),
            credentials = self.include("xml_curl"),
        );
        format!(
            "== mod_xml_curl\nIn {file} put this binding inside <bindings>, before any other that asks for the \
             directory. The included line holds user name and password, in a file that only FreeSWITCH's group \
             may read; it must stand alone on its line.\n\n{binding}\n\
             The time-out is needed: without it FreeSWITCH waits for ever for a daemon that hangs. Do not bind \
             the dialplan: it would cost a request for every call.\n\
             Load the module in {modules} before mod_sofia, mod_callcenter and mod_fifo (the stock file has \
             the line as a comment, at the right place):\n\n  <load module=\"mod_xml_curl\"/>\n",
            file = file.display(),
            modules = self.config_dir.join("autoload_configs/modules.conf.xml").display(),
        )
    }

    fn profile(&self) -> String {
        let mut text = String::from("== SIP profiles\n");
        for profile in self.profiles {
            let name: String = profile.chars().filter(|c| !c.is_control()).collect();
            let file = self.config_dir.join("sip_profiles").join(format!("{name}.xml"));
            let _ = writeln!(
                text,
                "In <settings> of the profile {name} (stock: {}), each of these once; where the file has \
                 one already, outside comments, change that line:\n",
                file.display()
            );
        }
        for setting in required_profile_settings(self.domain) {
            let _ = match &setting.wanted {
                Wanted::Is(value) => writeln!(
                    text,
                    "  <param name=\"{}\" value=\"{}\"/>\n    {}",
                    setting.name,
                    escape_xml(value),
                    setting.why
                ),
                Wanted::Absent => writeln!(
                    text,
                    "  no {}, unless its list covers no phone\n    {}",
                    setting.name, setting.why
                ),
            };
        }
        text.push_str(
            "\nThe stock profile has apply-inbound-acl=domains, which lets in whoever has a cidr in the \
             directory: our users have none, but nobody needs the line.\n\
             After a change: reloadxml, then sofia profile NAME restart (it ends the calls of that profile).\n",
        );
        text
    }

    fn first_calls(&self) -> String {
        let domain = self.domain;
        format!(
            "== Try it\nAfter `hotdeskd freeswitch install`, with hotdeskd and FreeSWITCH running, `hotdeskd check` says \
             what is missing. By hand, in fs_cli:\n\n  \
             reloadxml\n    must answer +OK [Success]; anything else in the brackets is an error\n  \
             xml_locate dialplan context name restricted\n    our context; \"can't find anything\": the include line \
             is missing, or FreeSWITCH may not read {folder} (standing.group)\n  \
             global_getvar domain\n    {domain}\n  \
             module_exists mod_xml_curl\n    true; its lines \"HTTP error 401\" in the log: it may not read {folder}\n  \
             user_data MAC@{domain} var user_context\n    restricted, for a phone of yours that is nobody's; and the \
             same once hotdeskd is stopped: that is the directory on the disk, on which emergency calls rest then\n",
            folder = self.folder.display(),
        )
    }

    /// The line that includes a folder of ours. FreeSWITCH's preprocessor takes the path as it
    /// stands, up to the next quote: nothing is escaped.
    fn include(&self, inside: &str) -> String {
        let pattern = self.folder.join(inside).join("*.xml");
        let pattern = pattern.to_string_lossy();
        format!("<X-PRE-PROCESS cmd=\"include\" data=\"{pattern}\"/>")
    }
}
