//! Operators who sign in with their password at the LDAP server, and the role that their groups give them.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection::{Connection, Entry, Query, escape};
use super::settings::{Attribute, SearchScope};
use super::{Access, Error};
use crate::model::{OperatorName, Role};

/// How many passwords are checked at a time.
const AT_ONCE: usize = 4;
/// How long all questions about one sign-in may take together.
const DEADLINE: Duration = Duration::from_secs(10);

/// The table `[admin.ldap_roles]`: whoever is a member of one of these groups has that role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LdapRoles {
    /// By which attribute people call themselves; `uid`, or `sAMAccountName` at an Active Directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<Attribute>,
    /// The groups, by their whole names, whose members look.
    pub viewer: Vec<String>,
    /// Those whose members help.
    pub helpdesk: Vec<String>,
    /// Those whose members may do everything.
    pub admin: Vec<String>,
}

impl LdapRoles {
    /// Whether nobody has a role by a group.
    pub fn is_empty(&self) -> bool {
        self.groups().next().is_none()
    }

    /// The groups with their roles, the role that may most first.
    fn groups(&self) -> impl Iterator<Item = (Role, &String)> {
        let admins = self.admin.iter().map(|group| (Role::Admin, group));
        let helpers = self.helpdesk.iter().map(|group| (Role::Helpdesk, group));
        let viewers = self.viewer.iter().map(|group| (Role::Viewer, group));
        admins.chain(helpers).chain(viewers)
    }
}

/// Checks names and passwords by binding as the person. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LdapOperators {
    access: Arc<Access>,
    roles: Arc<LdapRoles>,
    turns: Arc<Semaphore>,
}

impl LdapOperators {
    /// At this server, with these roles.
    pub fn new(access: Access, roles: LdapRoles) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { access: Arc::new(access), roles: Arc::new(roles), turns }
    }

    /// Whose name and password these are; `None` for a wrong one, and for somebody without a role.
    ///
    /// # Errors
    /// The server cannot be asked; nothing is known of the password.
    pub async fn sign_in(
        &self,
        name: &OperatorName,
        password: &SecretString,
    ) -> Result<Option<(OperatorName, Role)>, Error> {
        if password.expose_secret().is_empty() {
            return Ok(None);
        }
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| Error::Lost("nobody is asked any more".to_owned()))?;
        let asked = timeout(DEADLINE, self.ask(name, password)).await;
        asked.map_err(|_| Error::Late("a sign-in"))?
    }

    async fn ask(
        &self,
        name: &OperatorName,
        password: &SecretString,
    ) -> Result<Option<(OperatorName, Role)>, Error> {
        let mut connection = Connection::open(&self.access).await?;
        let found = self.entry(&mut connection, name).await?;
        let nobody = || format!("cn=nobody,{}", self.access.ldap.base);
        let dn = found.as_ref().map_or_else(nobody, |entry| entry.dn.clone());
        // Somebody whom there is not: the server takes as long, and says no.
        let mut bound = Connection::open_unbound(&self.access).await?;
        let is_right = bound.is_password(&dn, password).await?;
        let Some(entry) = found.filter(|_| is_right) else { return Ok(None) };
        // As the entry writes it, so that one person has one name in the journal.
        let called = entry.text(self.attribute()).and_then(|text| text.parse().ok());
        let called = called.unwrap_or_else(|| name.clone());
        for (role, group) in self.roles.groups() {
            if is_member(&mut connection, group, &entry.dn, &called).await? {
                return Ok(Some((called, role)));
            }
        }
        Ok(None)
    }

    fn attribute(&self) -> &str {
        self.roles.attribute.as_ref().map_or("uid", Attribute::as_str)
    }

    /// The one entry of whoever calls himself or herself so.
    async fn entry(
        &self,
        connection: &mut Connection,
        name: &OperatorName,
    ) -> Result<Option<Entry>, Error> {
        let attribute = self.attribute();
        let query = Query {
            base: self.access.ldap.base.clone(),
            scope: SearchScope::Subtree,
            filter: format!("({attribute}={})", escape(name.as_str())),
            attributes: vec![attribute.to_owned()],
        };
        let mut entries = connection.page(&query, 2, Vec::new()).await?.entries.into_iter();
        Ok(entries.next().filter(|_| entries.next().is_none()))
    }
}

/// Whether a person is in a group; the server compares. A group that there is not has nobody in it.
async fn is_member(
    connection: &mut Connection,
    group: &str,
    dn: &str,
    name: &OperatorName,
) -> Result<bool, Error> {
    /// `noSuchObject`.
    const NO_SUCH_OBJECT: u32 = 32;
    let (dn, name) = (escape(dn), escape(name.as_str()));
    let query = Query {
        base: group.to_owned(),
        scope: SearchScope::Subtree,
        filter: format!("(|(member={dn})(uniqueMember={dn})(memberUid={name}))"),
        attributes: vec!["1.1".to_owned()],
    };
    match connection.page(&query, 1, Vec::new()).await {
        Ok(page) => Ok(!page.entries.is_empty()),
        Err(Error::Refused { code: NO_SUCH_OBJECT, .. }) => {
            tracing::warn!(
                group,
                "`admin.ldap_roles` names a group that the LDAP server does not have"
            );
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
