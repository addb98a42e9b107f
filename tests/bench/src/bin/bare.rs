//! The library that the gateway is built on, and nothing else: every request goes to one upstream. What the gateway
//! costs more than this is what it does itself.
//!
//!     bare PORT TLS_PORT UPSTREAM CHAIN KEY

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use mimalloc::MiMalloc;
use pingora_core::listeners::tls::TlsSettings;
use pingora_core::prelude::*;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long an upstream connection waits for its next request, as the gateway's do.
const IDLE: Duration = Duration::from_mins(1);

struct Bare(SocketAddr);

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        let mut peer = HttpPeer::new(self.0, false, String::new());
        peer.options.connection_timeout = Some(Duration::from_secs(5));
        peer.options.total_connection_timeout = Some(Duration::from_secs(5));
        peer.options.read_timeout = Some(Duration::from_mins(1));
        peer.options.write_timeout = Some(Duration::from_mins(1));
        peer.options.idle_timeout = Some(IDLE);
        Ok(Box::new(peer))
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, tls_port, upstream, chain, key] = arguments.as_slice() else {
        return Err(anyhow!("usage: bare PORT TLS_PORT UPSTREAM CHAIN KEY"));
    };
    let conf = ServerConf {
        threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        // It ends when it is told to.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let upstream = upstream
        .parse()
        .context("UPSTREAM is not an address and a port")?;
    let mut service = http_proxy_service(&server.configuration, Bare(upstream));
    service.add_tcp(&format!("127.0.0.1:{port}"));
    let mut tls = TlsSettings::intermediate(chain, key)?;
    tls.enable_h2();
    service.add_tls_with_settings(&format!("127.0.0.1:{tls_port}"), None, tls);
    server.add_service(service);
    server.run_forever()
}
