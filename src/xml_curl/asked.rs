//! Which phones FreeSWITCH asked about because they want to register: what tells a phone that never reached FreeSWITCH from
//! one that has the wrong secret. Kept in memory only, and written beside the answers, so it costs them next to nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::model::{Asked, Mac};

/// How many phones are remembered; an inventory has fewer.
const MOST: usize = 100_000;

/// When FreeSWITCH last asked about each phone. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RegisterQuestions {
    inner: Arc<Inner>,
}

/// What all clones share.
#[derive(Debug)]
struct Inner {
    since: Timestamp,
    /// Seconds since 1970. The lock is held for writing only when a phone is new to it.
    last: RwLock<HashMap<Mac, AtomicI64>>,
}

impl RegisterQuestions {
    /// Nothing was asked yet, and from now on it would be seen.
    pub fn new(now: Timestamp) -> Self {
        Self { inner: Arc::new(Inner { since: now, last: RwLock::default() }) }
    }

    /// FreeSWITCH asks about this phone of the inventory.
    pub(super) fn note(&self, phone: Mac, now: Timestamp) {
        let second = now.as_second();
        let known = self.inner.last.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = known.get(&phone) {
            last.store(second, Ordering::Relaxed);
            return;
        }
        drop(known);
        let mut known = self.inner.last.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST {
            known.insert(phone, AtomicI64::new(second));
        }
    }

    /// What is known of a phone.
    pub fn of(&self, phone: Mac) -> Asked {
        let known = self.inner.last.read().unwrap_or_else(PoisonError::into_inner);
        let last = known.get(&phone).map(|last| last.load(Ordering::Relaxed));
        match last.and_then(|second| Timestamp::from_second(second).ok()) {
            Some(at) => Asked::At(at),
            None => Asked::Not { since: self.inner.since },
        }
    }
}
