//! A connection to an LDAP server: the only file that knows `ldap3`.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ldap3::asn1::{PL, StructureTag};
use ldap3::controls::{PagedResults, RawControl, RefreshMode, SyncRequest};
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, ResultEntry, Scope, SearchStream,
    StdStream,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::ber::Parts;
use super::give_way::giving_way;
use super::relay;
use super::settings::{SearchScope, ServerUrl};
use super::stream::stream;
use super::told::{EntryState, Told, info};
use super::{Access, Error};

/// How many messages may be on their way from a server to whoever reads them.
const CREDIT: usize = 1_024;
/// The result codes that are told apart.
const SUCCESS: u32 = 0;
const SIZE_LIMIT: u32 = 4;
const NO_SUCH_CONTROL: u32 = 12;
const INVALID_CREDENTIALS: u32 = 49;
const REFRESH_REQUIRED: u32 = 4_096;
/// Controls by their numbers.
const PAGED: &str = "1.2.840.113556.1.4.319";
const SYNC: &str = "1.3.6.1.4.1.4203.1.9.1.1";
const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";

/// Whether a text is a search filter.
pub(super) fn is_filter(text: &str) -> bool {
    ldap3::parse_filter(text).is_ok()
}

/// A text as it may stand in a search filter.
pub(super) fn escape(text: &str) -> String {
    ldap3::ldap_escape(text).into_owned()
}

/// What is searched for.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) base: String,
    pub(super) scope: SearchScope,
    pub(super) filter: String,
    pub(super) attributes: Vec<String>,
}

/// An entry: its attributes as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dn: String,
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// The values of an attribute, whatever the case of its name and whatever its options.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let is_it = move |found: &str| {
            found.split(';').next().is_some_and(|base| base.eq_ignore_ascii_case(name))
        };
        let found = self.attributes.iter().filter(move |(found, _)| is_it(found));
        found.flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }

    /// The first value, where it is text.
    pub(super) fn text<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).find_map(|value| std::str::from_utf8(value).ok())
    }
}

/// A page of a search.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// Where the next one begins; empty: this is the last.
    pub(super) next: Vec<u8>,
    /// How many referrals to other servers there were, which are not followed.
    pub(super) referrals: usize,
}

/// A connection that may ask.
pub(super) struct Connection {
    ldap: Ldap,
    credit: Arc<Semaphore>,
    deadline: Duration,
    server: ServerUrl,
    _tasks: Tasks,
}

/// Ends with the connection.
struct Tasks([AbortHandle; 2]);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Connection {
    /// A connection to the first server that answers.
    pub(super) async fn open(access: &Access) -> Result<Self, Error> {
        let mut connection = Self::open_unbound(access).await?;
        connection.authenticate(access).await?;
        Ok(connection)
    }

    /// The same, as nobody yet.
    pub(super) async fn open_unbound(access: &Access) -> Result<Self, Error> {
        let mut told = Vec::new();
        for server in &access.ldap.servers {
            match Self::connect(access, server).await {
                Ok(connection) => return Ok(connection),
                Err(error) => told.push(format!("{server}: {error}")),
            }
        }
        Err(Error::NoServer(told.join("; ")))
    }

    /// Where it is connected to.
    pub(super) fn server(&self) -> &ServerUrl {
        &self.server
    }

