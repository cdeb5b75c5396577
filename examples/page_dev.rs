//! dev only
use hotdeskd::desk::{self, Desk};
use hotdeskd::http::{
    self, Limits,
    admin::{Ask, InProcess, Method, Outside},
};
use hotdeskd::provisioning::{Provisioning, Site, settings::ProvisioningSettings};
use hotdeskd::store::Store;
use serde_json::json;
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt::init();
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(
        dir.path(),
        <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700),
    )
    .unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    let desk = Desk::new(store, desk::Settings::default());
    let site = Site {
        domain: "office.test".parse().unwrap(),
        url: "http://127.0.0.1:8085".into(),
        settings: ProvisioningSettings::default(),
        codes: Default::default(),
        emergency: vec![],
        free_numbers: vec![],
    };
    let p = Provisioning::new(desk, site, dir.path().to_owned());
    let api = InProcess::new(p.clone(), Outside::default());
    let names = [
        "Ada Lovelace",
        "Grace Hopper",
        "Alan Turing",
        "Katherine Johnson",
        "Edsger Dijkstra",
        "Barbara Liskov",
        "Donald Knuth",
        "Radia Perlman",
        "Ken Thompson",
        "Margaret Hamilton",
        "Tim Berners-Lee",
        "Hedy Lamarr",
        "Claude Shannon",
        "Frances Allen",
        "John Backus",
    ];
    let put = async |m: Method, path: String, b: serde_json::Value| {
        let (s, t) = api.ask(Ask::new(m, &path).with(b)).await.unwrap();
        if s >= 300 {
            panic!("{path} {s} {}", String::from_utf8_lossy(&t));
        }
    };
    for (i, n) in names.iter().enumerate() {
        put(
            Method::PUT,
            format!("/users/{}", 1001 + i),
            json!({"name": n, "teams": [(["sales","support","reception"][i % 3])]}),
        )
        .await;
    }
    let n: usize = std::env::args().nth(1).map_or(40, |n| n.parse().unwrap());
    for i in 0..n {
        let (v, m) = [
            ("snom", "D785"),
            ("yealink", "T54W"),
            ("grandstream", "GXP2170"),
            ("polycom", "VVX 500"),
        ][i % 4];
        put(Method::PUT, format!("/phones/0004132a{i:04x}"), json!({"label": format!("Desk {}", i + 1), "vendor": v, "model": m, "emergency": {"location": format!("Vienna, floor {}", i / 10 + 1)}, "tags": ["open-plan"]})).await;
    }
    for i in 0..11 {
        put(
            Method::POST,
            "/sessions".into(),
            json!({"phone": format!("0004132a{:04x}", i * 3), "user": (1001 + i).to_string()}),
        )
        .await;
    }
    let router = hotdeskd::http::page::router(api, p).unwrap();
    let l = tokio::net::TcpListener::bind("127.0.0.1:18777").await.unwrap();
    eprintln!("ready");
    http::serve(l, router, Limits::default(), Default::default()).await;
}
