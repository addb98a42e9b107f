//! What is known about one request, phase by phase.
//!
//! Owns the record of it: written once, in `logging` or, when the connection is cut, when the context goes.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use doorward_identity::session::SessionKey;
use doorward_identity::{AccountId, Reading};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method};
use pingora_core::protocols::http::ServerSession;
use pingora_http::RequestHeader;

use crate::admit::Admission;
use crate::authz::Question;
use crate::client::Client;
use crate::host::Host;
use crate::metrics::{Decision, InFlight, SiteMetrics};
use crate::record::{AccessRecord, text};
use crate::refusal::Refusal;
use crate::request_id::RequestId;
use crate::session_cache::Entry;
use crate::sites::{Site, Sites};
use crate::upstream::Attempts;
use crate::websocket;

/// The status that is logged when the client left before one went out (nginx's).
const CLIENT_LEFT: u16 = 499;

/// One request.
pub struct Context {
    /// The configuration it sees from its beginning to its end.
    pub sites: Arc<Sites>,
    /// Its name.
    pub request_id: RequestId,
    /// Who asks for what, once that is known.
    pub visit: Option<Visit>,
    /// What another proxy asks, if one does; the visit is then the one that it asks about.
    pub question: Option<Question>,
    /// What the browser is told about https, if it came by that.
    pub hsts: Option<HeaderValue>,
    /// The right to be forwarded, once that is given.
    pub admission: Option<Admission>,
    /// Whoever is signed in, let in or not.
    pub known: Option<Arc<Entry>>,
    /// Why it is not, or its answer not.
    pub refusal: Option<Refusal>,
    /// When the clocks were last looked at. Every wait before an upstream is asked ends with such a look.
    pub looked: Reading,
    /// Bytes of the body that came.
    pub body: u64,
    /// What was tried to reach the upstream.
    pub attempts: Attempts,
    /// When the upstream was asked.
    pub asked_upstream: Option<Instant>,
    /// What will be logged.
    pub record: Record,
    _in_flight: InFlight,
}

/// Who asks for what.
pub struct Visit {
    /// The client.
    pub client: Client<'static>,
    /// The host that the site was found by.
    pub host: Host<'static>,
    /// What is asked for.
    pub place: Place,
    /// Whether it asks to become a WebSocket.
    pub websocket: websocket::Asked,
}

/// What is asked for.
#[derive(Clone)]
pub enum Place {
    /// Something of a site, under its rules.
    Site(Arc<Site>),
    /// A certificate authority's question to a site, which anybody may ask (RFC 8555).
    AcmeChallenge(Arc<Site>),
    /// A built-in page.
    Portal,
}

/// The access line in the making.
pub struct Record {
    began: Reading,
    metrics: Arc<SiteMetrics>,
    site: Option<Arc<str>>,
    method: Method,
    host: Option<HeaderValue>,
    path: AsSent,
    user_agent: Option<HeaderValue>,
    client: std::net::IpAddr,
    /// Whose request it is.
    pub user: Option<(AccountId, SessionKey)>,
    /// What the rules said.
    pub decision: Option<Decision>,
    /// The status that went out.
    pub status: Option<u16>,
    bytes: u64,
    written: bool,
}

/// A target, before it is brought to its canonical form. Nothing is copied of the usual ones.
enum AsSent {
    Usual(PathAndQuery),
    Other(Box<[u8]>),
}

impl AsSent {
    fn of(request: &RequestHeader) -> Self {
        let raw = request.raw_path();
        match request.uri.path_and_query() {
            Some(target) if target.as_str().as_bytes() == raw => Self::Usual(target.clone()),
            Some(_) | None => Self::Other(raw.into()),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Usual(target) => Cow::Borrowed(target.as_str()),
            Self::Other(raw) => String::from_utf8_lossy(raw),
        }
    }
}

