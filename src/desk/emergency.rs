//! Emergency calls: into the journal, with the desk, its place and who sits there, each once.

use jiff::Timestamp;

use super::{Desk, Error};
use crate::model::{Actor, EmergencyCall, EmergencyStage, Extension, Happening, SipIdentity};
use crate::store::Tx;

impl Desk {
    /// Writes what FreeSWITCH tells of an emergency call into the journal, with the time at which it was made. What was
    /// told before is passed over: false.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn emergency(&self, told: EmergencyCall, now: Timestamp) -> Result<bool, Error> {
        let written = self.store().write(async move |tx: &mut Tx<'_>| {
            let EmergencyCall { call, stage, at, .. } = &told;
            // By FreeSWITCH's clock it may be to come.
            let at = (*at).min(now);
            let identity: Option<SipIdentity> = told.from.parse().ok();
            let key = match stage {
                EmergencyStage::Dialled => call.clone(),
                EmergencyStage::Unreachable => format!("{call}/unreachable"),
                EmergencyStage::Callback => format!("{call}/callback"),
            };
            let phone = identity.map(|identity| identity.phone);
            if !tx.note_emergency_call(&key, phone, at).await? {
                return Ok(false);
            }
            let what = happening(tx, told.clone(), identity, at).await?;
            let by = match (stage, phone) {
                (EmergencyStage::Callback, _) | (_, None) => Actor::Outside,
                (_, Some(phone)) => Actor::Caller(phone),
            };
            tx.journal(at, by, what).await?;
            Ok::<_, Error>(true)
        });
        Ok(written.await?)
    }
}

async fn happening(
    tx: &mut Tx<'_>,
    told: EmergencyCall,
    identity: Option<SipIdentity>,
    at: Timestamp,
) -> Result<Happening, Error> {
    let EmergencyCall { call, node, stage, number, from, caller_id, missed, .. } = told;
    let phone = match identity {
        Some(identity) => tx.phone(identity.phone).await?,
        None => None,
    };
    let place = phone.as_ref().and_then(|phone| phone.emergency.location.clone());
    let desk = match (&phone, identity.and_then(|identity| identity.handset)) {
        (Some(base), Some(handset)) => Some(base.handset_title(handset)),
        (Some(phone), None) => phone.label.clone(),
        (None, _) => None,
    };
    let user = match identity {
        Some(identity) => caller(tx, identity, at).await?,
        None => None,
    };
    let phone = identity.map(|identity| identity.phone);
    Ok(match stage {
        EmergencyStage::Dialled => Happening::EmergencyCall {
            phone,
            from,
            user,
            number,
            caller_id,
            desk,
            location: place,
            node,
            call,
            missed,
        },
        EmergencyStage::Unreachable => {
            Happening::EmergencyUnreachable { phone, from, number, location: place, node, call }
        }
        EmergencyStage::Callback => {
            Happening::EmergencyCallback { phone, from, user, number, node, call }
        }
    })
}

/// Who sat there, or whose handset it is. Who sat down since then did not make the call.
async fn caller(
    tx: &mut Tx<'_>,
    identity: SipIdentity,
    at: Timestamp,
) -> Result<Option<Extension>, Error> {
    if let Some(number) = identity.handset {
        let base = tx.phone(identity.phone).await?;
        return Ok(base.and_then(|base| base.handset(number)?.user.clone()));
    }
    let session = tx.session(identity.phone).await?;
    Ok(session.filter(|session| session.since.as_second() <= at.as_second()).map(|one| one.user))
}

#[cfg(test)]
mod tests;
