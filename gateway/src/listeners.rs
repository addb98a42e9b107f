//! The public addresses: their sockets, and what stands behind each.
//!
//! Owns which of them speak TLS. Two services and not one, because whether a connection is encrypted must not be
//! guessed from where it came in.

use std::sync::Arc;

use doorward_config::Boot;
use pingora_core::services::listening::Service;

use crate::banner::Public;
use crate::limits::{Entrance, Hall, Transport};
use crate::redirect::TlsPort;
use crate::scheme::Scheme;
use crate::sockets::Bound;
use crate::tls::{self, Reread};
use crate::upgrade::Taken;
use crate::ways::Ways;

/// The service behind one kind of address.
pub type Serving = Service<Entrance<Ways>>;

/// The bound sockets.
pub struct Listeners {
    plain: Vec<Bound>,
    tls: Vec<Bound>,
}

impl Listeners {
    /// Binds them all, but for those that the process before gave away.
    ///
    /// # Errors
    /// An address cannot be had.
    pub fn bind(boot: &Boot, mut before: Option<&mut Taken>) -> anyhow::Result<Self> {
        let mut bind = |addresses: &[std::net::SocketAddr]| {
            addresses
                .iter()
                .map(|address| Bound::bind(*address, before.as_deref_mut()))
                .collect::<anyhow::Result<Vec<_>>>()
        };
        Ok(Self {
            plain: bind(&boot.listen)?,
            tls: bind(&boot.listen_tls)?,
        })
    }

    /// Where browsers should come in: by https if there is any. `None` if there is nothing at all.
    #[must_use]
    pub fn public(&self) -> Option<Public> {
        let first = |bound: &[Bound], scheme| {
            let address = bound.first()?.address();
            Some(Public { scheme, address })
        };
        first(&self.tls, Scheme::Https).or_else(|| first(&self.plain, Scheme::Http))
    }

    /// Where plain http may be sent.
    #[must_use]
    pub fn tls_port(&self) -> Option<TlsPort> {
        let first = self.tls.first()?;
        Some(TlsPort(first.address().port()))
    }

    /// The services behind them: one, or two if there is https. Each has a proxy, and with it connections to
    /// upstreams, of its own: what it reads and writes is driven by its own threads, and a request whose upstream's connection is
    /// driven by another's costs half as much again.
    ///
    /// # Errors
    /// The cryptography cannot be had.
    pub fn serve(
        &self,
        ways: impl Fn(Scheme) -> Arc<Ways>,
        hall: &Arc<Hall>,
        certificates: &Reread,
    ) -> anyhow::Result<Vec<Serving>> {
        let service = |name: &str, transport, sockets: &[Bound]| {
            let listener = match &transport {
                Transport::Plain => Scheme::Http,
                Transport::Tls(_) => Scheme::Https,
            };
            let entrance = Entrance::new(ways(listener), Arc::clone(hall), transport);
            let mut service = Service::new(name.to_owned(), entrance);
            for socket in sockets {
                service.add_tcp(&socket.word());
            }
            service
        };
        let mut services = Vec::new();
        if !self.plain.is_empty() {
            services.push(service("gate", Transport::Plain, &self.plain));
        }
        if !self.tls.is_empty() {
            let acceptor = tls::acceptor(certificates.certificates())?;
            services.push(service("gate-tls", Transport::Tls(acceptor), &self.tls));
        }
        Ok(services)
    }

    /// The sockets themselves.
    pub fn into_sockets(self) -> impl Iterator<Item = Bound> {
        self.plain.into_iter().chain(self.tls)
    }
}
