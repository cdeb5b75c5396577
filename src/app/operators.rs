//! Where operators and their programs come: the page, the API, the metrics.

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::listeners::bind;
use super::watch::Running;
use crate::config::Config;
use crate::http::access::Access;
use crate::http::admin::InProcess;
use crate::http::peer::ProxyHeader;
use crate::http::tls::{Tls, TlsListener, TlsSettings};
use crate::http::watch::Watched;
use crate::http::{self, Limits};

/// Listens for operators, where the configuration says so; answers who may come.
///
/// # Errors
/// The address cannot be listened at, or the certificate cannot be used.
pub(super) async fn operators(
    config: &Config,
    seen: Watched,
    running: &Running,
    parts: &mut JoinSet<()>,
    shutdown: &CancellationToken,
) -> anyhow::Result<Access> {
    let settings = config.operators.access();
    let (provisioning, outside) = seen.parts();
    let store = provisioning.desk().store().clone();
    let access =
        Access::new(settings, store, shutdown.clone()).context("the operators' sign-in")?;
    let Some(listener) = &config.admin.0 else { return Ok(access) };
    let api = InProcess::new(provisioning.clone(), outside.clone());
    let page = http::page::router(api, provisioning.clone(), access.clone()).context("the page")?;
    let scrapers = config.operators.settings.metrics_allow.clone();
    let beside = vec![page, http::watch::listener(seen, scrapers)];
    let router = http::admin::listener(provisioning, outside, &access, beside);
    let tcp = bind("admin", listener.address).await?;
    running.listens("admin", listener.address);
    let limits = Limits {
        allow: listener.allow.clone(),
        // A browser has six, and an office may come from one address.
        from_one: Some(256),
        proxy: proxy(config)?,
        ..Limits::default()
    };
    match admin_tls_settings(config) {
        None => parts.spawn(http::serve(tcp, router, limits, shutdown.clone())),
        Some(settings) => {
            let tls = Tls::load(settings).context("admin.tls")?;
            parts.spawn(http::serve(TlsListener { tcp, tls }, router, limits, shutdown.clone()))
        }
    };
    Ok(access)
}

/// The proxies that are believed from where their clients come.
fn proxy(config: &Config) -> anyhow::Result<Option<ProxyHeader>> {
    let networks = config.operators.settings.proxies.clone();
    if networks.is_empty() {
        return Ok(None);
    }
    // Certificates of clients mean nothing here.
    let header = "x-client-certificate".parse()?;
    Ok(Some(ProxyHeader { header, networks, common_name: Default::default() }))
}

/// The certificate of this listener, where it has one.
pub fn admin_tls_settings(config: &Config) -> Option<TlsSettings> {
    let tls = &config.operators.settings.tls;
    Some(TlsSettings {
        certificate: tls.certificate.clone()?,
        key: tls.key.clone()?,
        client_roots: Vec::new(),
        expired_client_certificates: false,
        common_name: Default::default(),
    })
}
