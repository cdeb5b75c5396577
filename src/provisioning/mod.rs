//! What a phone should know: vendors as folders of templates, settings in layers, who may have a file.
//!
//! | file | what |
//! | --- | --- |
//! | `vendor` | a vendor's manifest and templates: which path means which file, and how it is written |
//! | `context` | what a template can say |

pub mod context;
pub mod settings;
