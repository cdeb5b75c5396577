//! What was found lately, so that who calls again is not looked up again.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::settings::CacheSettings;
use crate::model::LookUp;

/// Answers by what was asked, the oldest leaving first.
pub(super) struct Cache {
    most: usize,
    found: Duration,
    no_match: Duration,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    answers: HashMap<String, (LookUp, Instant)>,
    /// In the order in which they came; each key that is in `answers`, once.
    order: VecDeque<String>,
}

impl Cache {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        Self {
            most: usize::try_from(settings.entries.get()).unwrap_or(usize::MAX),
            found: Duration::from_secs(settings.found_seconds.get().into()),
            no_match: Duration::from_secs(settings.no_match_seconds.get().into()),
            inner: Mutex::default(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<LookUp> {
        let inner = self.lock();
        let (answer, until) = inner.answers.get(key)?;
        (Instant::now() < *until).then(|| answer.clone())
    }

    /// Keeps an answer of the database; what is none is not kept.
    pub(super) fn put(&self, key: String, answer: &LookUp) {
        let lasts = match answer {
            LookUp::Found(_) | LookUp::Ambiguous(_) => self.found,
            LookUp::NoMatch => self.no_match,
            LookUp::NotAsked(_) | LookUp::Failed(_) => return,
        };
        if self.most == 0 || lasts.is_zero() {
            return;
        }
        let mut inner = self.lock();
        let entry = (answer.clone(), Instant::now() + lasts);
        if inner.answers.insert(key.clone(), entry).is_none() {
            inner.order.push_back(key);
        }
        while inner.answers.len() > self.most {
            let Some(oldest) = inner.order.pop_front() else { break };
            inner.answers.remove(&oldest);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(entries: i64) -> Cache {
        Cache::new(&CacheSettings {
            entries: entries.try_into().unwrap(),
            found_seconds: 100.try_into().unwrap(),
            no_match_seconds: 10.try_into().unwrap(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_kept_for_their_time_and_failures_are_not() {
        let cache = cache(2);
        let several = LookUp::Ambiguous(vec!["a".to_owned()]);
        cache.put("1".to_owned(), &several);
        cache.put("2".to_owned(), &LookUp::NoMatch);
        cache.put("3".to_owned(), &LookUp::Failed(crate::model::LookUpFailure::Error));
        assert_eq!(
            (cache.get("1"), cache.get("2")),
            (Some(several.clone()), Some(LookUp::NoMatch))
        );
        assert_eq!(cache.get("3"), None);
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!((cache.get("1"), cache.get("2")), (Some(several), None));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(cache.get("1"), None);
    }

    #[tokio::test]
    async fn it_holds_no_more_than_it_may() {
        let kept = cache(3);
        for round in 0..3 {
            for number in 0..10 {
                kept.put(number.to_string(), &LookUp::NoMatch);
            }
            let inner = kept.lock();
            assert_eq!((inner.answers.len(), inner.order.len()), (3, 3), "{round}");
        }
        assert_eq!((kept.get("6"), kept.get("9")), (None, Some(LookUp::NoMatch)));
        let none = cache(0);
        none.put("1".to_owned(), &LookUp::NoMatch);
        assert_eq!(none.get("1"), None);
    }
}