impl Context {
    /// A request that has just begun.
    #[must_use]
    pub fn new(
        sites: Arc<Sites>,
        request_id: RequestId,
        began: Reading,
        in_flight: InFlight,
        metrics: Arc<SiteMetrics>,
    ) -> Self {
        Self {
            sites,
            request_id,
            visit: None,
            question: None,
            hsts: None,
            admission: None,
            known: None,
            refusal: None,
            looked: began,
            body: 0,
            attempts: Attempts::default(),
            asked_upstream: None,
            record: Record::new(began, metrics),
            _in_flight: in_flight,
        }
    }

    /// When it began.
    #[must_use]
    pub fn began(&self) -> Reading {
        self.record.began
    }

    /// Looks at the clocks.
    pub fn look(&mut self) -> Reading {
        self.looked = self.began().go_on();
        self.looked
    }

    /// Writes the access line and counts the request, once. Says when that was.
    pub fn finish(&mut self, session: &ServerSession) -> Reading {
        self.record.bytes = u64::try_from(session.body_bytes_sent()).unwrap_or(u64::MAX);
        if let Some(response) = session.response_written() {
            self.record.status = Some(response.status.as_u16());
        }
        let ended = self.began().go_on();
        self.record.write(&self.request_id, ended);
        ended
    }
}

impl Drop for Context {
    /// A request that was cut off has not been through `logging`.
    fn drop(&mut self) {
        if !self.record.written {
            let ended = self.began().go_on();
            self.record.write(&self.request_id, ended);
        }
    }
}

impl Record {
    fn new(began: Reading, metrics: Arc<SiteMetrics>) -> Self {
        Self {
            began,
            metrics,
            site: None,
            method: Method::GET,
            host: None,
            path: AsSent::Other(Box::default()),
            user_agent: None,
            client: std::net::Ipv4Addr::UNSPECIFIED.into(),
            user: None,
            decision: None,
            status: None,
            bytes: 0,
            written: false,
        }
    }

    /// Notes what the client sent, before any of it is judged.
    pub fn arrived(&mut self, session: &ServerSession, client: std::net::IpAddr) {
        let request = session.req_header();
        self.method = request.method.clone();
        self.client = client;
        self.path = AsSent::of(request);
        self.host = request.headers.get(http::header::HOST).cloned();
        self.user_agent = request.headers.get(http::header::USER_AGENT).cloned();
    }

    /// Notes what another proxy asks about, in the place of how it asks.
    pub fn asks_about(&mut self, request: &RequestHeader, host: &str) {
        self.method = request.method.clone();
        self.path = AsSent::of(request);
        self.host = HeaderValue::from_str(host).ok();
    }

    /// Notes which site it belongs to.
    pub fn belongs_to(&mut self, name: Arc<str>, metrics: Arc<SiteMetrics>) {
        self.site = Some(name);
        self.metrics = metrics;
    }

    /// The counters of its site.
    #[must_use]
    pub fn metrics(&self) -> &SiteMetrics {
        &self.metrics
    }

    fn write(&mut self, request_id: &str, ended: Reading) {
        if std::mem::replace(&mut self.written, true) {
            return;
        }
        let status = self.status.unwrap_or(CLIENT_LEFT);
        let began = self.began.instant;
        let duration = ended.instant.saturating_duration_since(began);
        self.metrics.request(&self.method, status, duration);
        let bytes = |value| Option::as_ref(value).map_or(&[][..], HeaderValue::as_bytes);
        let line = AccessRecord {
            began: self.began.now,
            ended: ended.now,
            request_id,
            client: self.client,
            method: self.method.as_str(),
            host: &text(bytes(&self.host)),
            site: self.site.as_deref().unwrap_or_default(),
            path: &self.path.text(),
            status,
            duration,
            bytes: self.bytes,
            user: self.user.map(|(account, _)| account),
            session: self.user.as_ref().map(|(_, key)| key),
            decision: self.decision,
            user_agent: bytes(&self.user_agent),
        };
        line.write();
    }
}
