//! What is spoken to a server, and whom it has to prove to be.
//!
//! Owns how a peer is made for pingora. A peer for TLS always has a name: pingora checks no certificate without one.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorward_config::{Protocol, WebServer};
use pingora_core::protocols::tls::CaType;
use pingora_core::upstreams::peer::{ALPN, HttpPeer};

use super::Timeouts;
use super::first_word::FirstWord;
use crate::websocket::Asked;

/// Idle connections are given up before the file origin gives them up (after two minutes).
pub(super) const IDLE: Duration = Duration::from_mins(1);

/// Requests at once on one HTTP/2 connection; the upstream may allow fewer.
const STREAMS: usize = 100;

/// Keeps connections for WebSockets apart from the others of their group.
const WEBSOCKETS: u64 = 1;

/// The next group. Groups are even, so that one and its [`WEBSOCKETS`] are pairs; zero is that of sockets.
static GROUPS: AtomicU64 = AtomicU64::new(2);

/// How one server is spoken to.
pub(super) struct Way {
    protocol: Protocol,
    /// The name in the URL: for SNI, and what the certificate has to say.
    name: String,
    /// Who may have signed the certificate; `None` is whom the system trusts.
    authorities: Option<Arc<CaType>>,
    /// pingora's pools do not look at authorities and protocols, so no two ways share connections.
    group: u64,
    /// As it is written.
    server: WebServer,
}

impl Way {
    pub(super) fn new(server: &WebServer, authorities: Option<Arc<CaType>>) -> Self {
        Self {
            protocol: server.protocol,
            name: server.host.clone(),
            authorities,
            group: GROUPS.fetch_add(2, Ordering::Relaxed),
            server: server.clone(),
        }
    }

    /// The peer at one of the server's addresses.
    pub(super) fn peer(&self, address: SocketAddr, timeouts: Timeouts) -> HttpPeer {
        let mut peer = match self.protocol {
            Protocol::Http | Protocol::H2c => HttpPeer::new(address, false, String::new()),
            Protocol::Https => HttpPeer::new(address, true, self.name.clone()),
        };
        peer.group_key = self.group;
        peer.options.max_h2_streams = STREAMS;
        peer.options.alpn = match (timeouts.websocket, self.protocol) {
            // A WebSocket begins as HTTP/1.1, whatever else the upstream would rather speak.
            (Asked::WebSocket, _) | (Asked::No, Protocol::Http) => ALPN::H1,
            (Asked::No, Protocol::Https) => ALPN::H2H1,
            (Asked::No, Protocol::H2c) => ALPN::H2,
        };
        peer.options.ca.clone_from(&self.authorities);
        furnish(&mut peer, timeouts);
        peer
    }

    /// Whether it is HTTP/1.1 in the clear.
    pub(super) fn is_plain(&self) -> bool {
        self.protocol == Protocol::Http
    }

    /// Host and port, as requests name them: the port only where it is not the usual one.
    pub(super) fn authority(&self) -> String {
        let usual = match self.protocol {
            Protocol::Http | Protocol::H2c => 80,
            Protocol::Https => 443,
        };
        let WebServer { host, port, .. } = &self.server;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        if *port == usual {
            host
        } else {
            format!("{host}:{port}")
        }
    }

    /// The scheme that requests over HTTP/2 name.
    pub(super) fn scheme(&self) -> &'static str {
        match self.protocol {
            Protocol::Http | Protocol::H2c => "http",
            Protocol::Https => "https",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Way({self}, group {})", self.group)
    }
}

/// What every peer has.
pub(super) fn furnish(peer: &mut HttpPeer, timeouts: Timeouts) {
    peer.options.connection_timeout = Some(timeouts.connect);
    peer.options.total_connection_timeout = Some(timeouts.connect);
    peer.options.read_timeout = timeouts.silence;
    peer.options.write_timeout = timeouts.silence;
    peer.options.idle_timeout = Some(IDLE);
    if timeouts.websocket == Asked::WebSocket {
        // A pool of its own: connections made otherwise lose a first word now and then.
        peer.group_key |= WEBSOCKETS;
        peer.options.custom_l4 = Some(Arc::new(FirstWord {
            limit: timeouts.connect,
        }));
    }
}

#[cfg(test)]
mod tests {
    use pingora_core::upstreams::peer::Peer;

    use super::*;

    fn server(protocol: Protocol, host: &str) -> WebServer {
        WebServer {
            protocol,
            host: host.to_owned(),
            port: 443,
        }
    }

    fn timeouts(websocket: Asked) -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(1),
            silence: None,
            websocket,
        }
    }

    #[test]
    fn a_certificate_is_always_checked_against_the_name_in_the_url() {
        for host in ["app.test", "127.0.0.1", "::1"] {
            let way = Way::new(&server(Protocol::Https, host), None);
            for websocket in [Asked::No, Asked::WebSocket] {
                let peer = way.peer(([127, 0, 0, 1], 1).into(), timeouts(websocket));
                assert!(peer.is_tls() && peer.verify_cert() && peer.verify_hostname());
                assert_eq!(peer.sni(), host);
                assert_eq!(peer.alternative_cn(), None);
            }
        }
        let plain = Way::new(&server(Protocol::H2c, "app.test"), None);
        let peer = plain.peer(([127, 0, 0, 1], 1).into(), timeouts(Asked::No));
        assert!(!peer.is_tls());
    }

    #[test]
    fn what_is_offered() {
        for (protocol, websocket, alpn) in [
            (Protocol::Http, Asked::No, ALPN::H1),
            (Protocol::Https, Asked::No, ALPN::H2H1),
            (Protocol::H2c, Asked::No, ALPN::H2),
            (Protocol::Http, Asked::WebSocket, ALPN::H1),
            (Protocol::Https, Asked::WebSocket, ALPN::H1),
            (Protocol::H2c, Asked::WebSocket, ALPN::H1),
        ] {
            let way = Way::new(&server(protocol, "app.test"), None);
            let peer = way.peer(([127, 0, 0, 1], 1).into(), timeouts(websocket));
            assert_eq!(peer.options.alpn, alpn, "{protocol:?} {websocket:?}");
        }
    }

    #[test]
    fn no_two_ways_share_connections() {
        let address = ([127, 0, 0, 1], 1).into();
        let ways = [
            Protocol::Http,
            Protocol::H2c,
            Protocol::Https,
            Protocol::Https,
        ]
        .map(|protocol| Way::new(&server(protocol, "app.test"), None));
        let mut hashes: Vec<u64> = ways
            .iter()
            .flat_map(|way| {
                [Asked::No, Asked::WebSocket]
                    .map(|websocket| way.peer(address, timeouts(websocket)).reuse_hash())
            })
            .collect();
        let again = ways
            .first()
            .map(|way| way.peer(address, timeouts(Asked::No)));
        assert_eq!(again.map(|peer| peer.reuse_hash()), hashes.first().copied());
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 8);
    }

    #[test]
    fn the_authority_leaves_the_usual_port_out() {
        for (protocol, host, port, authority) in [
            (Protocol::Https, "app.test", 443, "app.test"),
            (Protocol::Https, "app.test", 80, "app.test:80"),
            (Protocol::Http, "::1", 80, "[::1]"),
            (Protocol::H2c, "10.0.0.1", 443, "10.0.0.1:443"),
        ] {
            let server = WebServer {
                port,
                ..server(protocol, host)
            };
            assert_eq!(Way::new(&server, None).authority(), authority);
        }
    }
}
