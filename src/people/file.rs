//! The users file: TOML, one `[[user]]` a person.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::{
    AwayDestination, Extension, FunctionKey, GroupName, PhoneSettings, TeamId, TomlFault, TomlText,
    UserRecord, Variables, is_reserved_param, is_reserved_variable,
};

/// The most bytes that a users file has: some ten thousand users.
const MAX_BYTES: u64 = 16 << 20;

const HELP: &str = "A user is a table [[user]] with `extension` and `name`; `hot_desk`, `away`, `groups`, `teams`, \
                    `params`, `variables`, `keys` and `settings` may follow.";

/// Why the users file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("the users file {}: {source}; correct `people.file` in the configuration, or the file's owner and mode", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no users file.
    #[error("the users file {} is longer than {MAX_BYTES} bytes; name the right file in `people.file`", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// A mistake in it.
    #[error(transparent)]
    Fault(#[from] TomlFault),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFile {
    #[serde(default)]
    user: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    extension: Extension,
    name: String,
    #[serde(default = "yes")]
    hot_desk: bool,
    #[serde(default)]
    away: AwayDestination,
    #[serde(default)]
    groups: Vec<GroupName>,
    #[serde(default)]
    teams: Vec<TeamId>,
    #[serde(default)]
    params: Variables,
    #[serde(default)]
    variables: Variables,
    #[serde(default)]
    keys: Vec<FunctionKey>,
    #[serde(default)]
    settings: PhoneSettings,
}

fn yes() -> bool {
    true
}

