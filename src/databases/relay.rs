//! A connection that can be cut from outside.
//!
//! The Firebird client blocks, makes its connection itself, and waits for ever. So it connects to a socket of
//! ours, and a task carries the bytes to the server and back; with the task the connection ends, and the client's
//! thread with it. The password does not pass here in the clear: that is between client and server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The way to a server; it ends with this.
pub(crate) struct Relay {
    /// Where the client connects, once.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Relay {
    /// Connects to the server, and waits for one client.
    pub(crate) async fn to(host: &str, port: u16) -> io::Result<Self> {
        let server = TcpStream::connect((host, port)).await?;
        server.set_nodelay(true)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let Ok((client, _)) = listener.accept().await else { return };
            drop(listener);
            let _ = client.set_nodelay(true);
            let (mut client, mut server) = (client, server);
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
        Ok(Self { address, task })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}
