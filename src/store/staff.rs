//! Who serves the queues.

use std::collections::HashSet;
use std::sync::Arc;

use super::Memory;
use crate::model::{Extension, Teams, User};

/// Everybody who is in a team, taken out of memory: what is made of so many takes time, and neither a write nor an
/// answer to FreeSWITCH is to wait for that.
#[derive(Debug)]
pub struct Staff {
    /// The teams as the directory server describes them.
    pub teams: Arc<Teams>,
    members: Vec<Arc<User>>,
    seated: HashSet<Extension>,
}

impl Staff {
    /// Those who are in a team, in no order.
    pub fn members(&self) -> impl Iterator<Item = &User> {
        self.members.iter().map(Arc::as_ref)
    }

    /// Whether somebody of them sits anywhere.
    pub fn is_seated(&self, user: &Extension) -> bool {
        self.seated.contains(user)
    }
}

impl Memory {
    /// Who serves the queues, as it is now.
    pub fn staff(&self) -> Staff {
        let members = self.users().filter(|user| !user.teams.is_empty()).cloned().collect();
        let seated = self.sessions().map(|session| session.user.clone()).collect();
        Staff { teams: Arc::clone(self.teams()), members, seated }
    }
}
