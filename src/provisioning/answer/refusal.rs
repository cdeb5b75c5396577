//! Whoever is turned away: to them all reasons look the same, to the operator none does.

use jiff::Timestamp;

use super::{Answer, Request, entry};
use crate::model::{Mac, PhoneRefusal, Told};
use crate::provisioning::Provisioning;
use crate::provisioning::admission::{Presented, TurnedAway};
use crate::provisioning::record::Note;

impl Provisioning {
    pub(super) fn turn_away(
        &self,
        request: &Request<'_>,
        away: TurnedAway,
        now: Timestamp,
    ) -> Answer {
        if !away.challenge {
            return self.refuse(request, away.phone, away.why, now);
        }
        match self.challenge(request, away.phone, away.why, now) {
            Answer::Challenge { counts, .. } => Answer::Challenge { stale: away.stale, counts },
            other => other,
        }
    }

    pub(super) fn challenge(
        &self,
        request: &Request<'_>,
        phone: Option<Mac>,
        why: PhoneRefusal,
        now: Timestamp,
    ) -> Answer {
        let counts = self.note_refusal(request, phone, why, 401, now);
        Answer::Challenge { stale: false, counts }
    }

    pub(super) fn refuse(
        &self,
        request: &Request<'_>,
        phone: Option<Mac>,
        why: PhoneRefusal,
        now: Timestamp,
    ) -> Answer {
        let counts = self.note_refusal(request, phone, why, 404, now);
        Answer::NotFound { counts }
    }

    /// What came by no door, or by a method that is not for phones, was refused.
    pub fn refused(&self, request: &Request<'_>, now: Timestamp) {
        self.note_refusal(request, None, PhoneRefusal::Unknown, 404, now);
    }

    /// For a phone of the inventory the reason is written down. Answers whether it counts against whoever
    /// asked from there: an optional file that is not there does not, and neither does a phone of ours
    /// that comes without credentials first, as all do.
    fn note_refusal(
        &self,
        request: &Request<'_>,
        phone: Option<Mac>,
        reason: PhoneRefusal,
        status: u16,
        now: Timestamp,
    ) -> bool {
        let counts = match reason {
            // What phones ask for as a matter of course.
            PhoneRefusal::NoFile
            | PhoneRefusal::Method
            | PhoneRefusal::NoVendor
            | PhoneRefusal::WindowClosed => false,
            PhoneRefusal::Unknown
            | PhoneRefusal::Network
            | PhoneRefusal::Credentials
            | PhoneRefusal::OtherPhone
            | PhoneRefusal::Agent
            | PhoneRefusal::TooMany => true,
        };
        // A nonce that is too old is no guess: the password was right.
        let counts = counts && request.presented != Presented::Stale;
        if counts {
            self.recorder().refused(request.from);
        }
        let why = match (reason, request.presented) {
            (PhoneRefusal::WindowClosed, Presented::Nothing) => Told::Challenged,
            _ => Told::Refused { reason },
        };
        // Made of strangers' requests too, so that they take as long; they are not written down.
        let mut entry = entry(request, phone.unwrap_or(Mac::PLACEHOLDER), why, now);
        entry.status = status;
        self.recorder().note(Note::Refused {
            request: entry,
            is_ours: phone.is_some(),
            is_logged: counts && !request.is_over,
        });
        counts
    }
}
