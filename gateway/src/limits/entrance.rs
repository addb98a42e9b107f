//! Around every connection: who may have one more, and how long it is served.
//!
//! Owns the order: who it is, refuse or count, shake hands, then time, then serve. Must not know requests.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use doorward_config::Limits;
use pingora_core::apps::ServerApp;
use pingora_core::listeners::tls::Acceptor;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::{ALPN, Stream};
use pingora_core::server::ShutdownWatch;
use tokio::time::timeout;

use super::frames::Frames;
use super::multiplex::{Multiplex, Over};
use super::resets::Budget;
use super::streams::Streams;
use super::{Crowd, Entry, Late, PACE, Pace, Place, Serve, Tempo, Timed, Unwatched};
use crate::current::Current;
use crate::door;
use crate::draining::Draining;
use crate::metrics::Metrics;
use crate::proxy_protocol::{self, Fault};
use crate::refusal::Refusal;
use crate::sites::Sites;

/// How long a TLS handshake may take, from the connection on; and what comes before it.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// What every entrance of the house shares.
pub struct Hall {
    /// The configuration as it is now.
    pub current: Arc<Current>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether this process is leaving.
    pub draining: Arc<Draining>,
    /// Who is connected.
    pub crowd: Arc<Crowd>,
}

/// What is spoken below HTTP.
pub enum Transport {
    /// Nothing.
    Plain,
    /// TLS.
    Tls(Acceptor),
}

/// An application with an entrance: `A` sees only connections that were let in.
pub struct Entrance<A> {
    app: Arc<A>,
    hall: Arc<Hall>,
    transport: Transport,
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
    pub fn new(app: Arc<A>, hall: Arc<Hall>, transport: Transport) -> Self {
        Self {
            app,
            hall,
            transport,
        }
    }

    /// Encrypts what needs to be.
    async fn shake_hands(&self, stream: Stream, peer: IpAddr) -> Option<Stream> {
        let Transport::Tls(acceptor) = &self.transport else {
            return Some(stream);
        };
        let handshake = acceptor.tls_handshake(Timed::new(stream, Unwatched));
        match timeout(HANDSHAKE, handshake).await {
            Ok(Ok(stream)) => Some(Box::new(stream)),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                self.hall.note(Late::Head, peer);
                None
            }
        }
    }
}

impl Hall {
    /// Who is at the other end; `None` when that cannot be said. A load balancer says it first thing.
    async fn identify(&self, stream: &mut Stream, sites: &Sites) -> Option<IpAddr> {
        // Whoever has no address any more has left.
        let peer = peer(stream)?;
        if !sites.balancers.trusts(peer) {
            return Some(peer);
        }
        match timeout(HANDSHAKE, proxy_protocol::receive(stream)).await {
            Ok(Ok(())) => self::peer(stream),
            // Balancers look whether somebody listens, and say nothing.
            Ok(Err(error @ Fault::Ended(_))) => {
                tracing::debug!(%peer, %error, "a connection ended before its PROXY header");
                None
            }
            Ok(Err(error @ Fault::Garbage)) => {
                self.metrics.refused(Refusal::Malformed("").reason());
                tracing::warn!(%peer, %error, "a connection does not begin with a PROXY header");
                None
            }
            Err(_) => {
                self.note(Late::Head, peer);
                None
            }
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

impl<A> Entrance<A>
where
    A: Serve,
{
    /// One request after the other.
    async fn serve_one_by_one(
        &self,
        stream: Stream,
        peer: IpAddr,
        limits: Limits,
        shutdown: &ShutdownWatch,
    ) {
        let pace = Arc::new(Pace::new(limits.header_timeout));
        let timed = Timed::new(stream, Arc::clone(&pace));
        let requests = self.requests(Box::new(timed), &pace, limits, shutdown);
        let served = door::around(PACE.scope(Tempo::Connection(Arc::clone(&pace)), requests));
        tokio::select! {
            biased;
            _ = served => if pace.is_unread() {
                self.hall.metrics.refused(Refusal::Malformed("").reason());
                tracing::debug!(%peer, "what came is no request");
            },
            // Dropping it closes the connection.
            late = pace.over() => self.hall.note(late, peer),
        }
    }

    /// As pingora serves them, but that it is known where the next one begins.
    async fn requests(
        &self,
        mut stream: Stream,
        pace: &Pace,
        limits: Limits,
        shutdown: &ShutdownWatch,
    ) {
        // How often the connection is used *again*.
        for again in (0..limits.requests_per_connection).rev() {
            let mut session = Box::new(ServerSession::new_http1(stream));
            // For as long as `pace` says.
            session.set_keepalive(Some(0));
            session.set_keepalive_reuses_remaining(Some(again));
            match self.app.serve(session, shutdown).await {
                Some(open) => stream = open,
                None => return,
            }
            pace.next();
        }
    }

    /// Many requests at once.
    async fn serve_together(
        &self,
        stream: Stream,
        peer: IpAddr,
        limits: Limits,
        resets: Option<Budget>,
    ) {
        let _counted = self.hall.draining.count_shared();
        let multiplex = Arc::new(Multiplex::new(
            limits.header_timeout,
            limits.requests_per_connection,
        ));
        let frames = Frames::new(limits.header_timeout, Arc::clone(&multiplex), resets);
        let timed = Timed::new(stream, frames);
        let streams = Arc::new(Streams {
            app: Arc::clone(&self.app),
            multiplex: Arc::clone(&multiplex),
            metrics: Arc::clone(&self.hall.metrics),
            limits,
        });
        let goodbye = multiplex.goodbye();
        let served = ServerApp::process_new(&streams, Box::new(timed), &goodbye);
        tokio::pin!(served);
        loop {
            let over = tokio::select! {
                biased;
                _ = &mut served => return,
                () = self.hall.draining.begun(), if !multiplex.said_goodbye() => {
                    multiplex.say_goodbye();
                    continue;
                }
                over = multiplex.over() => over,
            };
            match over {
                // It may be about to ask something; told first, it knows that nobody has heard it.
                Over::Idle if !multiplex.said_goodbye() => multiplex.say_goodbye(),
                Over::Idle => return,
                Over::TooMany => {
                    self.hall.metrics.refused(Refusal::TooMany.reason());
                    return;
                }
                Over::Late(late) => {
                    self.hall.note(late, peer);
                    return;
                }
            }
        }
    }
}

#[async_trait]
impl<A> ServerApp for Entrance<A>
where
    A: Serve,
{
    async fn process_new(
        self: &Arc<Self>,
        mut stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let _counted = self.hall.draining.count();
        let sites = self.hall.current.load();
        let peer = self.hall.identify(&mut stream, &sites).await?;
        let limits = sites.live.limits;
        let admittance = self.hall.admit(peer, &sites);
        drop(sites);
        let (_place, resets) = match admittance {
            Admittance::Counted(place) => (Some(place), Some(self.hall.crowd.resets(peer))),
            Admittance::Exempt => (None, None),
            Admittance::Refused => {
                self.hall.metrics.refused(Refusal::TooMany.reason());
                tracing::debug!(%peer, "too many connections");
                return None;
            }
        };
        let stream = self.shake_hands(stream, peer).await?;
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            self.serve_together(stream, peer, limits, resets).await;
            return None;
        }
        self.serve_one_by_one(stream, peer, limits, shutdown).await;
        None
    }
}

fn peer(stream: &Stream) -> Option<IpAddr> {
    let digest = stream.get_socket_digest()?;
    Some(digest.peer_addr()?.as_inet()?.ip().to_canonical())
}
