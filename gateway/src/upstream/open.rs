//! Opening upstreams, and finding those that are open already.
//!
//! What is configured alike is opened once, so a reload keeps connections, health and sockets of whatever it does not
//! change. Nothing is held here: an upstream ends with the last configuration, and the last request, that uses it.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use anyhow::Context;
use doorward_config::{HealthCheck, Site, WebServer};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

use super::check::Asker;
use super::dialer::Dialer;
use super::files::FileOrigin;
use super::pool::Pool;
use super::server::Server;
use super::shelf::Stock;
use super::way::Way;
use super::{Upstream, authorities};

/// What makes two upstreams the same.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    upstream: doorward_config::Upstream,
    /// The certificates themselves: the file may have changed.
    authorities: Option<Vec<CertificateDer<'static>>>,
    health_check: Option<HealthCheck>,
    /// Device and inode of a folder: another one may have taken its name.
    folder: Option<(u64, u64)>,
}

/// Opens upstreams: follows names, checks health, serves folders on sockets of their own.
pub struct Upstreams {
    folder: PathBuf,
    runtime: tokio::runtime::Handle,
    stop: watch::Receiver<bool>,
    served: AtomicUsize,
    asker: OnceLock<Arc<Asker>>,
    dialer: Arc<Dialer>,
    stock: Arc<Stock>,
    /// Locked while a configuration is compiled, never by a request.
    open: Mutex<HashMap<Key, Weak<Upstream>>>,
}

impl Upstreams {
    /// Sockets go into `folder`; what runs beside the requests runs on `runtime`, until `stop` says true.
    #[must_use]
    pub fn new(
        folder: &Path,
        runtime: tokio::runtime::Handle,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            runtime,
            stop,
            served: AtomicUsize::new(0),
            asker: OnceLock::new(),
            dialer: Arc::default(),
            stock: Arc::default(),
            open: Mutex::default(),
        }
    }

    /// Opens a site's upstream, or finds it open.
    ///
    /// # Errors
    /// A folder or the authorities' file cannot be opened, or no socket can be made.
    pub fn open(&self, site: &Site) -> anyhow::Result<Arc<Upstream>> {
        let key = key(site)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, upstream| upstream.strong_count() > 0);
        if let Some(upstream) = open.get(&key).and_then(Weak::upgrade) {
            return Ok(upstream);
        }
        let upstream = Arc::new(self.make(&key)?);
        open.insert(key, Arc::downgrade(&upstream));
        Ok(upstream)
    }

    fn make(&self, key: &Key) -> anyhow::Result<Upstream> {
        Ok(match &key.upstream {
            doorward_config::Upstream::Web(servers) => Upstream::Web(self.pool(servers, key)),
            doorward_config::Upstream::Unix(path) => Upstream::Socket(path.clone()),
            doorward_config::Upstream::Files(folder) => {
                let number = self.served.fetch_add(1, Ordering::Relaxed) + 1;
                let socket = self.folder.join(format!("files-{number}.sock"));
                let stop = self.stop.clone();
                Upstream::Files(FileOrigin::serve(folder, socket, &self.runtime, stop)?)
            }
            doorward_config::Upstream::None => Upstream::Nothing,
        })
    }

    fn pool(&self, servers: &[WebServer], key: &Key) -> Pool {
        let authorities = key.authorities.as_deref().map(authorities::wrap);
        let servers = servers
            .iter()
            .map(|server| {
                let way = Way::new(server, authorities.clone());
                Server::new(server, way, Arc::clone(&self.stock))
            })
            .collect();
        let check = key.health_check.clone().map(|check| {
            let asker = self.asker.get_or_init(|| Arc::new(Asker::new()));
            (check, Arc::clone(asker))
        });
        let dialer = Arc::clone(&self.dialer);
        Pool::open(servers, check.as_ref(), dialer, &self.runtime)
    }
}

fn key(site: &Site) -> anyhow::Result<Key> {
    let folder = match &site.upstream {
        doorward_config::Upstream::Files(folder) => {
            let metadata = std::fs::metadata(folder)
                .with_context(|| format!("the folder {} cannot be served", folder.display()))?;
            Some((metadata.dev(), metadata.ino()))
        }
        doorward_config::Upstream::Web(_)
        | doorward_config::Upstream::Unix(_)
        | doorward_config::Upstream::None => None,
    };
    let authorities = site.upstream_ca.as_deref().map(|file| {
        let found = doorward_config::authorities(file);
        found.with_context(|| format!("the authorities in {}", file.display()))
    });
    Ok(Key {
        upstream: site.upstream.clone(),
        authorities: authorities.transpose()?,
        health_check: site.health_check.clone(),
        folder,
    })
}

#[cfg(test)]
mod tests;
