//! `http` or `https`: how the person's browser reached us.
//!
//! Owns the two words and their default ports.

/// The scheme of a request as the browser sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// TLS, here or at a trusted proxy.
    Https,
}

impl Scheme {
    /// As written in an address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that is not written.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// Reads the scheme of an address, in any case. Nothing else is one of ours.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.eq_ignore_ascii_case(b"http") {
            Some(Self::Http)
        } else if text.eq_ignore_ascii_case(b"https") {
            Some(Self::Https)
        } else {
            None
        }
    }
}
