//! The directory on FreeSWITCH's own disk, and `reloadxml`.

use hotdeskd::model::{DirectoryRules, UnusableHash};
use hotdeskd::simulator::BracketAnswer;
use hotdeskd::standing::disk::Folder;
use hotdeskd::switch::{ReloadError, StandingFiles};

use super::*;

#[tokio::test]
async fn a_reload_is_judged_by_its_brackets() {
    let (freeswitch, address) = freeswitch().await;
    let office = Office::open(&[address]).await;
    let name = address.to_string();
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    let reloaded = office.switch.reload_xml().await.remove(0);
    assert_eq!(reloaded.0, name);
    assert!(reloaded.1.is_ok());
    freeswitch.set_reload_answer(BracketAnswer::CannotOpen);
    let reason = "Cannot Open log directory or XML Root!".to_owned();
    assert_eq!(
        office.switch.reload_xml().await,
        [(name.clone(), Err(ReloadError::Failed { reason }))]
    );
    freeswitch.stop().await;
    until("gone", || office.switch.status().nodes[0].connected.is_none()).await;
    assert_eq!(office.switch.reload_xml().await, [(name, Err(ReloadError::NotConnected))]);
}

/// Keeps the standing files of an office in a folder of their own.
fn keep_files(office: &Office) -> std::path::PathBuf {
    let folder = office.folder.path().join("standing");
    std::fs::create_dir(&folder).unwrap();
    let files = StandingFiles {
        folder: Folder::new(&folder, None),
        rules: DirectoryRules {
            domain: "hotdesk.test".parse().unwrap(),
            context: "default".into(),
            unusable: UnusableHash::new([7; 16]),
        },
        queues: hotdeskd::model::CallCenterRules {
            domain: "hotdesk.test".parse().unwrap(),
            settings: Default::default(),
            teams: Default::default(),
        },
        gather: Duration::from_millis(10),
        retry: Duration::from_millis(100),
    };
    let switch = office.switch.clone();
    tokio::spawn(async move { switch.keep_files(files, CancellationToken::new()).await });
    folder.join("directory")
}

fn reloads(freeswitch: &FreeSwitch) -> usize {
    freeswitch.api_log().iter().filter(|line| line.contains("reloadxml")).count()
}

#[tokio::test]
async fn a_node_that_is_away_does_not_make_the_others_reload_again_and_again() {
    let (one, first) = freeswitch().await;
    let (two, second) = freeswitch().await;
    two.stop().await;
    let office = Office::open(&[first, second]).await;
    until("connected", || office.switch.status().nodes[0].connected.is_some()).await;
    keep_files(&office);
    until("the one that is there has read them", || reloads(&one) > 0).await;
    sleep(Duration::from_millis(500)).await;
    let two = FreeSwitch::start(simulated(), TcpListener::bind(second).await.unwrap());
    until("the other one has read them", || reloads(&two) > 0).await;
    assert_eq!((reloads(&one), reloads(&two)), (1, 1));
}

#[tokio::test]
async fn files_that_could_not_be_written_are_written_later() {
    let office = Office::open(&[]).await;
    let blocked = office.folder.path().join("standing/directory");
    let directory = keep_files(&office);
    until("they are written", || directory.is_dir()).await;
    std::fs::rename(&directory, directory.with_extension("away")).unwrap();
    std::fs::write(&blocked, "in the way").unwrap();
    office.login(ONE, "1001").await;
    sleep(Duration::from_millis(1500)).await;
    std::fs::remove_file(&blocked).unwrap();
    let text = || std::fs::read_to_string(directory.join("hotdeskd_0000.xml")).unwrap_or_default();
    until("they are written", || text().contains("name=\"hotdesk_user\" value=\"1001\"")).await;
}
