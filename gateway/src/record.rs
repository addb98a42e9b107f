//! The access line: one for each request, whatever became of it.
//!
//! Owns its fields and their bounds. Must not know how any of it was found out. No query, cookie or token is ever
//! among them; what the client chose is bounded here and escaped by the log's format.

use std::net::IpAddr;
use std::time::Duration;

use doorward_identity::AccountId;
use doorward_identity::session::SessionKey;
use jiff::Timestamp;

use crate::metrics::{Decision, Label};

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
    pub time: Timestamp,
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
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let user_agent = self.user_agent.get(..USER_AGENT).unwrap_or(self.user_agent);
        tracing::info!(
            target: "access",
            started = %format_args!("{:.6}", self.time),
            request_id = self.request_id,
            client = %self.client,
            method = bounded(self.method, METHOD),
            host = bounded(self.host, HOST),
            site = self.site,
            path = bounded(path, PATH),
            status = self.status,
            duration_ms = (self.duration.as_secs_f64() * 1e6).round() / 1e3,
            bytes = self.bytes,
            user = self.user.map(tracing::field::display),
            session = self.session.map(|key| tracing::field::display(key.short())),
            decision = self.decision.map(Decision::as_str),
            user_agent = &*String::from_utf8_lossy(user_agent),
        );
    }
}

/// As much of `text` as fits into `bytes`, cut between characters.
fn bounded(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(bounded("abc", 8), "abc");
        assert_eq!(bounded("abc", 2), "ab");
        assert_eq!(bounded("aé", 2), "a");
        assert_eq!(bounded("", 2), "");
    }
}
