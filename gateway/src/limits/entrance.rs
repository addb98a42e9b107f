//! Around every connection: who may have one more, and how long it is served.
//!
//! Owns the order: refuse or count, then time, then serve. Must not know requests.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use pingora_core::apps::{HttpServerApp, ServerApp};
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;

use super::{Crowd, Entry, Late, PACE, Pace, Place, Timed};
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::sites::Sites;

/// An application with an entrance: `A` sees only connections that were let in.
pub struct Entrance<A> {
    app: Arc<A>,
    sites: Arc<ArcSwap<Sites>>,
    metrics: Arc<Metrics>,
    crowd: Arc<Crowd>,
}

/// Whether a connection is served.
enum Admittance {
    /// It is, and counts as long as this lives.
    Counted(Place),
    /// It is, and does not count.
    Exempt,
    /// It is not.
    Refused,
}

impl<A> Entrance<A> {
    /// Puts an entrance before `app`. Each connection sees the limits as they were when it was opened.
    #[must_use]
    pub fn new(app: A, sites: Arc<ArcSwap<Sites>>, metrics: Arc<Metrics>) -> Self {
        Self {
            app: Arc::new(app),
            sites,
            metrics,
            crowd: Arc::default(),
        }
    }

    fn admit(&self, peer: IpAddr, sites: &Sites) -> Admittance {
        // What comes through a proxy comes from many.
        if sites.trusted.trusts(peer) {
            return Admittance::Exempt;
        }
        let most = sites.live.limits.connections_per_address;
        match self.crowd.enter(peer, most) {
            Entry::Free(place) => Admittance::Counted(place),
            Entry::Full => Admittance::Refused,
        }
    }

    fn note(&self, late: Late, peer: IpAddr) {
        match late {
            Late::Head | Late::Body => {
                self.metrics.refused(Refusal::TooSlow.reason());
                tracing::debug!(%peer, ?late, "a client was too slow");
            }
            // Nothing was asked, so nothing is refused.
            Late::Silent => {}
        }
    }
}

#[async_trait]
impl<A> ServerApp for Entrance<A>
where
    A: HttpServerApp + Send + Sync + 'static,
{
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        // Whoever has no address any more has left.
        let peer = peer(&stream)?;
        let sites = self.sites.load_full();
        let limits = sites.live.limits;
        let admittance = self.admit(peer, &sites);
        drop(sites);
        let _place = match admittance {
            Admittance::Counted(place) => Some(place),
            Admittance::Exempt => None,
            Admittance::Refused => {
                self.metrics.refused(Refusal::TooMany.reason());
                tracing::debug!(%peer, "too many connections");
                return None;
            }
        };
        let pace = Arc::new(Pace::new(
            limits.header_timeout,
            limits.requests_per_connection,
        ));
        let timed = Timed::new(stream, Arc::clone(&pace));
        let served = PACE.scope(
            Arc::clone(&pace),
            ServerApp::process_new(&self.app, Box::new(timed), shutdown),
        );
        tokio::select! {
            biased;
            again = served => again,
            // Dropping it closes the connection.
            late = pace.over() => {
                self.note(late, peer);
                None
            }
        }
    }

    async fn cleanup(&self) {
        ServerApp::cleanup(&*self.app).await;
    }
}

fn peer(stream: &Stream) -> Option<IpAddr> {
    let digest = stream.get_socket_digest()?;
    Some(digest.peer_addr()?.as_inet()?.ip().to_canonical())
}
