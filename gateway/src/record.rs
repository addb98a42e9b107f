//! The access line: one for each request, whatever became of it.
//!
//! Owns its fields and their bounds. Must not know how any of it was found out. No query, cookie or token is ever
//! among them; what the client chose is bounded here and escaped by the log's format.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use doorward_identity::AccountId;
use doorward_identity::session::{SessionKey, ShortKey};
use jiff::Timestamp;

use crate::client;
use crate::logging::{self, Fields, Plain, name};
use crate::metrics::{Decision, Label};
use crate::moment::Moment;

/// The longest method that is written, in bytes.
const METHOD: usize = 32;
/// The longest host that is written, in bytes: what DNS allows (RFC 1035) and a port.
const HOST: usize = 261;
/// The longest path that is written, in bytes.
const PATH: usize = 1024;
/// The longest `User-Agent` that is written, in bytes.
const USER_AGENT: usize = 256;

/// What is written about one request.
#[derive(Debug, Clone, Copy)]
pub struct AccessRecord<'a> {
    /// When its head had arrived.
    pub began: Timestamp,
    /// When the answer had gone out.
    pub ended: Timestamp,
    /// The id that error pages show too.
    pub request_id: &'a str,
    /// Who asked, proxies that are trusted looked through.
    pub client: IpAddr,
    /// The method as it was sent.
    pub method: &'a str,
    /// The host as it was asked for.
    pub host: &'a str,
    /// The site that it belongs to; empty if to none.
    pub site: &'a str,
    /// The path; a query, should there be one, is not written.
    pub path: &'a str,
    /// The status that went out; 499 if the client left before any did.
    pub status: u16,
    /// From the head to the end of the answer.
    pub duration: Duration,
    /// Bytes of the answer's body that went out.
    pub bytes: u64,
    /// Whose request it was.
    pub user: Option<AccountId>,
    /// By which session: the beginning of its key, which opens nothing.
    pub session: Option<&'a SessionKey>,
    /// What the rules said, if they were asked.
    pub decision: Option<Decision>,
    /// The `User-Agent`, any bytes; empty if there was none.
    pub user_agent: &'a [u8],
}

impl AccessRecord<'_> {
    /// Writes the line.
    pub fn write(&self) {
        logging::access(self);
    }

    /// Says what there is to say, in the order of the line.
    pub(crate) fn tell(&self, to: &mut impl Fields) {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let user_agent = self.user_agent.get(..USER_AGENT).unwrap_or(self.user_agent);
        to.word(name!("started"), &Moment(self.began));
        to.text(name!("request_id"), self.request_id);
        to.text(name!("client"), &client::written(self.client));
        to.text(name!("method"), bounded(self.method, METHOD));
        to.text(name!("host"), bounded(self.host, HOST));
        to.text(name!("site"), self.site);
        to.text(name!("path"), bounded(path, PATH));
        to.number(name!("status"), &u64::from(self.status));
        to.number(name!("duration_ms"), &Milliseconds(self.duration));
        to.number(name!("bytes"), &self.bytes);
        if let Some(user) = self.user {
            to.text(name!("user"), user.text(&mut [0; AccountId::LENGTH]));
        }
        if let Some(session) = self.session {
            to.text(
                name!("session"),
                session.short().text(&mut [0; ShortKey::LENGTH]),
            );
        }
        if let Some(decision) = self.decision {
            to.text(name!("decision"), decision.as_str());
        }
        to.text(name!("user_agent"), &text(user_agent));
    }
}

/// `1.5`: to the microsecond, with one digit after the point at least.
struct Milliseconds(Duration);

impl Plain for Milliseconds {
    fn write(&self, to: &mut impl Write) -> fmt::Result {
        let micros = (self.0 + Duration::from_nanos(500)).as_micros();
        let whole = u64::try_from(micros / 1000).unwrap_or(u64::MAX);
        let rest = u64::try_from(micros % 1000).unwrap_or(0);
        whole.write(to)?;
        // A thousand more has all the digits of the fraction, behind its own.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(rest + 1000).get(1..).unwrap_or_default();
        let trimmed = digits.trim_end_matches('0');
        to.write_char('.')?;
        to.write_str(if trimmed.is_empty() { "0" } else { trimmed })
    }
}

impl Plain for Moment {
    fn write(&self, to: &mut impl Write) -> fmt::Result {
        Moment::write(*self, to)
    }
}

/// Any bytes as text; nearly always they are, which is found out sooner than where they are not.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// As much of `text` as fits into `bytes`, cut between characters.
fn bounded(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(bounded("abc", 8), "abc");
        assert_eq!(bounded("abc", 2), "ab");
        assert_eq!(bounded("aé", 2), "a");
        assert_eq!(bounded("", 2), "");
    }

    #[test]
    fn milliseconds_are_those_of_a_float() {
        for (nanos, text) in [
            (0, "0.0"),
            (499, "0.0"),
            (500, "0.001"),
            (1_000, "0.001"),
            (10_000, "0.01"),
            (100_000, "0.1"),
            (1_500_000, "1.5"),
            (2_000_000, "2.0"),
            (29_072_000, "29.072"),
            (3_600_000_000_000, "3600000.0"),
        ] {
            let mut shown = String::new();
            Milliseconds(Duration::from_nanos(nanos))
                .write(&mut shown)
                .unwrap();
            assert_eq!(shown, text);
        }
    }
}
