//! Settings in layers: vendor, model, site, phone, user; the later wins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::vendor::Layer;
use crate::model::{PhoneSettings, SettingName, SettingValue};

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// The setting.
    pub name: SettingName,
    /// Its value.
    pub value: SettingValue,
    /// The layer that it comes from.
    pub layer: Layer,
    /// The layers below that say something else.
    pub over: Vec<Layer>,
}

/// The layers, lowest first.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a>(pub [(Layer, Option<&'a PhoneSettings>); 5]);

impl Layers<'_> {
    /// All settings that are ours or this vendor's, with where they come from.
    pub fn explain(&self, vendor: &str) -> Vec<Explained> {
        let mut all: BTreeMap<&SettingName, Explained> = BTreeMap::new();
        for (layer, settings) in &self.0 {
            for (name, value) in settings.iter().flat_map(|settings| settings.iter()) {
                if name.of_vendor().is_some_and(|(of, _)| of != vendor) {
                    continue;
                }
                let entry = all.entry(name).or_insert_with(|| Explained {
                    name: name.clone(),
                    value: value.clone(),
                    layer: *layer,
                    over: Vec::new(),
                });
                if entry.layer != *layer {
                    entry.over.push(entry.layer);
                    entry.layer = *layer;
                    entry.value = value.clone();
                }
            }
        }
        all.into_values().collect()
    }

    /// The value of one of our settings as a text; empty where no layer has it.
    pub(super) fn text(&self, name: &str) -> String {
        let values = self.0.iter().rev().filter_map(|(_, settings)| settings.as_ref());
        let mut found = values.filter_map(|settings| {
            settings.iter().find(|(known, _)| known.as_str() == name).map(|(_, value)| value)
        });
        found.next().map(SettingValue::to_string).unwrap_or_default()
    }

    /// The merged settings: ours, and this vendor's own under the vendor's names.
    pub(super) fn merge(
        &self,
        vendor: &str,
    ) -> (BTreeMap<String, SettingValue>, BTreeMap<String, SettingValue>) {
        let (mut ours, mut raw) = (BTreeMap::new(), BTreeMap::new());
        for explained in self.explain(vendor) {
            match explained.name.of_vendor() {
                Some((_, name)) => raw.insert(name.to_owned(), explained.value),
                None => ours.insert(explained.name.to_string(), explained.value),
            };
        }
        (ours, raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_layer_wins_and_is_told() {
        let settings = |pairs: &[(&str, &str)]| -> PhoneSettings {
            let pair = |(name, value): &(&str, &str)| {
                (name.parse().unwrap(), SettingValue::Text((*value).to_owned()))
            };
            pairs.iter().map(pair).collect()
        };
        let vendor = settings(&[("language", "en"), ("snom.a", "1"), ("yealink.a", "2")]);
        let site = settings(&[("language", "de")]);
        let user = settings(&[("language", "fr"), ("snom.a", "3")]);
        let layers = Layers([
            (Layer::Vendor, Some(&vendor)),
            (Layer::Model, None),
            (Layer::Site, Some(&site)),
            (Layer::Phone, None),
            (Layer::User, Some(&user)),
        ]);
        let explained = layers.explain("snom");
        let told: Vec<_> = explained
            .iter()
            .map(|e| format!("{}={} {:?} over {:?}", e.name, e.value, e.layer, e.over))
            .collect();
        assert_eq!(told, ["language=fr User over [Vendor, Site]", "snom.a=3 User over [Vendor]"]);
        let (ours, raw) = layers.merge("snom");
        assert_eq!((ours.len(), raw["a"].to_string()), (1, "3".to_owned()));
    }
}
