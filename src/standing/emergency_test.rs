//! Would every phone and handset get through to an emergency service, with what FreeSWITCH has on its own disk now?
//!
//! The dialplan is the one that is installed, and so is the directory: not what we would write, but what is there. Each
//! identity of the inventory calls each number with the daemon dead; nothing is dialled. What is there is then compared
//! with what should be, because a file that is older than the configuration works until somebody needs what is new.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::dialplan::RenderedFile;
use super::directory::Directory;
use super::disk::Folder;
use super::emergency::judge;
use super::settings::EmergencySettings;
use super::walk::{Call, End, Memory, Policy, Story, Walk};
use crate::model::{EmergencyFailing, EmergencyProblem, EmergencyTest, Phone, SipIdentity};

/// What to do where a file of ours is wrong.
const INSTALL: &str =
    "run `hotdeskd freeswitch install`, and have FreeSWITCH read it (`fs_cli -x reloadxml`)";

/// What is tested against.
#[derive(Debug)]
pub struct Site<'a> {
    /// The emergency numbers and routes.
    pub settings: &'a EmergencySettings,
    /// The dialplan files as they should be.
    pub files: &'a [RenderedFile],
    /// The standing files' folder.
    pub folder: &'a Folder,
    /// FreeSWITCH's own configurations on this machine (`/etc/freeswitch/freeswitch.xml`).
    pub configurations: &'a [PathBuf],
    /// Every directory entry as it should be, by its id.
    pub entries: &'a [(String, String)],
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// Walks every call. Takes its time: not for a thread that others wait for.
pub fn test(site: &Site<'_>, phones: &[std::sync::Arc<Phone>]) -> EmergencyTest {
    let ways = site.settings.dialled_and_bare();
    let numbers = ways.iter().map(|(dialled, _)| dialled.clone()).collect();
    let mut found = EmergencyTest { numbers, ..EmergencyTest::default() };
    if ways.is_empty() {
        found.problem("no emergency number is set", "set `emergency.numbers`");
        return found;
    }
    let walks = walks(site, &mut found);
    old_files(site, &mut found);
    let (there, wanted) = (installed(site, &mut found), wanted(site));
    let tester = Tester { site, walks, there, wanted, ways };
    for phone in phones {
        for identity in phone.identities() {
            found.phones += 1;
            found.failing.extend(tester.one(phone, identity));
        }
    }
    found
}

impl EmergencyTest {
    fn problem(&mut self, what: impl Into<String>, advice: &str) {
        self.problems.push(EmergencyProblem { what: what.into(), advice: advice.to_owned() });
    }
}

/// The dialplans that are installed: of each FreeSWITCH of this machine, or our own files where there is none.
fn walks(site: &Site<'_>, found: &mut EmergencyTest) -> Vec<Walk> {
    let mut walks = Vec::new();
    for path in site.configurations {
        match Walk::load(path) {
            Ok(walk) => {
                found.walked.push(path.display().to_string());
                walks.push(walk);
            }
            Err(error) => {
                let what = format!("{}: {error}", path.display());
                found.problem(what, "see that this user may read it, and that FreeSWITCH can");
            }
        }
    }
    if !walks.is_empty() {
        return walks;
    }
    let ours = site.folder.path().join("dialplan");
    match Walk::load(&ours) {
        Ok(walk) => {
            found.walked.push(ours.display().to_string());
            found.notes.push(
                "FreeSWITCH's own configuration is not here, so nobody looked whether it includes these files, nor what \
                 your own dialplan does; run this on FreeSWITCH's machine"
                    .to_owned(),
            );
            walks.push(walk);
        }
        Err(error) => found.problem(format!("{}: {error}", ours.display()), INSTALL),
    }
    walks
}

/// Files that are not as the configuration says.
fn old_files(site: &Site<'_>, found: &mut EmergencyTest) {
    for file in site.files {
        let (Some(inside), Some(name)) = (file.path.parent(), file.path.file_name()) else {
            continue;
        };
        let (inside, name) = (inside.to_string_lossy(), name.to_string_lossy());
        let is_emergency = inside == "dialplan" || name.contains("emergency");
        let there = site.folder.inside(&inside).read(&name);
        let what = match there {
            Ok(Some(text)) if text == file.text => continue,
            Ok(Some(_)) => "is older than the configuration",
            Ok(None) => "is not there",
            Err(_) => "cannot be read, or is not ours",
        };
        if is_emergency {
            let path = site.folder.path().join(&file.path);
            found.problem(format!("{} {what}", path.display()), INSTALL);
        }
    }
}

/// The directory that is installed.
fn installed(site: &Site<'_>, found: &mut EmergencyTest) -> Directory {
    match Directory::read(&site.folder.inside("directory")) {
        Ok(directory) => directory,
        Err(error) => {
            found.problem(error.to_string(), INSTALL);
            Directory::default()
        }
    }
}

/// The directory as it should be.
fn wanted(site: &Site<'_>) -> Directory {
    let mut directory = Directory::default();
    for (_, xml) in site.entries {
        // They are ours, and XML.
        let _ = directory.add(xml);
    }
    directory
}

/// Whether two calls go the same way.
fn is_same(one: &Call, other: &Call) -> bool {
    one.context == other.context && one.variables == other.variables
}

/// What one phone is tested with.
struct Tester<'a> {
    site: &'a Site<'a>,
    walks: Vec<Walk>,
    there: Directory,
    wanted: Directory,
    /// The numbers as they are dialled, and bare.
    ways: Vec<(String, String)>,
}

