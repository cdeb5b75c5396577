//! A directory that FreeSWITCH has already, as users of ours: for whoever comes from static files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::tree::{self, Element, Preprocessed, TreeError};
use crate::model::{
    AwayDestination, Domain, Extension, GroupName, PhoneSettings, Pin, UserRecord, Variables,
    is_reserved_param, is_reserved_variable,
};

/// The fewest characters of a SIP password that is taken over. FreeSWITCH's stock one, `1234`, is known to
/// everybody who looks for open telephone systems.
const SHORTEST_SECRET: usize = 8;

/// What is found in a static directory.
#[derive(Debug, Default)]
pub struct ExistingDirectory {
    /// The domain that it is of, as it stands there.
    pub domain: String,
    /// Its users, in the order of their extensions.
    pub users: Vec<ExistingUser>,
    /// The ids that cannot be users of ours, and why.
    pub skipped: Vec<(String, String)>,
}

/// A user as FreeSWITCH has it.
#[derive(Debug)]
pub struct ExistingUser {
    /// Everything but the secrets.
    pub record: UserRecord,
    /// The PIN of the mailbox, where it is one that a user of ours may have.
    pub pin: Option<Pin>,
    /// The SIP password, where it is good enough for a softphone.
    pub sip_secret: Option<SecretString>,
    /// What was not taken over and why, in words without any secret.
    pub left_out: Vec<String>,
}

/// Why a static directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExistingError {
    /// It is not there, not XML, or too much.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// There is no directory in it.
    #[error(
        "{} holds no directory of FreeSWITCH; name its configuration folder (the one with freeswitch.xml) or the folder `directory` in it", .0.display()
    )]
    None(PathBuf),
    /// There are several domains, and none is ours.
    #[error(
        "found the domains {found}, expected {ours} among them; set `domain` to the one that you mean"
    )]
    Domains {
        /// Those that stand there.
        found: String,
        /// Ours.
        ours: Domain,
    },
}

/// Reads FreeSWITCH's configuration folder, or the folder `directory` in it, as FreeSWITCH would.
///
/// # Errors
/// See [`ExistingError`].
pub fn read(folder: &Path, ours: &Domain) -> Result<ExistingDirectory, ExistingError> {
    let top = tree::parse(&preprocessed(folder)?)?;
    let mut domains = Vec::new();
    collect_domains(&top, &mut domains);
    let named = |domain: &&&Element| {
        let name = domain.attribute("name").unwrap_or_default();
        name.eq_ignore_ascii_case(ours.as_str())
    };
    let domain = match domains.as_slice() {
        [] => return Err(ExistingError::None(folder.to_owned())),
        [only] => *only,
        several => match several.iter().find(named) {
            Some(domain) => *domain,
            None => {
                let names = several.iter().filter_map(|domain| domain.attribute("name"));
                let found = names.collect::<Vec<_>>().join(", ");
                return Err(ExistingError::Domains { found, ours: ours.clone() });
            }
        },
    };
    Ok(users_of(domain))
}

/// The text of the whole configuration, or of the directory alone with the variables beside it.
fn preprocessed(folder: &Path) -> Result<String, ExistingError> {
    let mut read = Preprocessed::default();
    let whole = folder.join("freeswitch.xml");
    if whole.is_file() {
        read.add_file(&whole)?;
        return Ok(read.text);
    }
    let variables = folder.parent().map(|above| above.join("vars.xml"));
    if let Some(variables) = variables.filter(|path| path.is_file()) {
        read.add_file(&variables)?;
    }
    read.add_text("<X-PRE-PROCESS cmd=\"include\" data=\"*.xml\"/>", Some(folder))?;
    Ok(read.text)
}

/// The domains with somebody in them: elsewhere in the configuration `<domain>` names one and no more.
fn collect_domains<'a>(element: &'a Element, found: &mut Vec<&'a Element>) {
    for child in &element.children {
        let is_one = child.children("groups").chain(child.children("users")).next().is_some();
        if child.name == "domain" && is_one {
            found.push(child);
        } else {
            collect_domains(child, found);
        }
    }
}

