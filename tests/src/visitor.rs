//! A visitor: a browser as far as the gateway can tell. Keeps its cookies, sends exactly what it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::{Answer, Ask, Authority, Pipe, Socket, Together, Wire};

/// The name of the session cookie on plain http.
const COOKIE: &str = "doorward";

/// The name of the session cookie over TLS.
const SECURE_COOKIE: &str = "__Host-doorward";

/// What a visitor speaks over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Somebody who visits the gateway: a cookie jar and an address to talk to.
#[derive(Clone, Debug)]
pub struct Visitor {
    gate: SocketAddr,
    host: String,
    jar: BTreeMap<String, String>,
    secure: Option<(Speech, Arc<ClientConfig>)>,
}

impl Visitor {
    /// A stranger: no cookie yet.
    #[must_use]
    pub fn at(gate: SocketAddr) -> Self {
        Self {
            gate,
            host: gate.to_string(),
            jar: BTreeMap::new(),
            secure: None,
        }
    }

    /// A stranger who comes over TLS, and knows the gateway as `host`.
    #[must_use]
    pub fn secure(gate: SocketAddr, host: &str, authority: &Authority, speech: Speech) -> Self {
        let protocol = match speech {
            Speech::Http1 => "http/1.1",
            Speech::Http2 => "h2",
        };
        Self {
            host: format!("{host}:{}", gate.port()),
            secure: Some((speech, authority.trusted_by(&[protocol]))),
            ..Self::at(gate)
        }
    }

    /// The `scheme://host` that it visits.
    #[must_use]
    pub fn origin(&self) -> String {
        match self.secure {
            None => format!("http://{}", self.host),
            Some(_) => format!("https://{}", self.host),
        }
    }

