//! A wire between a daemon and a server that can be cut, slowed down, or go dead without a word.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the wire does with what the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Carries it.
    Sound,
    /// Ends each connection after so many bytes.
    CutAfter(usize),
    /// Waits before each piece.
    Slow(Duration),
    /// Carries nothing any more, and says nothing of it.
    Dead,
}

pub struct Cut {
    pub address: SocketAddr,
    wire: Arc<Mutex<Wire>>,
    connections: Arc<AtomicUsize>,
}

impl Cut {
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (wire, connections) =
            (Arc::new(Mutex::new(Wire::Sound)), Arc::new(AtomicUsize::new(0)));
        let (shared, count) = (wire.clone(), connections.clone());
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(near, server, shared.clone()));
            }
        });
        Self { address, wire, connections }
    }

    pub fn set(&self, wire: Wire) {
        *self.wire.lock().unwrap() = wire;
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn carry(near: TcpStream, server: SocketAddr, wire: Arc<Mutex<Wire>>) {
    let Ok(far) = TcpStream::connect(server).await else { return };
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let up = async move {
        let _ = tokio::io::copy(&mut near_read, &mut far_write).await;
    };
    let down = async move {
        let (mut buffer, mut carried) = (vec![0; 4096], 0);
        loop {
            let Ok(read @ 1..) = far_read.read(&mut buffer).await else { return };
            let mut piece = &buffer[..read];
            let now = *wire.lock().unwrap();
            match now {
                Wire::Sound => {}
                Wire::CutAfter(most) => piece = &piece[..read.min(most.saturating_sub(carried))],
                Wire::Slow(pause) => tokio::time::sleep(pause).await,
                Wire::Dead => std::future::pending().await,
            }
            carried += read;
            if near_write.write_all(piece).await.is_err() || piece.len() < read {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