/// The users in the file, in its order; no extension twice.
///
/// # Errors
/// The file cannot be read, or there is a mistake in it.
pub fn read(path: &Path) -> Result<Vec<UserRecord>, Error> {
    let failed = |source| Error::File { path: path.into(), source };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if read as u64 > MAX_BYTES {
        return Err(Error::TooLong { path: path.into() });
    }
    Ok(parse(path, &bytes)?)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<UserRecord>, TomlFault> {
    let text = TomlText::read(path, bytes, HELP)?;
    let file: UsersFile = text.parse()?;
    let mut seen: HashMap<Extension, usize> = HashMap::new();
    let mut records = Vec::with_capacity(file.user.len());
    for (index, user) in file.user.into_iter().enumerate() {
        let key = format!("user[{}]", index + 1);
        if let Some(first) = seen.insert(user.extension.clone(), index) {
            let line = text.line_of(&format!("user[{}].extension", first + 1)).unwrap_or_default();
            return Err(text.fault(
                &format!("{key}.extension"),
                format!(
                    "found extension {} a second time, expected it once; line {line} has it too",
                    user.extension
                ),
                "Give one of the two another extension, or take it out.".to_owned(),
            ));
        }
        records.push(check(&text, &key, user)?);
    }
    Ok(records)
}

fn check(text: &TomlText<'_>, key: &str, user: Listed) -> Result<UserRecord, TomlFault> {
    if !UserRecord::is_name(&user.name) {
        let key = format!("{key}.name");
        let most = UserRecord::MAX_NAME;
        let problem =
            format!("found {}, expected a name of at most {most} bytes", text.found(&key));
        return Err(text.fault(&key, problem, format!("Correct it. {HELP}")));
    }
    let param = user.params.keys().find(|name| is_reserved_param(name));
    let variable = user.variables.keys().find(|name| is_reserved_variable(name));
    let reserved =
        param.map(|name| ("params", name)).or_else(|| variable.map(|name| ("variables", name)));
    if let Some((table, name)) = reserved {
        return Err(text.fault(
            &format!("{key}.{table}.{name}"),
            format!("found `{name}`, which hotdeskd sets itself for every user"),
            "Take it out.".to_owned(),
        ));
    }
    Ok(UserRecord {
        extension: user.extension,
        name: user.name,
        hot_desk: user.hot_desk,
        away: user.away,
        groups: user.groups,
        teams: user.teams,
        params: user.params,
        variables: user.variables,
        keys: user.keys,
        settings: user.settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<UserRecord>, TomlFault> {
        parse(Path::new("users.toml"), text.as_bytes())
    }

    #[test]
    fn users_are_read_with_all_they_have() {
        let users = parsed(
            "[[user]]\nextension = \"1001\"\nname = \"Ada Lovelace\"\n\n[[user]]\nextension = \"1002\"\n\
             name = \"${system(id)} \\\"]]>\\n🦀\"\nhot_desk = false\naway = \"+436641234567\"\n\
             groups = [\"sales\"]\nteams = [\"sales\", \"support\"]\nvariables = { toll_allow = \"domestic\" }\n\
             params.vm-email-all-messages = \"true\"\n",
        )
        .unwrap();
        let ada = &users[0];
        assert_eq!((ada.extension.as_str(), ada.name.as_str()), ("1001", "Ada Lovelace"));
        assert!(ada.hot_desk);
        assert_eq!(ada.away, AwayDestination::Voicemail);
        let second = &users[1];
        assert_eq!(second.name, "${system(id)} \"]]>\n🦀");
        assert!(!second.hot_desk);
        assert_eq!(second.away.to_string(), "+436641234567");
        assert_eq!(second.groups[0].as_str(), "sales");
        assert_eq!(second.teams[1].as_str(), "support");
        assert_eq!(second.variables["toll_allow"], "domestic");
        assert_eq!(second.params["vm-email-all-messages"], "true");
        assert_eq!(parsed("").unwrap(), []);
    }

    #[test]
    fn a_mistake_is_told_with_its_place_and_what_to_do() {
        let user = "[[user]]\nextension = \"1001\"\nname = \"A\"\n";
        let cases = [
            ("[[users]]\n", 1, "users", "Did you mean `user`?"),
            ("[[user]]\nextension = \"1001\"\n", 1, "user[1].name", "found no `name`"),
            ("[[user]]\nextension = 1001\nname = \"A\"\n", 2, "user[1].extension", "double quotes"),
            (
                "[[user]]\nextension = \"*1\"\nname = \"A\"\n",
                2,
                "user[1].extension",
                "2 to 11 digits",
            ),
            ("[[user]]\nextension = \"1001\"\nname = \" \"\n", 3, "user[1].name", "found `\" \"`"),
            (&format!("{user}hotdesk = false\n"), 4, "user[1].hotdesk", "`hot_desk`?"),
            (&format!("{user}away = \"home\"\n"), 4, "user[1].away", "expected"),
            (&format!("{user}groups = [\"a\", \"b c\"]\n"), 4, "user[1].groups[2]", "a group name"),
            (
                &format!("{user}params = {{ vm-password = \"4711\" }}\n"),
                4,
                "user[1].params.vm-password",
                "Take it out",
            ),
            (
                &format!("{user}[user.variables]\nemergency_caller_id = \"1\"\n"),
                5,
                "user[1].variables.emergency_caller_id",
                "hotdeskd sets itself",
            ),
            (&format!("{user}\n{user}"), 6, "user[2].extension", "line 2 has it too"),
            (&format!("{user}pin = \"4711\"\n"), 4, "user[1].pin", "unknown key `pin`"),
        ];
        for (text, line, key, said) in cases {
            let told = parsed(text).unwrap_err();
            assert_eq!((told.line, told.key.as_str()), (line, key), "{text}\n{told}");
            assert!(told.to_string().contains(said), "{text}\n{told}");
            assert!(!told.to_string().contains("4711"), "{told}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_said() {
        let missing = read(Path::new("/nowhere/users.toml")).unwrap_err();
        assert!(missing.to_string().contains("`people.file`"), "{missing}");
        assert!(matches!(read(Path::new("/dev/zero")), Err(Error::TooLong { .. })));
    }
}
