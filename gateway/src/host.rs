//! The host a request is for, in the one spelling that sites are found by.
//!
//! Owns how `Host` and `:authority` are read. Must not know which sites there are.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use http::header::HOST;
use pingora_http::RequestHeader;
use thiserror::Error;

/// Longest name that DNS knows (RFC 1035, section 2.3.4).
const LONGEST: usize = 253;

/// Why a host is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Fault {
    /// None, or an empty one.
    #[error("there is no host")]
    Missing,
    /// More than one, or two that differ.
    #[error("there is more than one host")]
    Several,
    /// User information, blanks or anything else that no host name has.
    #[error("the host is no name and no address")]
    NoName,
    /// A port that is no port.
    #[error("the port is no number from 1 to 65535")]
    Port,
}

impl Fault {
    /// The word for logs: short, and a closed set.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Several => "several",
            Self::NoName => "no_name",
            Self::Port => "port",
        }
    }
}

/// A host: lower case, without the dot at its end, IPv6 in brackets and in its shortest form.
/// Shows as `name` or `name:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host<'a> {
    name: Cow<'a, str>,
    port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads `name`, `name:port` or `[IPv6]:port` (RFC 3986, section 3.2.2).
    ///
    /// # Errors
    /// Why it is no host.
    pub fn parse(raw: &'a [u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(raw).map_err(|_| Fault::NoName)?;
        if text.is_empty() {
            return Err(Fault::Missing);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(Fault::NoName)?;
            let address: Ipv6Addr = address.parse().map_err(|_| Fault::NoName)?;
            return Ok(Self {
                name: Cow::Owned(format!("[{address}]")),
                port: parse_port(port)?,
            });
        }
        let colon = text.find(':').unwrap_or(text.len());
        let (name, port) = text.split_at_checked(colon).ok_or(Fault::NoName)?;
        Ok(Self {
            name: parse_name(name)?,
            port: parse_port(port)?,
        })
    }

    /// The host of a request: its only `Host` header, or its authority (HTTP/2).
    ///
    /// # Errors
    /// There is none, there are several, or it is no host.
    pub fn of(request: &'a RequestHeader) -> Result<Self, Fault> {
        let mut headers = request.headers.get_all(HOST).iter();
        let header = headers.next().map(http::HeaderValue::as_bytes);
        if headers.next().is_some() {
            return Err(Fault::Several);
        }
        let authority = request.uri.authority().map(|a| a.as_str().as_bytes());
        match (authority, header) {
            (None, None) => Err(Fault::Missing),
            (Some(one), None) | (None, Some(one)) => Self::parse(one),
            (Some(one), Some(other)) if one == other => Self::parse(one),
            (Some(_), Some(_)) => Err(Fault::Several),
        }
    }

    /// The name, without port.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, if one was written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether this is how it shows.
    #[must_use]
    pub fn is_spelled(&self, text: &[u8]) -> bool {
        let Some(rest) = text.strip_prefix(self.name.as_bytes()) else {
            return false;
        };
        match self.port {
            None => rest.is_empty(),
            Some(port) => rest
                .strip_prefix(b":")
                .is_some_and(|rest| itoa::Buffer::new().format(port).as_bytes() == rest),
        }
    }

    /// A host that lives on its own.
    #[must_use]
    pub fn into_owned(self) -> Host<'static> {
        Host {
            name: Cow::Owned(self.name.into_owned()),
            port: self.port,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn parse_name(name: &str) -> Result<Cow<'_, str>, Fault> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let wrong = |byte: u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if name.is_empty() || name.len() > LONGEST || name.bytes().any(wrong) {
        return Err(Fault::NoName);
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(Fault::NoName);
    }
    Ok(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    })
}