fn users_of(domain: &Element) -> ExistingDirectory {
    let mut found: BTreeMap<&str, &Element> = BTreeMap::new();
    let mut groups: BTreeMap<&str, BTreeSet<GroupName>> = BTreeMap::new();
    for group in domain.children("groups").flat_map(|groups| groups.children("group")) {
        let name = group.attribute("name").unwrap_or_default();
        for user in group.children("users").flat_map(|users| users.children("user")) {
            let Some(id) = user.attribute("id") else { continue };
            let is_pointer = user.attribute("type") == Some("pointer");
            if !is_pointer {
                found.entry(id).or_insert(user);
            }
            // The group that holds everybody's entry is none to be called.
            if let (true, Ok(name)) = (is_pointer, GroupName::try_from(name.to_owned())) {
                groups.entry(id).or_default().insert(name);
            }
        }
    }
    for user in domain.children("users").flat_map(|users| users.children("user")) {
        if let Some(id) = user.attribute("id") {
            found.entry(id).or_insert(user);
        }
    }
    let mut directory = ExistingDirectory {
        domain: domain.attribute("name").unwrap_or_default().to_owned(),
        ..ExistingDirectory::default()
    };
    for (id, user) in found {
        match id.parse::<Extension>() {
            Ok(extension) => {
                let groups = groups.remove(id).unwrap_or_default().into_iter().collect();
                directory.users.push(existing(extension, user, groups));
            }
            Err(why) => directory.skipped.push((id.to_owned(), why.to_string())),
        }
    }
    directory
}

fn existing(extension: Extension, user: &Element, groups: Vec<GroupName>) -> ExistingUser {
    let mut params = pairs(user, "params", "param");
    let mut variables = pairs(user, "variables", "variable");
    let mut left_out = Vec::new();
    let pin = params.remove("vm-password").map(|pin| Pin::new(pin.into(), &extension));
    let pin = pin.and_then(|pin| pin.map_err(|why| left_out.push(format!("the PIN: {why}"))).ok());
    let secret = params.remove("password").and_then(|secret| {
        let is_good = secret.chars().count() >= SHORTEST_SECRET && !secret.contains(char::is_control);
        if !is_good {
            left_out.push(format!(
                "the SIP password: it has fewer than {SHORTEST_SECRET} characters; `hotdeskd users add --softphone --replace` makes a good one"
            ));
        }
        is_good.then_some(SecretString::from(secret))
    });
    let name = variables.get("effective_caller_id_name").filter(|name| UserRecord::is_name(name));
    let name = name.cloned().unwrap_or_else(|| extension.to_string());
    let mut drop = |reserved: fn(&str) -> bool, what: &str, all: &mut Variables| {
        all.retain(|name, _| {
            let is_ours = reserved(name);
            if is_ours && name != "user_context" {
                left_out.push(format!("the {what} {name}: hotdeskd sets it itself"));
            }
            !is_ours
        });
    };
    drop(is_reserved_param, "param", &mut params);
    drop(is_reserved_variable, "variable", &mut variables);
    // The entry says who she is by itself, and so follows a change of her name.
    variables.remove("effective_caller_id_name");
    variables.remove("effective_caller_id_number");
    let record = UserRecord {
        extension,
        name,
        hot_desk: true,
        away: AwayDestination::Voicemail,
        groups,
        teams: Vec::new(),
        params,
        variables,
        keys: Vec::new(),
        settings: PhoneSettings::default(),
    };
    ExistingUser { record, pin, sip_secret: secret, left_out }
}

