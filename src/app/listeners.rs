//! Where phones come: HTTP, HTTPS, SIP PnP.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::watch::Running;
use crate::config::{Config, Listener};
use crate::http::peer::{CommonName, ProxyHeader};
use crate::http::tls::{Tls, TlsListener, TlsSettings};
use crate::http::{self, Limits};
use crate::provisioning::settings::CommonNameForm;
use crate::provisioning::{Provisioning, pnp};

/// Listens for phones, as the configuration says.
///
/// # Errors
/// An address cannot be listened at, or the certificate cannot be used.
pub(super) async fn phones(
    config: &Config,
    provisioning: &Provisioning,
    running: &Running,
    parts: &mut JoinSet<()>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    // Each with a router of its own: it counts refusals.
    if let Some(listener) = &config.phones.0 {
        let tcp = bind("phones", listener.address).await?;
        let limits = limits(config, listener)?;
        let router = http::phones::router(provisioning.clone());
        parts.spawn(http::serve(tcp, router, limits, shutdown.clone()));
        running.listens("phones", listener.address);
    }
    if let (Some(listener), Some(settings)) = (&config.phones_tls.0, tls_settings(config)) {
        let tls = Tls::load(settings).context("provisioning.tls")?;
        let tcp = bind("phones_tls", listener.address).await?;
        let limits = limits(config, listener)?;
        let router = http::phones::router(provisioning.clone());
        parts.spawn(http::serve(TlsListener { tcp, tls }, router, limits, shutdown.clone()));
        running.listens("phones_tls", listener.address);
    }
    if config.pnp.enabled {
        let (room, stop) = (provisioning.clone(), shutdown.clone());
        let direct = pnp_listener(config)?;
        parts.spawn(pnp::serve(room, config.pnp.settings(), direct, stop));
    }
    Ok(())
}

/// What a listener for phones lets in: a thousand phones that boot at once, many of them behind one
/// address.
fn limits(config: &Config, listener: &Listener) -> anyhow::Result<Limits> {
    let tls = &config.provisioning.tls;
    let proxy = tls.proxy.as_ref().map(|proxy| {
        let header = proxy.header.parse().context("provisioning.tls.proxy.header")?;
        let networks = proxy.networks.clone();
        Ok::<_, anyhow::Error>(ProxyHeader { header, networks, common_name: common_name(config) })
    });
    Ok(Limits {
        allow: listener.allow.clone(),
        connections: 4_096,
        from_one: Some(1_024),
        proxy: proxy.transpose()?,
        ..Limits::default()
    })
}

/// The certificates of a configuration, where it has them.
pub fn tls_settings(config: &Config) -> Option<TlsSettings> {
    let tls = &config.provisioning.tls;
    Some(TlsSettings {
        certificate: tls.certificate.clone()?,
        key: tls.key.clone()?,
        client_roots: tls.client_authorities.clone(),
        expired_client_certificates: tls.expired_client_certificates,
        common_name: common_name(config),
    })
}

fn common_name(config: &Config) -> CommonName {
    match config.provisioning.tls.common_name {
        CommonNameForm::Mac => CommonName::Mac,
        CommonNameForm::Word => CommonName::Word,
    }
}

/// The socket at which phones ask us alone, where the configuration has one.
fn pnp_listener(config: &Config) -> anyhow::Result<Option<pnp::Direct>> {
    let Some(Listener { address, allow }) = &config.pnp.listen else { return Ok(None) };
    let direct = pnp::Direct::bind(*address, allow.clone()).with_context(|| {
        format!("cannot listen at {address} (pnp.listen, UDP); has FreeSWITCH this port there?")
    })?;
    Ok(Some(direct))
}

/// Listens at an address of the table `[listen]`.
pub(super) async fn bind(name: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen at {address} (listen.{name}); is something else there?")
    })
}
