//! The table `[journal]`.

use serde::{Deserialize, Serialize};

use crate::model::Bounded;

/// For how long what happened is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// For how many days; 0: for ever.
    pub keep_days: Bounded<0, 36_500, 730>,
}
