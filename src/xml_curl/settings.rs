//! The table `[directory]`: what the operator's own `<domain>` entry had. mod_xml_curl's answer
//! replaces that entry, so it has to be repeated here.

use serde::{Deserialize, Serialize};

use crate::model::Variables;

/// Params and variables of the whole domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DirectorySettings {
    /// Params.
    pub params: DomainParams,
    /// Variables.
    pub variables: DomainVariables,
}

/// Params for the domain, without those that hotdeskd sets for each user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Variables", into = "Variables")]
pub struct DomainParams(Variables);

/// Variables for the domain, without those that hotdeskd sets for each user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Variables", into = "Variables")]
pub struct DomainVariables(Variables);

impl DomainParams {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

impl DomainVariables {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

impl TryFrom<Variables> for DomainParams {
    type Error = String;

    fn try_from(params: Variables) -> Result<Self, Self::Error> {
        match params.keys().find(|name| crate::model::is_reserved_param(name)) {
            Some(name) => Err(reserved(name)),
            None => Ok(Self(params)),
        }
    }
}

impl TryFrom<Variables> for DomainVariables {
    type Error = String;

    fn try_from(variables: Variables) -> Result<Self, Self::Error> {
        match variables.keys().find(|name| crate::model::is_reserved_variable(name)) {
            Some(name) => Err(reserved(name)),
            None => Ok(Self(variables)),
        }
    }
}

fn reserved(name: &str) -> String {
    format!(
        "`{name}` cannot be set for the domain: hotdeskd sets it for each phone and user; take it out"
    )
}

impl From<DomainParams> for Variables {
    fn from(params: DomainParams) -> Self {
        params.0
    }
}

impl From<DomainVariables> for Variables {
    fn from(variables: DomainVariables) -> Self {
        variables.0
    }
}