/// Names and values in a list; of two with one name the first stands.
fn pairs(user: &Element, list: &str, item: &str) -> Variables {
    let mut pairs = Variables::new();
    for one in user.children(list).flat_map(|all| all.children(item)) {
        if let (Some(name), Some(value)) = (one.attribute("name"), one.attribute("value"))
            && !value.is_empty()
        {
            pairs.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    /// A configuration as FreeSWITCH's own: variables, a group with everybody, groups of pointers.
    fn configuration(users: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "freeswitch.xml",
            "<?xml version=\"1.0\"?>\n<document type=\"freeswitch/xml\">\n\
             <X-PRE-PROCESS cmd=\"include\" data=\"vars.xml\"/>\n\
             <section name=\"configuration\"><configuration name=\"acl.conf\"><list><node type=\"allow\" domain=\"x\"/></list></configuration></section>\n\
             <section name=\"directory\">\n<X-PRE-PROCESS cmd=\"include\" data=\"directory/*.xml\"/>\n</section>\n</document>\n",
        );
        write(
            "vars.xml",
            "<include>\n<X-PRE-PROCESS cmd=\"set\" data=\"default_password=a-long-one-9\"/>\n\
             <X-PRE-PROCESS cmd=\"set\" data=\"domain=office.test\"/>\n</include>\n",
        );
        write(
            "directory/default.xml",
            "<include>\n<domain name=\"$${domain}\">\n<groups>\n<group name=\"default\"><users>\n\
             <X-PRE-PROCESS cmd=\"include\" data=\"default/*.xml\"/>\n</users></group>\n\
             <group name=\"sales\"><users><user id=\"1001\" type=\"pointer\"/></users></group>\n\
             </groups>\n</domain>\n</include>\n",
        );
        write("directory/default/users.xml", &format!("<include>\n{users}\n</include>\n"));
        folder
    }

    const ADA: &str = "<user id=\"1001\"><params><param name=\"password\" value=\"$${default_password}\"/>\
        <param name=\"vm-password\" value=\"4711\"/><param name=\"vm-email-all-messages\" value=\"true\"/>\
        <param name=\"dial-string\" value=\"user/x\"/></params><variables>\
        <variable name=\"toll_allow\" value=\"domestic\"/><variable name=\"user_context\" value=\"default\"/>\
        <variable name=\"accountcode\" value=\"$${nothing}\"/>\
        <variable name=\"effective_caller_id_name\" value=\"Ada Lovelace\"/></variables></user>";

    fn office() -> Domain {
        "office.test".parse().unwrap()
    }

    #[test]
    fn a_static_user_becomes_one_of_ours() {
        let folder = configuration(ADA);
        // By the whole configuration or by its directory alone.
        for folder in [folder.path().to_owned(), folder.path().join("directory")] {
            let found = read(&folder, &office()).unwrap();
            assert_eq!(found.domain, "office.test");
            let [ada] = &found.users[..] else { panic!("{found:?}") };
            assert_eq!(ada.record.name, "Ada Lovelace");
            assert_eq!(ada.record.groups, [GroupName::try_from("sales".to_owned()).unwrap()]);
            assert_eq!(
                ada.record.variables,
                Variables::from([("toll_allow".into(), "domestic".into())])
            );
            let params = Variables::from([("vm-email-all-messages".into(), "true".into())]);
            assert_eq!(ada.record.params, params);
            assert_eq!(ada.pin.as_ref().unwrap().secret().expose_secret(), "4711");
            assert_eq!(ada.sip_secret.as_ref().unwrap().expose_secret(), "a-long-one-9");
            assert_eq!(ada.left_out, ["the param dial-string: hotdeskd sets it itself"]);
            assert!(!format!("{found:?}").contains("a-long-one-9"));
        }
    }

    #[test]
    fn what_a_user_of_ours_may_not_have_is_left_out_and_said_without_the_secret() {
        let folder = configuration(
            "<user id=\"1000\"><params><param name=\"password\" value=\"1234\"/>\
             <param name=\"vm-password\" value=\"1000\"/><param name=\"a1-hash\" value=\"c6440e5de50b4032\"/></params></user>\n\
             <user id=\"brian\"/>\n<user id=\"0004132a0001\"/>\n<user id=\"1000\"><params/></user>",
        );
        let found = read(folder.path(), &office()).unwrap();
        let [one] = &found.users[..] else { panic!("{found:?}") };
        assert!(one.pin.is_none() && one.sip_secret.is_none());
        assert_eq!(one.record.name, "1000");
        let said = one.left_out.join("\n");
        assert!(
            said.contains("the PIN: this PIN is too easy") && said.contains("fewer than 8"),
            "{said}"
        );
        assert!(
            said.contains("a1-hash") && !said.contains("1234\n") && !said.contains("c6440"),
            "{said}"
        );
        let skipped: Vec<&str> = found.skipped.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(skipped, ["0004132a0001", "brian"]);
    }

    #[test]
    fn of_several_domains_ours_is_meant() {
        let folder = configuration(ADA);
        let other = "<include>\n<domain name=\"other.test\"><users><user id=\"2001\"/></users></domain>\n</include>\n";
        std::fs::write(folder.path().join("directory/other.xml"), other).unwrap();
        assert_eq!(
            read(folder.path(), &office()).unwrap().users[0].record.extension.as_str(),
            "1001"
        );
        let other = read(folder.path(), &"OTHER.test".parse().unwrap()).unwrap();
        assert_eq!(other.users[0].record.extension.as_str(), "2001");
        let told = read(folder.path(), &"third.test".parse().unwrap()).unwrap_err().to_string();
        assert!(told.contains("office.test, other.test") && told.contains("third.test"), "{told}");
    }

    #[test]
    fn a_folder_without_a_directory_is_said() {
        let empty = tempfile::tempdir().unwrap();
        let told = read(empty.path(), &office()).unwrap_err().to_string();
        assert!(told.contains("configuration folder"), "{told}");
        let broken = configuration("<user id=\"1001\">");
        assert!(matches!(read(broken.path(), &office()), Err(ExistingError::Tree(_))));
    }
}
