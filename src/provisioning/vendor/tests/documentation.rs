//! `docs/phones.md` says of each model what its manifest says.

use super::*;

#[test]
fn the_table_of_models_is_what_the_manifests_say() {
    let mut wanted = String::from("| vendor | model | keys | hot desk | cleared |\n");
    wanted.push_str("| --- | --- | --- | --- | --- |\n");
    for vendor in vendors().all() {
        for model in vendor.models().iter().filter(|model| !model.title.is_empty()) {
            let cleared: Vec<_> = model.clears.iter().map(|cleared| cleared.as_str()).collect();
            let hot_desk = if model.hot_desk { "yes" } else { "no" };
            let (title, keys) = (&model.title, model.keys);
            let cleared = cleared.join(", ");
            let row = format!("| {} | {title} | {keys} | {hot_desk} | {cleared}", vendor.title());
            wanted.push_str(row.trim_end());
            wanted.push_str(" |\n");
        }
    }
    let page = include_str!("../../../../docs/phones.md");
    assert!(page.contains(&wanted), "docs/phones.md should have\n\n{wanted}");
}
