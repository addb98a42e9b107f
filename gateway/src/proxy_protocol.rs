//! The PROXY protocol, versions 1 and 2: a load balancer that only passes bytes on says first whose they are.
//!
//! Owns reading that header, to its last byte and no further. Must not know who is believed: it is asked about
//! connections of those only. `https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt`

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use pingora_core::protocols::{SocketDigest, Stream};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What version 2 begins with (section 2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const V2_HEAD: usize = 16;
/// Longest version 2 header: addresses, and what else a balancer may have to say.
const V2_MOST: usize = 4096;

/// What version 1 begins with (section 2.1).
const WORD: &[u8] = b"PROXY ";
/// Shortest version 1 header, `PROXY UNKNOWN` and the end of the line.
const V1_LEAST: usize = 15;
/// Longest version 1 header.
const V1_MOST: usize = 107;

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Somebody's at this address.
    Client(SocketAddr),
    /// The balancer's own, or it does not say.
    Peer,
}

/// Why there is no header.
#[derive(Debug, Error)]
pub enum Fault {
    /// The connection ended, or broke.
    #[error("the connection ended: {0}")]
    Ended(#[from] io::Error),
    /// What came is no header.
    #[error("what came is no PROXY header")]
    Garbage,
}

/// How far a header has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// So many bytes are needed at least.
    More(usize),
    /// It is there, and this long.
    Whole(Source),
    /// It is none.
    Garbage,
}

/// Takes the header from the beginning of a connection, which from then on has the address that it says.
///
/// # Errors
/// There is none.
pub async fn receive(stream: &mut Stream) -> Result<(), Fault> {
    match read(stream).await? {
        Source::Client(address) => {
            let digest = SocketDigest::from_raw_fd(stream.id());
            let known = digest.peer_addr.set(Some(address.into()));
            known.map_err(|_| Fault::Garbage)?;
            stream.set_socket_digest(digest);
        }
        Source::Peer => {}
    }
    Ok(())
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Source, Fault> {
    let mut header = Vec::with_capacity(V1_MOST);
    loop {
        match parse(&header) {
            Progress::More(bytes) => {
                let have = header.len();
                header.resize(have + bytes, 0);
                let rest = header.get_mut(have..).unwrap_or_default();
                stream.read_exact(rest).await?;
            }
            Progress::Whole(source) => return Ok(source),
            Progress::Garbage => return Err(Fault::Garbage),
        }
    }
}

/// Reads what there is of a header. Never asks for more bytes than a header that begins so must have.
fn parse(bytes: &[u8]) -> Progress {
    let begins = |mark: &[u8]| {
        let both = bytes.len().min(mark.len());
        bytes.get(..both) == mark.get(..both)
    };
    if begins(WORD) {
        parse_v1(bytes)
    } else if begins(SIGNATURE) {
        parse_v2(bytes)
    } else {
        Progress::Garbage
    }
}

fn parse_v1(bytes: &[u8]) -> Progress {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n");
    let Some(end) = end else {
        return match bytes.len() {
            have if have < V1_LEAST => Progress::More(V1_LEAST - have),
            V1_MOST.. => Progress::Garbage,
            _ => Progress::More(1),
        };
    };
    let line = bytes.get(..end).map(std::str::from_utf8);
    match (line, bytes.len() == end + 2) {
        (Some(Ok(line)), true) => v1_source(line).map_or(Progress::Garbage, Progress::Whole),
        _ => Progress::Garbage,
    }
}

fn v1_source(line: &str) -> Option<Source> {
    let mut words = line.strip_prefix("PROXY ")?.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        // What follows is to be ignored.
        return Some(Source::Peer);
    }
    let (source, target): (IpAddr, IpAddr) =
        (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (source_port, _) = (port(words.next()?)?, port(words.next()?)?);
    let named = match family {
        "TCP4" => source.is_ipv4() && target.is_ipv4(),
        "TCP6" => source.is_ipv6() && target.is_ipv6(),
        _ => false,
    };
    let whole = named && words.next().is_none();
    whole.then_some(Source::Client(SocketAddr::new(source, source_port)))
}

fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn parse_v2(bytes: &[u8]) -> Progress {
    let Some((head, rest)) = bytes.split_at_checked(V2_HEAD) else {
        return Progress::More(V2_HEAD - bytes.len());
    };
    let [.., command, family, high, low] = head else {
        return Progress::Garbage;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if V2_HEAD + length > V2_MOST {
        return Progress::Garbage;
    }
    match length.checked_sub(rest.len()) {
        None => return Progress::Garbage,
        Some(0) => {}
        Some(missing) => return Progress::More(missing),
    }
    let source = match (command, family) {
        (0x20, _) | (0x21, 0x00 | 0x31 | 0x32) => Some(Source::Peer),
        (0x21, 0x11) => v2_four(rest),
        (0x21, 0x21) => v2_six(rest),
        // Datagrams cannot come over TCP; what is left is not assigned.
        _ => None,
    };
    source.map_or(Progress::Garbage, Progress::Whole)
}

/// Source and target, then their ports; what is behind that says nothing about whose it is.
fn v2_four(rest: &[u8]) -> Option<Source> {
    let address: [u8; 4] = rest.get(..4)?.try_into().ok()?;
    let port: [u8; 2] = rest.get(8..10)?.try_into().ok()?;
    rest.get(10..12)?;
    Some(client(Ipv4Addr::from(address).into(), port))
}

fn v2_six(rest: &[u8]) -> Option<Source> {
    let address: [u8; 16] = rest.get(..16)?.try_into().ok()?;
    let port: [u8; 2] = rest.get(32..34)?.try_into().ok()?;
    rest.get(34..36)?;
    Some(client(Ipv6Addr::from(address).into(), port))
}

fn client(address: IpAddr, port: [u8; 2]) -> Source {
    Source::Client(SocketAddr::new(address, u16::from_be_bytes(port)))
}

#[cfg(test)]
mod tests;