    async fn connect(access: &Access, server: &ServerUrl) -> Result<Self, Error> {
        let deadline = access.ldap.deadline_seconds.seconds();
        let stream = timeout(deadline, stream(access, server)).await;
        let stream = stream.map_err(|_| Error::Late("connecting"))??;
        let lost = |error: std::io::Error| Error::Lost(error.to_string());
        let (theirs, ours) = std::os::unix::net::UnixStream::pair().map_err(lost)?;
        ours.set_nonblocking(true).map_err(lost)?;
        let ours = UnixStream::from_std(ours).map_err(lost)?;
        let credit = Arc::new(Semaphore::new(CREDIT));
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(theirs));
        let (driver, ldap) = LdapConnAsync::with_settings(settings, "ldapi:///").await?;
        let (shared, to) = (credit.clone(), server.clone());
        let relay = tokio::spawn(giving_way(async move {
            if let Err(error) = relay::run(stream, ours, shared).await {
                tracing::warn!(server = %to, %error, "a connection to the LDAP server broke");
            }
        }));
        let driver = tokio::spawn(giving_way(async move {
            // How it ends is told by the operation that it was for.
            let _ = driver.drive().await;
        }));
        let tasks = Tasks([relay.abort_handle(), driver.abort_handle()]);
        Ok(Self { ldap, credit, deadline, server: server.clone(), _tasks: tasks })
    }

    async fn authenticate(&mut self, access: &Access) -> Result<(), Error> {
        let ldap = &mut self.ldap;
        let bound = match (&access.ldap.bind_dn, &access.password) {
            _ if access.ldap.external => {
                within(self.deadline, "binding", ldap.sasl_external_bind()).await?
            }
            (Some(dn), Some(password)) => {
                let bind = ldap.simple_bind(dn, password.expose_secret());
                within(self.deadline, "binding", bind).await?
            }
            _ => return Ok(()),
        };
        self.credit.add_permits(1);
        succeed("binding", &bound)
    }

    /// Whether these are the credentials of an entry. An empty password is nobody's: servers take it for a bind as
    /// nobody, and say yes.
    pub(super) async fn is_password(
        &mut self,
        dn: &str,
        password: &SecretString,
    ) -> Result<bool, Error> {
        if dn.is_empty() || password.expose_secret().is_empty() {
            return Ok(false);
        }
        let bind = self.ldap.simple_bind(dn, password.expose_secret());
        let bound = within(self.deadline, "binding", bind).await?;
        self.credit.add_permits(1);
        match bound.rc {
            SUCCESS => Ok(true),
            INVALID_CREDENTIALS => Ok(false),
            _ => succeed("binding as a person", &bound).map(|()| false),
        }
    }

    /// What the server says of itself.
    pub(super) async fn root(&mut self) -> Result<Entry, Error> {
        let names = ["supportedControl", "namingContexts", "dsServiceName", "highestCommittedUSN"];
        self.base("", &names).await.map(Option::unwrap_or_default)
    }

    /// One entry by its name, or none.
    pub(super) async fn base(&mut self, dn: &str, names: &[&str]) -> Result<Option<Entry>, Error> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let search = async {
            let all = "(objectClass=*)";
            let mut stream = self.ldap.streaming_search(dn, Scope::Base, all, names).await?;
            let page = read(&mut stream, &self.credit).await?;
            succeed("reading an entry", &stream.finish().await)?;
            Ok(page.entries.into_iter().next())
        };
        timeout(self.deadline, search).await.map_err(|_| Error::Late("reading an entry"))?
    }

    /// A page of what is searched for, from `at` on.
    pub(super) async fn page(
        &mut self,
        query: &Query,
        size: u32,
        at: Vec<u8>,
    ) -> Result<Page, Error> {
        let size = i32::try_from(size).unwrap_or(i32::MAX);
        let search = async {
            let control = PagedResults { size, cookie: at };
            self.ldap.with_controls(control);
            let mut stream = search(&mut self.ldap, query).await?;
            let mut page = read(&mut stream, &self.credit).await?;
            let result = stream.finish().await;
            succeed("searching", &result)?;
            page.next = result
                .ctrls
                .iter()
                .find(|control| control.1.ctype == PAGED)
                .and_then(|control| next_page(control.1.val.as_deref()?))
                .unwrap_or_default();
            Ok(page)
        };
        timeout(self.deadline, search).await.map_err(|_| Error::Late("searching"))?
    }

    /// A search that goes on for ever and tells what changes (RFC 4533), from `cookie` on.
    pub(super) async fn follow(
        mut self,
        query: &Query,
        cookie: Option<Vec<u8>>,
    ) -> Result<Changes, Error> {
        let request =
            SyncRequest { mode: RefreshMode::RefreshAndPersist, cookie, reload_hint: false };
        let control = RawControl { crit: true, ..request.into() };
        self.ldap.with_controls(control);
        let begun = timeout(self.deadline, search(&mut self.ldap, query)).await;
        let stream = begun.map_err(|_| Error::Late("searching"))??;
        Ok(Changes { stream, connection: self })
    }
}

/// Whether a server can tell changes.
pub(super) fn can_follow(root: &Entry) -> bool {
    root.values("supportedControl").any(|control| control == SYNC.as_bytes())
}

/// A search that goes on.
pub(super) struct Changes {
    stream: SearchStream<'static, String, Vec<String>>,
    connection: Connection,
}

impl Changes {
    /// Where it is connected to.
    pub(super) fn server(&self) -> &ServerUrl {
        self.connection.server()
    }

    /// What is told next. Waits for ever: nothing happens in an office at night.
    pub(super) async fn next(&mut self) -> Result<Told, Error> {
        let item = self.stream.next().await?;
        self.connection.credit.add_permits(1);
        let Some(item) = item else {
            let result = self.stream.finish().await;
            return Err(match result.rc {
                REFRESH_REQUIRED => Error::RefreshRequired,
                NO_SUCH_CONTROL => Error::CannotFollow,
                SUCCESS => Error::Lost("it ended the search".to_owned()),
                _ => refusal("following changes", &result),
            });
        };
        told(item).ok_or_else(|| Error::Lost("it told a change in a form of its own".to_owned()))
    }
}