impl Tester<'_> {
    fn one(&self, phone: &Phone, identity: SipIdentity) -> Option<EmergencyFailing> {
        let id = identity.to_string();
        let why = match self.calls_from(&id) {
            Ok(()) => self.faults(&id),
            Err(why) => vec![why],
        };
        let title = identity.handset.map_or_else(|| phone.title(), |n| phone.handset_title(n));
        let location = phone.emergency.location.clone();
        (!why.is_empty()).then_some(EmergencyFailing {
            identity: id,
            phone: identity.phone,
            title,
            location,
            why,
        })
    }

    /// Whether FreeSWITCH lets it call at all while we are not there.
    fn calls_from(&self, id: &str) -> Result<(), EmergencyProblem> {
        let problem = |what: String, advice: &str| EmergencyProblem { what, advice: advice.into() };
        let Some(entry) = self.there.find(id) else {
            let what = "it is not in the directory on FreeSWITCH's own disk: without hotdeskd its calls are refused";
            return Err(problem(what.to_owned(), INSTALL));
        };
        let hash = |directory: &Directory| {
            let entry = directory.find(id)?;
            entry.params.get("a1-hash").cloned()
        };
        let is_known = hash(&self.wanted);
        if is_known.is_none() || is_known != hash(&self.there) {
            let what = "its entry on FreeSWITCH's own disk is older than its secret: without hotdeskd its calls are refused";
            return Err(problem(what.to_owned(), INSTALL));
        }
        if !entry.variables.contains_key("user_context") {
            let what = "its entry on FreeSWITCH's own disk names no context";
            return Err(problem(what.to_owned(), INSTALL));
        }
        Ok(())
    }

    /// What goes wrong with which numbers: as a nobody's phone or somebody's, whichever FreeSWITCH takes it for.
    fn faults(&self, id: &str) -> Vec<EmergencyProblem> {
        let mut faults: BTreeMap<EmergencyProblem, Vec<&str>> = BTreeMap::new();
        for walk in &self.walks {
            for (dialled, bare) in &self.ways {
                let there = self.there.call_from(id, dialled);
                // Mostly the same; somebody may have come or gone since it was written.
                let wanted = self
                    .wanted
                    .call_from(id, dialled)
                    .filter(|call| there.as_ref().is_none_or(|there| !is_same(there, call)));
                for call in there.iter().chain(&wanted) {
                    if let Err(fault) = self.walk(walk, call, bare, id) {
                        let numbers = faults.entry(fault).or_default();
                        if !numbers.contains(&dialled.as_str()) {
                            numbers.push(dialled);
                        }
                    }
                }
            }
        }
        let all = self.ways.len();
        let told = faults.into_iter().map(|(fault, numbers)| match numbers.len() {
            count if count == all => fault,
            _ => EmergencyProblem {
                what: format!("{}: {}", numbers.join(", "), fault.what),
                ..fault
            },
        });
        told.collect()
    }

    fn walk(&self, walk: &Walk, call: &Call, bare: &str, id: &str) -> Result<(), EmergencyProblem> {
        let problem = |what: String, advice: &str| EmergencyProblem { what, advice: advice.into() };
        let user = |user: &str| self.there.find(user).map(|user| user.variables.clone());
        let policy = Policy { now: self.site.now, user: &user, ..Policy::daemon_dead() };
        let story = walk
            .walk(call, &policy, &mut Memory::default())
            .map_err(|error| problem(error.to_string(), "look at that pattern in your dialplan"))?;
        if let Err(fault) = judge(&story, self.site.settings, bare) {
            let advice = match (&story.end, self.site.settings.routes.is_empty()) {
                (End::NoContext { .. } | End::NoRoute { .. }, true) => {
                    "set `emergency.routes`, or have the context of your own dialplan take the number"
                }
                (End::NoContext { .. }, false) => {
                    "include the dialplan of hotdeskd in FreeSWITCH's (`hotdeskd freeswitch print dialplan`)"
                }
                _ => {
                    "see that nothing stands before hotdeskd's own extensions, and install them anew (`hotdeskd freeswitch install`)"
                }
            };
            return Err(problem(fault.to_string(), advice));
        }
        self.caller_id(&story, call, id)
    }

    /// Whether the call shows the number of the desk, or the site's.
    fn caller_id(&self, story: &Story, call: &Call, id: &str) -> Result<(), EmergencyProblem> {
        let site = self.site.settings.caller_id.as_ref().map(|number| number.as_str());
        let wanted = self.wanted.find(id).and_then(|entry| {
            entry.variables.get("emergency_caller_id_number").map(String::as_str)
        });
        let shown = story.value("effective_caller_id_number").filter(|shown| !shown.is_empty());
        // Without an emergency number of its own the person's, or the phone's name, would be shown.
        let own = call.variables.get("effective_caller_id_number").map(String::as_str);
        let (what, advice) = match (wanted.or(site), shown) {
            (Some(wanted), Some(shown)) if wanted == shown => return Ok(()),
            (Some(wanted), shown) => (
                format!("it shows {} instead of {wanted}", shown.unwrap_or("no caller ID")),
                INSTALL,
            ),
            (None, shown) if shown.is_some() && shown != own => return Ok(()),
            (None, _) => (
                "it shows no number that can be called back: neither the desk nor the site has one"
                    .to_owned(),
                "set `emergency.caller_id`, or the number of the desk (`hotdeskd phones add --emergency-caller-id`)",
            ),
        };
        Err(EmergencyProblem { what, advice: advice.to_owned() })
    }
}

#[cfg(test)]
mod tests;
