//! What FreeSWITCH is told over mod_xml_curl.

mod settings;

pub use settings::{DirectorySettings, DomainParams, DomainVariables};