fn told(item: ResultEntry) -> Option<Told> {
    if item.is_ref() {
        return Some(Told::Referral);
    }
    if item.is_intermediate() {
        let PL::C(parts) = item.0.payload else { return None };
        let value = parts.into_iter().find(|part| part.id == 1)?;
        let PL::P(value) = value.payload else { return None };
        return info(&value).map(Told::Info);
    }
    let control = item.1.iter().find(|control| control.1.ctype == SYNC_STATE)?;
    let mut parts = Parts(control.1.val.as_deref()?).expect(0x30)?.parts();
    let state = match parts.expect(0x0a)?.number()? {
        0 => EntryState::Present,
        1 => EntryState::Added,
        2 => EntryState::Modified,
        3 => EntryState::Deleted,
        _ => return None,
    };
    let uuid = parts.expect(0x04)?.content.to_vec();
    let cookie = parts.expect(0x04).map(|cookie| cookie.content.to_vec());
    Some(Told::Entry { state, uuid, entry: entry(item.0), cookie })
}

async fn search(
    ldap: &mut Ldap,
    query: &Query,
) -> Result<SearchStream<'static, String, Vec<String>>, LdapError> {
    let scope = match query.scope {
        SearchScope::Subtree => Scope::Subtree,
        SearchScope::OneLevel => Scope::OneLevel,
    };
    ldap.streaming_search(&query.base, scope, &query.filter, query.attributes.clone()).await
}

/// All that a search answers. The relay gives no more than it was given credit for.
async fn read<'a>(
    stream: &mut SearchStream<'a, String, Vec<String>>,
    credit: &Semaphore,
) -> Result<Page, Error> {
    let mut page = Page::default();
    loop {
        let item = stream.next().await?;
        credit.add_permits(1);
        match item {
            None => return Ok(page),
            Some(item) if item.is_ref() => page.referrals += 1,
            Some(item) if item.is_intermediate() => {}
            Some(item) => page.entries.push(entry(item.0)),
        }
    }
}

/// An entry without copying its values. Its form was checked before.
fn entry(tag: StructureTag) -> Entry {
    let constructed = |tag: StructureTag| match tag.payload {
        PL::C(parts) => parts,
        PL::P(_) => Vec::new(),
    };
    let bytes = |tag: StructureTag| match tag.payload {
        PL::P(bytes) => bytes,
        PL::C(_) => Vec::new(),
    };
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into())
    };
    let mut parts = constructed(tag).into_iter();
    let dn = parts.next().map(|dn| text(bytes(dn))).unwrap_or_default();
    let attributes = parts.next().map(constructed).unwrap_or_default();
    let attribute = |tag: StructureTag| {
        let mut parts = constructed(tag).into_iter();
        let name = parts.next().map(|name| text(bytes(name))).unwrap_or_default();
        let values = parts.next().map(constructed).unwrap_or_default();
        (name, values.into_iter().map(bytes).collect())
    };
    Entry { dn, attributes: attributes.into_iter().map(attribute).collect() }
}

/// Where the next page begins.
fn next_page(value: &[u8]) -> Option<Vec<u8>> {
    let mut parts = Parts(value).expect(0x30)?.parts();
    parts.expect(0x02)?;
    Some(parts.expect(0x04)?.content.to_vec())
}

async fn within(
    deadline: Duration,
    what: &'static str,
    operation: impl Future<Output = Result<LdapResult, LdapError>>,
) -> Result<LdapResult, Error> {
    Ok(timeout(deadline, operation).await.map_err(|_| Error::Late(what))??)
}

fn succeed(what: &'static str, result: &LdapResult) -> Result<(), Error> {
    match result.rc {
        SUCCESS => Ok(()),
        _ => Err(refusal(what, result)),
    }
}

fn refusal(what: &'static str, result: &LdapResult) -> Error {
    let names = HashMap::from([
        (1, "operations error"),
        (8, "strong authentication is required"),
        (11, "a limit was reached"),
        (12, "it does not know a control"),
        (13, "it wants encryption"),
        (32, "there is no such entry"),
        (34, "the name of an entry is wrong"),
        (49, "these credentials are wrong"),
        (50, "not allowed"),
        (51, "busy"),
        (52, "unavailable"),
        (53, "unwilling"),
    ]);
    match result.rc {
        SIZE_LIMIT => Error::SizeLimit,
        code => {
            let name = names.get(&code).copied().unwrap_or("refused");
            // What a server says of credentials may repeat them.
            let text = if code == INVALID_CREDENTIALS { "" } else { result.text.trim() };
            Error::Refused { what, code, told: format!("{name} {text}").trim_end().to_owned() }
        }
    }
}

impl From<LdapError> for Error {
    fn from(error: LdapError) -> Self {
        match error {
            LdapError::EndOfStream
            | LdapError::ResultRecv { .. }
            | LdapError::OpSend { .. }
            | LdapError::IdScrubSend { .. } => Self::Lost("the connection ended".to_owned()),
            error => Self::Lost(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
