//! Who is at the other end: the client's address, scheme and host, through proxies that the
//! operator trusts.
//!
//! Owns what `X-Forwarded-For`, `-Proto` and `-Host` are worth. Must not know what the rules
//! make of an address. Has to be asked before `headers::strip` removes what it reads.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use arrayvec::ArrayString;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use crate::host::{self, Host};
use crate::scheme::Scheme;

/// The peers whose `X-Forwarded-*` count. Nobody by default.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// IPv4 networks in their short form.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether what this canonical address says about others counts.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Whether the other end of the connection is one of the operator's proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// It is, and what it said about the client was believed.
    Trusted,
    /// It is not: it is the client itself.
    Untrusted,
}

/// Whether a proxy that is believed said how the browser reached it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It named the scheme.
    Scheme,
    /// It did not, or nobody was asked.
    Nothing,
}

/// An address in letters: the longest is an IPv4 one in IPv6.
pub type Written = ArrayString<45>;

/// An address as headers and log lines have it; done for each request, and what the standard library does to align a
/// number costs more than the number.
#[must_use]
pub fn written(address: IpAddr) -> Written {
    let mut text = Written::new();
    // It has room for every address.
    let _ = match address {
        IpAddr::V4(address) => write_v4(&mut text, address),
        IpAddr::V6(address) => write!(text, "{address}"),
    };
    text
}

fn write_v4(to: &mut impl Write, address: Ipv4Addr) -> fmt::Result {
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            to.write_char('.')?;
        }
        to.write_str(itoa::Buffer::new().format(octet))?;
    }
    Ok(())
}

/// The other end of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client<'a> {
    /// Where the request comes from, IPv4 in its short form.
    pub address: IpAddr,
    /// How the browser reached the first of us.
    pub scheme: Scheme,
    /// The host the browser asked for, if a trusted proxy says so. It then stands for `Host`
    /// in everything: finding the site, and what the upstream is sent.
    pub forwarded_host: Option<Host<'a>>,
    /// Whether somebody was believed.
    pub peer: Peer,
    /// Whether that is where `scheme` comes from.
    pub said: Said,
    /// Trusted hops between the client and us, the nearest last.
    via: Vec<IpAddr>,
}

impl Client<'_> {
    /// What the upstream is told as `X-Forwarded-For`, if it is more than the address: the client and the hops that
    /// were believed, never what the client itself had written.
    #[must_use]
    pub fn forwarded_for(&self) -> Option<String> {
        if self.via.is_empty() {
            return None;
        }
        let mut text = written(self.address).to_string();
        for hop in &self.via {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {hop}");
        }
        Some(text)
    }
}

impl Client<'_> {
    /// A client that lives on its own.
    #[must_use]
    pub fn into_owned(self) -> Client<'static> {
        Client {
            address: self.address,
            scheme: self.scheme,
            forwarded_host: self.forwarded_host.map(Host::into_owned),
            peer: self.peer,
            said: self.said,
            via: self.via,
        }
    }
}

/// Finds out who is asking: the peer itself, or the right-most hop that is not trusted.
///
/// # Errors
/// A trusted proxy says that the browser asked for something that is no host.
pub fn identify<'a>(
    peer: IpAddr,
    listener: Scheme,
    headers: &'a HeaderMap,
    trusted: &TrustedProxies,
) -> Result<Client<'a>, host::Fault> {
    let peer = peer.to_canonical();
    if !trusted.trusts(peer) {
        return Ok(Client {
            address: peer,
            scheme: listener,
            forwarded_host: None,
            peer: Peer::Untrusted,
            said: Said::Nothing,
            via: Vec::new(),
        });
    }
    let mut address = peer;
    let mut via = Vec::new();
    for entry in from_the_right(headers, "x-forwarded-for") {
        // Nobody vouches for what stands left of an entry that cannot be read.
        let Some(hop) = hop(entry) else { break };
        via.push(address);
        address = hop;
        if !trusted.trusts(hop) {
            break;
        }
    }
    via.reverse();
    let named = nearest(headers, "x-forwarded-proto").and_then(scheme);
    Ok(Client {
        address,
        scheme: named.unwrap_or(listener),
        said: named.map_or(Said::Nothing, |_| Said::Scheme),
        forwarded_host: nearest(headers, "x-forwarded-host")
            .map(Host::parse)
            .transpose()?,
        peer: Peer::Trusted,
        via,
    })
}

/// What the nearest proxy wrote into a list header.
pub(crate) fn nearest<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a [u8]> {
    from_the_right(headers, name).next()
}

/// The entries of a list header, the last first: what the nearest proxy wrote. Several headers
/// of the name are one list (RFC 9110, section 5.3); empty entries do not count.
fn from_the_right<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    let entries = |value: &'a HeaderValue| value.as_bytes().rsplit(|byte| *byte == b',');
    headers
        .get_all(name)
        .iter()
        .rev()
        .flat_map(entries)
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
}

/// An address as proxies write it: plain, with a port, IPv6 with or without brackets.
fn hop(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|address| address.contains(':'))
        .unwrap_or(text);
    let address: Option<IpAddr> = bare.parse().ok();
    address
        .or_else(|| {
            text.parse()
                .ok()
                .map(|with_port: SocketAddr| with_port.ip())
        })
        .map(|address| address.to_canonical())
}

/// Some proxies say `wss` of a WebSocket.
pub(crate) fn scheme(entry: &[u8]) -> Option<Scheme> {
    Scheme::parse(entry).or_else(|| {
        if entry.eq_ignore_ascii_case(b"ws") {
            Some(Scheme::Http)
        } else if entry.eq_ignore_ascii_case(b"wss") {
            Some(Scheme::Https)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests;
