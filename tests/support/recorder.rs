//! Stands between FreeSWITCH and the daemon's directory, and keeps every answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use super::install_tls;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use tokio::net::TcpListener;

pub struct Recorder {
    pub address: SocketAddr,
    answers: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    pub async fn start(daemon: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(Vec::new()));
        install_tls();
        let (client, kept) = (reqwest::Client::new(), Arc::clone(&answers));
        let pass = move |headers: HeaderMap, body: Bytes| {
            let mut request = client.post(format!("{daemon}/freeswitch")).body(body);
            for name in [header::AUTHORIZATION, header::CONTENT_TYPE] {
                if let Some(value) = headers.get(&name) {
                    request = request.header(name, value);
                }
            }
            let kept = Arc::clone(&kept);
            async move {
                let Ok(response) = request.send().await else {
                    return (StatusCode::BAD_GATEWAY, String::new());
                };
                let status = response.status();
                let text = response.text().await.unwrap();
                kept.lock().unwrap().push(text.clone());
                (status, text)
            }
        };
        let router = Router::new().fallback(pass);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, answers }
    }

    pub fn answers(&self) -> Vec<String> {
        self.answers.lock().unwrap().clone()
    }
}
