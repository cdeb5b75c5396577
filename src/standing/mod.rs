//! What FreeSWITCH has on its own disk for the time when we are gone: dialplan and directory,
//! rendered, installed, kept current - and walked.
//!
//! * [`settings`]: the tables `[dialplan]` and `[emergency]`, as checked values;
//! * [`dialplan`]: the contexts `restricted` and `hotdesk` and the fragment for the operator's
//!   `public`, from the templates in `dialplan/`;
//! * [`emergency`]: does every emergency number reach its route with the daemon dead;
//! * [`emergency_test`]: does every phone's, through what is installed;
//! * [`directory`]: `<group>` fragments of rendered users, written whole, in the safe order, and
//!   read back;
//! * [`current`]: who stands in that directory now;
//! * [`existing`]: a static directory that FreeSWITCH has already, as users to take over;
//! * [`queues`]: the queues, for mod_callcenter when nobody answers it;
//! * [`install`]: which files go where, what the operator must include and set;
//! * [`walk`]: answers "what would FreeSWITCH do with this number", by the rules of its
//!   `mod_dialplan_xml`.
//!
//! Only [`current`] looks into the store; the rest takes values and gives files and answers.

pub mod current;
pub mod dialplan;
pub mod directory;
pub mod disk;
pub mod emergency;
pub mod emergency_test;
pub mod existing;
pub mod install;
pub mod queues;
pub mod settings;
pub mod tree;
pub mod walk;

/// The first line of every file of ours; a file without it is never overwritten.
///
/// It is an XML comment that FreeSWITCH's preprocessor passes over: no `#` behind `<!--`, no `<?`.
pub const MARKER: &str =
    "<!-- Written by hotdeskd, which overwrites it. Change hotdeskd.toml, not this file. -->";
