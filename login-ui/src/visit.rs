//! One request to a page: who is at the other end and which session their browser carries.
//!
//! Owns what is read from the headers that the gateway sets (and strips when a client sends them), so that no page
//! reads a header itself. Must not know the pages.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use doorward_config::{Live, SignInAt};
use doorward_identity::Client;
use doorward_identity::accounts::Account;
use doorward_identity::flow::FlowToken;
use doorward_identity::session::{Record, SessionKey, Snapshot, Token};
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;

use crate::Ui;
use crate::bearer::{self, Presented};
use crate::cookie::Jar;
use crate::failure::Failure;
use crate::form::Fields;
use crate::notice;
use crate::origin::{Origin, Scheme};
use crate::to::To;

/// A request as the pages see it. Holds one configuration to its end.
pub(crate) struct Visit {
    /// What the pages work with.
    pub(crate) ui: Ui,
    /// The configuration of this request.
    pub(crate) live: Arc<Live>,
    /// How the visitor reached the gateway.
    pub(crate) scheme: Scheme,
    /// The peer.
    pub(crate) client: Client,
    /// The fields in the address.
    pub(crate) query: Fields,
    origin: Option<Origin>,
    token: Option<Token>,
    flow: Option<FlowToken>,
    bearer: Option<String>,
}

/// A session that the store has just confirmed.
pub(crate) struct Session {
    /// Its name.
    pub(crate) key: SessionKey,
    /// What is known of it.
    pub(crate) snapshot: Snapshot,
}

impl Session {
    /// What to call the person: their name, or what they sign in with.
    pub(crate) fn person(&self) -> String {
        let Record { name, user, .. } = &self.snapshot.record;
        if name.is_empty() {
            user.clone()
        } else {
            name.clone()
        }
    }
}

impl Visit {
    /// The session of this browser, asked of the store.
    ///
    /// # Errors
    /// The store is away: then nobody is signed in *or* out.
    pub(crate) async fn session(&self) -> Result<Option<Session>, Failure> {
        let Some(key) = self.carried() else {
            return Ok(None);
        };
        let found = self
            .ui
            .identity
            .sessions
            .find(&key, self.live.session.idle)
            .await?;
        let counts = found.filter(|found| found.record.counts_on(self.host()));
        Ok(counts.map(|snapshot| Session { key, snapshot }))
    }

    /// The session and whose it is. An account that is gone or disabled has none, whatever the session says.
    ///
    /// # Errors
    /// A store is away.
    pub(crate) async fn person(&self) -> Result<Option<(Session, Account)>, Failure> {
        let Some(session) = self.session().await? else {
            return Ok(None);
        };
        let account = self
            .ui
            .identity
            .accounts
            .find(session.snapshot.record.account)
            .await?;
        Ok(account
            .filter(|account| account.enabled)
            .map(|account| (session, account)))
    }

    /// The name of the session whose token the browser carries, whether or not there still is one.
    pub(crate) fn carried(&self) -> Option<SessionKey> {
        self.token.as_ref().map(Token::key)
    }

    /// What leads from the step before to this one, whether or not that still holds.
    pub(crate) fn flow(&self) -> Option<&FlowToken> {
        self.flow.as_ref()
    }

    /// The token in `Authorization`, whether or not it is good.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }

    /// The origin that tokens are given out by and for: the portal's own, or the one that the visitor is on.
    pub(crate) fn issuer(&self) -> Option<String> {
        let url = match &self.live.portal.url {
            Some(url) => Some(url),
            None => self.origin.as_ref().map(Origin::url),
        };
        url.map(|url| url.origin().ascii_serialization())
    }

    /// The origin that the visitor is on, if it could be told.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The host of that, as sites name it.
    pub(crate) fn host(&self) -> &str {
        self.origin.as_ref().map_or("", Origin::host)
    }

    /// Where people on this host sign in.
    pub(crate) fn sign_in_at(&self) -> SignInAt {
        self.live.sign_in_at(self.host())
    }

    /// Judges a `to` that came with this request.
    pub(crate) fn to(&self, raw: &str) -> To {
        match self.sign_in_at() {
            SignInAt::Portal => To::parse_on_portal(raw, self.origin.as_ref(), &self.live),
            SignInAt::Here | SignInAt::Elsewhere => {
                To::parse(raw, self.origin.as_ref(), &self.live.portal.path)
            }
        }
    }

    /// A field of the form that was sent or, where the form has none of that name, of the address that it was sent to:
    /// whoever follows a way without reading the page sends there what was typed, and no more.
    pub(crate) fn told<'a>(&'a self, fields: &'a Fields, name: &str) -> &'a str {
        if fields.has(name) {
            fields.get(name)
        } else {
            self.query.get(name)
        }
    }

    /// Judges where a form says that its sender wants to go.
    pub(crate) fn to_of(&self, fields: &Fields) -> To {
        self.to(self.told(fields, "to"))
    }

    /// Where a link, or the answer to a link, leads.
    pub(crate) fn way(&self, to: &To) -> String {
        to.way(&self.live.portal.path)
    }

    /// Where the answer to a form leads.
    pub(crate) fn way_after_form(&self, to: &To) -> String {
        to.way_after_form(&self.live.portal.path)
    }

    /// The address of a portal page.
    pub(crate) fn portal(&self, page: &str) -> String {
        format!("{}/{page}", self.live.portal.path)
    }
}

impl FromRequestParts<Ui> for Visit {
    type Rejection = Failure;

    /// Fails if a header is missing that the gateway always sets: then it was not the gateway.
    async fn from_request_parts(parts: &mut Parts, ui: &Ui) -> Result<Self, Failure> {
        let headers = &parts.headers;
        let (Some(scheme), Some(address)) = (Scheme::of(headers), address(headers)) else {
            tracing::error!("a request did not come through the gateway");
            return Err(Failure::Broken);
        };
        let device = headers.get(USER_AGENT).map_or_else(String::new, |agent| {
            String::from_utf8_lossy(agent.as_bytes()).into_owned()
        });
        Ok(Self {
            ui: ui.clone(),
            live: (ui.live)(),
            scheme,
            client: Client::new(address, &device, &notice::request_id(headers)),
            // A query that contradicts itself says nothing.
            query: Fields::of_query(parts.uri.query()).unwrap_or_default(),
            origin: Origin::of(headers, scheme),
            token: Jar::Session.read(headers, scheme).and_then(Token::parse),
            flow: Jar::Flow.read(headers, scheme).and_then(FlowToken::parse),
            bearer: match bearer::find(headers) {
                Presented::Token(token) => Some(token.to_owned()),
                Presented::None | Presented::Malformed => None,
            },
        })
    }
}

fn address(headers: &HeaderMap) -> Option<IpAddr> {
    let mut values = headers.get_all("x-real-ip").iter();
    let address = values.next()?.to_str().ok()?.parse().ok()?;
    values.next().is_none().then_some(address)
}
