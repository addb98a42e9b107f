//! The listening sockets: bound by ourselves before anything starts, so that an address that is taken is an error
//! message and not a panic, and port 0 is known.
//!
//! Owns binding and handing over to pingora, which looks for sockets under the words they are configured with.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;

use anyhow::Context;
use async_trait::async_trait;
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::{ServiceReadyNotifier, ServiceWithDependents};

use crate::upgrade::Taken;

/// One bound socket.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Takes over the socket of `address` from the process before, or binds it; the unspecified IPv6 address falls
    /// back to IPv4's where the kernel has no IPv6.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn bind(address: SocketAddr, before: Option<&mut Taken>) -> anyhow::Result<Self> {
        let instead = match address.ip() {
            IpAddr::V6(ip) if ip.is_unspecified() => Some(SocketAddr::new(
                Ipv4Addr::UNSPECIFIED.into(),
                address.port(),
            )),
            _ => None,
        };
        let taken =
            before.and_then(|before| before.socket(address).or_else(|| before.socket(instead?)));
        let listener = match taken {
            Some(listener) => listener,
            None => listen(address)
                .or_else(|error| match instead {
                    Some(instead) if error.kind() != io::ErrorKind::AddrInUse => listen(instead),
                    _ => Err(error),
                })
                .with_context(|| format!("cannot listen on {address}"))?,
        };
        let address = listener
            .local_addr()
            .context("a listening socket has no address")?;
        Ok(Self { listener, address })
    }

    /// The same socket once more.
    ///
    /// # Errors
    /// There are too many files open.
    pub fn listener(&self) -> io::Result<TcpListener> {
        self.listener.try_clone()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The word that pingora finds it under.
    #[must_use]
    pub fn word(&self) -> String {
        self.address.to_string()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    // The standard library sets SO_REUSEADDR on Unix, so a restart is not kept waiting by old connections.
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Gives the bound sockets to pingora before the services that listen on them start.
pub struct Sockets(Vec<Bound>);

impl Sockets {
    /// These sockets.
    #[must_use]
    pub fn new(bound: Vec<Bound>) -> Self {
        Self(bound)
    }
}

#[async_trait]
impl ServiceWithDependents for Sockets {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        _: ShutdownWatch,
        _: usize,
        ready: ServiceReadyNotifier,
    ) {
        let bound = std::mem::take(&mut self.0);
        if let Some(fds) = fds {
            let mut fds = fds.lock();
            for socket in bound {
                fds.add(socket.word(), socket.listener.into_raw_fd());
            }
        }
        ready.notify_ready();
    }

    fn name(&self) -> &'static str {
        "sockets"
    }

    fn threads(&self) -> Option<usize> {
        Some(1)
    }

    fn listen_addresses(&self) -> Option<Vec<String>> {
        Some(Vec::new())
    }
}