/// What follows the name: nothing, or `:` and digits.
fn parse_port(rest: &str) -> Result<Option<u16>, Fault> {
    if rest.is_empty() {
        return Ok(None);
    }
    let digits = rest.strip_prefix(':').ok_or(Fault::NoName)?;
    if digits.is_empty() || digits.len() > 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::Port);
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(Fault::Port),
        Ok(port) => Ok(Some(port)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling_for_every_host() {
        for (raw, one) in [
            ("app.test", "app.test"),
            ("ADMIN.TEST", "admin.test"),
            ("admin.test.", "admin.test"),
            ("admin.test:8443", "admin.test:8443"),
            ("Admin.Test.:08443", "admin.test:8443"),
            ("localhost", "localhost"),
            ("under_score.test", "under_score.test"),
            ("xn--caf-dma.test", "xn--caf-dma.test"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]", "[::1]"),
            ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
            ("[2001:DB8::A]", "[2001:db8::a]"),
        ] {
            let host = Host::parse(raw.as_bytes()).unwrap();
            assert_eq!(host.to_string(), one, "{raw}");
        }
    }

    #[test]
    fn what_is_no_host() {
        for (raw, fault) in [
            ("", Fault::Missing),
            (".", Fault::NoName),
            (":80", Fault::NoName),
            ("user@app.test", Fault::NoName),
            ("app.test ", Fault::NoName),
            ("app test", Fault::NoName),
            ("app.test/", Fault::NoName),
            ("app.test..", Fault::NoName),
            (".app.test", Fault::NoName),
            ("app..test", Fault::NoName),
            ("app.test,admin.test", Fault::NoName),
            ("app%2Etest", Fault::NoName),
            ("app\\test", Fault::NoName),
            ("*.test", Fault::NoName),
            ("café.test", Fault::NoName),
            ("a\0b", Fault::NoName),
            ("[::1", Fault::NoName),
            ("[::1]x", Fault::NoName),
            ("[::1%25eth0]", Fault::NoName),
            ("[127.0.0.1]", Fault::NoName),
            ("::1", Fault::NoName),
            ("app.test:", Fault::Port),
            ("app.test:0", Fault::Port),
            ("app.test:65536", Fault::Port),
            ("app.test:+80", Fault::Port),
            ("app.test:80:80", Fault::Port),
            ("app.test:80@evil", Fault::Port),
            ("[::1]:x", Fault::Port),
        ] {
            assert_eq!(Host::parse(raw.as_bytes()), Err(fault), "{raw}");
        }
        assert!(Host::parse("a".repeat(LONGEST).as_bytes()).is_ok());
        assert!(Host::parse("a".repeat(LONGEST + 1).as_bytes()).is_err());
    }

    fn request(hosts: &[&'static str]) -> RequestHeader {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for host in hosts {
            request.append_header("Host", *host).unwrap();
        }
        request
    }

    #[test]
    fn a_request_has_exactly_one() {
        let app = request(&["App.test"]);
        assert_eq!(Host::of(&app).unwrap().name(), "app.test");
        assert_eq!(Host::of(&request(&[])), Err(Fault::Missing));
        assert_eq!(Host::of(&request(&["a", "a"])), Err(Fault::Several));
        assert_eq!(Host::of(&request(&[""])), Err(Fault::Missing));
    }

    #[test]
    fn an_authority_counts_and_must_agree() {
        let with = |hosts: &[&'static str]| {
            let mut request = request(hosts);
            request.set_uri("https://app.test/".parse().unwrap());
            request
        };
        assert_eq!(Host::of(&with(&[])).unwrap().name(), "app.test");
        assert_eq!(Host::of(&with(&["app.test"])).unwrap().name(), "app.test");
        assert_eq!(Host::of(&with(&["admin.test"])), Err(Fault::Several));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(raw: Vec<u8>) {
            let _ = Host::parse(&raw);
        }

        #[test]
        fn the_one_spelling_stays(raw in "\\[?[0-9a-fA-F:.xX_-]{0,20}\\]?(:[0-9]{0,6})?") {
            if let Ok(host) = Host::parse(raw.as_bytes()) {
                let shown = host.to_string();
                prop_assert_eq!(Host::parse(shown.as_bytes()), Ok(host));
            }
        }
    }
}