    fn cookie(&self) -> &'static str {
        match self.secure {
            None => COOKIE,
            Some(_) => SECURE_COOKIE,
        }
    }

    /// The same person (same cookies) asking another gateway.
    #[must_use]
    pub fn also_at(&self, gate: SocketAddr) -> Self {
        Self {
            gate,
            ..self.clone()
        }
    }

    /// The same person asking for another host name.
    #[must_use]
    pub fn on_host(&self, host: &str) -> Self {
        Self {
            host: host.into(),
            ..self.clone()
        }
    }

    /// The value of the session cookie. Panics when there is none.
    #[must_use]
    pub fn token(&self) -> &str {
        self.jar.get(self.cookie()).expect("a session cookie")
    }

    /// Whether the jar holds a session cookie.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.jar.contains_key(self.cookie())
    }

    /// Puts a cookie into the jar.
    pub fn keep(&mut self, name: &str, value: &str) {
        self.jar.insert(name.into(), value.into());
    }

    /// The `Cookie` header of this jar, if there is anything in it.
    #[must_use]
    pub fn cookies(&self) -> Option<String> {
        let pairs = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let line = pairs.collect::<Vec<_>>().join("; ");
        (!line.is_empty()).then_some(line)
    }

    /// The bytes that this visitor sends for a request: with `Host` and `Cookie` unless the request has its own.
    #[must_use]
    pub fn bytes(&self, ask: &Ask) -> Vec<u8> {
        self.complete(ask).bytes()
    }

    /// The request with `Host` and `Cookie` unless it has its own.
    #[must_use]
    pub fn complete(&self, ask: &Ask) -> Ask {
        let mut ask = ask.clone();
        if !ask.has("host") {
            ask = ask.header("Host", &self.host);
        }
        if let (false, Some(cookies)) = (ask.has("cookie"), self.cookies()) {
            ask = ask.header("Cookie", &cookies);
        }
        ask
    }

    /// Sends a request on a connection of its own; `None` when nobody listens or the gateway closed without
    /// an answer.
    pub async fn try_send(&mut self, ask: &Ask) -> Option<Answer> {
        let answer = if let Some((Speech::Http2, _)) = self.secure {
            let together = self.together().await.ok()?;
            together.send(&self.host, &self.complete(ask)).await.ok()?
        } else {
            let mut wire = self.try_wire().await?;
            wire.send(&self.bytes(ask)).await;
            wire.answer_to(ask.method()).await?
        };
        for line in answer.all("set-cookie") {
            self.take(line);
        }
        Some(answer)
    }

    /// Sends a request on a connection of its own and keeps the cookies of the answer.
    pub async fn send(&mut self, ask: &Ask) -> Answer {
        let answer = self.try_send(ask).await;
        answer.unwrap_or_else(|| panic!("closed without an answer to {ask:?}"))
    }

    /// Opens a page as a browser does.
    pub async fn page(&mut self, target: &str) -> Answer {
        self.send(&Ask::page(target)).await
    }

    /// Asks as a script of the page does.
    pub async fn fetch(&mut self, target: &str) -> Answer {
        self.send(&Ask::fetch(target)).await
    }

    /// Asks as curl does.
    pub async fn get(&mut self, target: &str) -> Answer {
        self.send(&Ask::get(target)).await
    }

    /// Sends a form as a browser does.
    pub async fn form(&mut self, target: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(&Ask::form(target, fields)).await
    }

    /// Signs in; panics unless it works.
    pub async fn sign_in(&mut self, login: &str, password: &str) {
        let answer = self.try_sign_in(login, password).await;
        assert_eq!(
            answer.status,
            303,
            "signing in as {login}: {}",
            answer.text()
        );
    }

    /// Sends the sign-in form.
    pub async fn try_sign_in(&mut self, login: &str, password: &str) -> Answer {
        let fields = [("login", login), ("password", password), ("to", "/")];
        self.form("/_auth/login", &fields).await
    }

    /// Signs out; panics unless it works.
    pub async fn sign_out(&mut self) -> Answer {
        let answer = self.form("/_auth/logout", &[]).await;
        assert_eq!(answer.status, 303, "signing out: {}", answer.text());
        answer
    }

    /// Opens a WebSocket; the status when it is refused.
    ///
    /// # Errors
    /// The status of the answer that was not a 101.
    pub async fn websocket(&self, target: &str) -> Result<Socket, u16> {
        self.websocket_from(target, &self.origin()).await
    }

    /// Opens a WebSocket from a page of the given origin.
    ///
    /// # Errors
    /// The status of the answer that was not a 101.
    pub async fn websocket_from(&self, target: &str, origin: &str) -> Result<Socket, u16> {
        self.websocket_by(Ask::get(target).header("Origin", origin))
            .await
    }

    /// Opens a WebSocket with a request of one's own.
    ///
    /// # Errors
    /// The status of the answer that was not a 101.
    pub async fn websocket_by(&self, ask: Ask) -> Result<Socket, u16> {
        Socket::open(self.wire().await, |keys| self.bytes(&keys(ask))).await
    }

    /// As [`Visitor::wire`]; nothing where nobody listens.
    async fn try_wire(&self) -> Option<Wire> {
        match &self.secure {
            None => Wire::try_to(self.gate).await.ok(),
            Some(_) => Some(self.wire().await),
        }
    }

    /// A connection to the gateway, to send on as one likes.
    pub async fn wire(&self) -> Wire {
        match &self.secure {
            None => Wire::to(self.gate).await,
            Some((_, trust)) => Wire::secure(self.gate, &self.host, Arc::clone(trust)).await,
        }
    }

    /// A connection to the gateway for many requests at once.
    ///
    /// # Errors
    /// It does not speak HTTP/2.
    pub async fn together(&self) -> Result<Together, h2::Error> {
        let (pipe, _): (Pipe, _) = self.wire().await.into_parts();
        Together::over(pipe).await
    }

    /// The host that it asks for.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    fn take(&mut self, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts
            .next()
            .and_then(|pair| pair.split_once('='))
            .expect("a cookie");
        let gone = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
        if gone || value.is_empty() {
            self.jar.remove(name);
        } else {
            self.keep(name, value);
        }
    }
}
