//! One request, in order. This is the table of contents:
//!
//! | phase | what | where |
//! |---|---|---|
//! | `new_ctx` | takes the configuration, once | [`crate::sites`] |
//! | `early_request_filter` | who asks whom for what, in one spelling; strips | [`crate::intake`] |
//! | `request_filter` | decides; answers other proxies, who only ask | [`crate::admit`], [`crate::authz`] |
//! | | what is no more than a head goes the short way: the phases below but in one | [`crate::shortcut`] |
//! | `request_body_filter` | counts | [`crate::forward`] |
//! | `upstream_peer` | a peer from an admission | [`crate::upstream`] |
//! | `fail_to_connect` | another peer, while nothing was sent | [`crate::forward`] |
//! | `upstream_request_filter` | sets what the upstream is told, last | [`crate::headers`] |
//! | `response_filter` | keeps our cookie ours | [`crate::response`] |
//! | `fail_to_proxy` | answers what failed | [`crate::answer`] |
//! | `logging` | one line, one set of counters | [`crate::context`] |
//!
//! Around all of it stands [`crate::door`], around that and every connection [`crate::limits`].

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::Digest;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::{Error, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

use crate::admit::Judge;
use crate::context::Context;
use crate::draining::Draining;
use crate::limits::Body;
use crate::redirect::TlsPort;
use crate::refusal::Refusal;
use crate::request_id::RequestIds;
use crate::scheme::Scheme;
use crate::shortcut::{self, Way};
use crate::{answer, authz, door, forward, headers, intake, limits, response, websocket};

/// The gate: everything that the phases need.
pub struct Gate {
    /// Decides.
    pub judge: Arc<Judge>,
    /// Names requests.
    pub request_ids: RequestIds,
    /// Whether this process is leaving.
    pub draining: Arc<Draining>,
    /// Where https is served, if it is.
    pub tls: Option<TlsPort>,
    /// What its connections are made to.
    pub listener: Scheme,
}

impl Gate {
    /// While the process is leaving, an answer is the last on its connection. pingora forgets what it was told of
    /// this before it read the head, so it is told in the phases after.
    fn say_goodbye(&self, session: &mut Session) {
        if self.draining.is_on() {
            session.set_keepalive(None);
        }
    }

    /// What the upstream is told in the place of what the client said.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn tell(&self, said: &RequestHeader, context: &mut Context) -> Result<Box<RequestHeader>> {
        let told = headers::copy(said, |headers| forward::tell(headers, context, &self.judge));
        let (request, told) = told?;
        told.or_else(|refusal| refuse(context, refusal))?;
        Ok(Box::new(request))
    }

    /// The upstream answers.
    ///
    /// # Errors
    /// It switches to another protocol, and nobody asked it to.
    pub fn answered(&self, answer: &ResponseHeader, context: &mut Context) -> Result<()> {
        let agrees = answer.status == StatusCode::SWITCHING_PROTOCOLS;
        if answer.status.is_informational() && !agrees {
            return Ok(());
        }
        let asked = context.visit.as_ref().map(|visit| visit.websocket);
        if agrees && asked != Some(websocket::Asked::WebSocket) {
            let error = Error::explain(ErrorType::InvalidHTTPHeader, "101 that nobody asked for");
            return Err(error.into_up());
        }
        door::answered();
        limits::answer_begins();
        context.attempts.reached();
        if agrees {
            limits::body_is_in();
        }
        if let Some(asked) = context.asked_upstream {
            context.record.metrics().upstream(asked.elapsed());
        }
        Ok(())
    }

    /// Makes of an upstream's answer what the client gets.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn mend(
        &self,
        session: &mut Session,
        answer: &mut ResponseHeader,
        context: &mut Context,
    ) -> Result<()> {
        self.say_goodbye(session);
        context.record.status = Some(answer.status.as_u16());
        response::mend(answer, context)
    }
}

/// Ends a phase with a refusal.
fn refuse<T>(context: &mut Context, refusal: Refusal) -> Result<T> {
    let error = answer::stop(&refusal);
    context.refusal = Some(refusal);
    Err(error)
}

#[async_trait]
impl ProxyHttp for Gate {
    /// In a box: pingora hands it from one future to the next.
    type CTX = Box<Context>;

    fn new_ctx(&self) -> Self::CTX {
        let metrics = &self.judge.metrics;
        let (sites, id, now) = (
            self.judge.current.load(),
            self.request_ids.next(),
            self.judge.clock.read(),
        );
        Box::new(Context::new(
            sites,
            id,
            now,
            metrics.begin(),
            Arc::clone(metrics.no_site()),
        ))
    }

    /// None: nothing of ours compresses or counts there.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn early_request_filter(
        &self,
        session: &mut Session,
        context: &mut Self::CTX,
    ) -> Result<()> {
        limits::head_is_in(if session.as_mut().is_body_empty() {
            Body::None
        } else {
            Body::Coming
        });
        self.say_goodbye(session);
        intake::take_in(session, context, &self.judge.metrics, self.tls)
            .or_else(|refusal| refuse(context, refusal))
    }

    async fn request_filter(&self, session: &mut Session, context: &mut Self::CTX) -> Result<bool> {
        if context.question.is_some() {
            let answered = authz::answer(&self.judge, session, context).await;
            return answered.map_or_else(|refusal| refuse(context, refusal), |()| Ok(true));
        }
        if let Err(refusal) = self.judge.admit(session.req_header(), context).await {
            return refuse(context, refusal);
        }
        forward::check_length(session, context).or_else(|refusal| refuse(context, refusal))?;
        Ok(shortcut::take(self, session, context).await? == Way::Short)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        context: &mut Self::CTX,
    ) -> Result<()> {
        limits::body_came(body.as_ref().map_or(0, Bytes::len));
        if end {
            limits::body_is_in();
        }
        forward::count(session, body.as_ref(), context).or_else(|refusal| refuse(context, refusal))
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        context: &mut Self::CTX,
    ) -> Result<Box<HttpPeer>> {
        context.asked_upstream = Some(Instant::now());
        // When it is asked again, what came of the body is sent, and counted, again.
        context.body = 0;
        forward::peer(session, context)
            .await
            .or_else(|refusal| refuse(context, refusal))
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        context: &mut Self::CTX,
        error: Box<Error>,
    ) -> Box<Error> {
        forward::not_connected(context, error)
    }

    async fn connected_to_upstream(
        &self,
        _: &mut Session,
        reused: bool,
        _: &HttpPeer,
        _: RawFd,
        _: Option<&Digest>,
        context: &mut Self::CTX,
    ) -> Result<()> {
        if !reused {
            context.attempts.reached();
        }
        Ok(())
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        context: &mut Self::CTX,
    ) -> Result<()> {
        let told = headers::edit(request, |headers| {
            forward::tell(headers, context, &self.judge)
        });
        told.unwrap_or(Err(Refusal::Internal))
            .or_else(|refusal| refuse(context, refusal))
    }

    async fn upstream_response_filter(
        &self,
        _: &mut Session,
        upstream: &mut ResponseHeader,
        context: &mut Self::CTX,
    ) -> Result<()> {
        self.answered(upstream, context)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        answer: &mut ResponseHeader,
        context: &mut Self::CTX,
    ) -> Result<()> {
        self.mend(session, answer, context)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut Self::CTX,
    ) -> FailToProxy {
        answer::fail(session, error, context, &self.judge.metrics).await
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, context: &mut Self::CTX) {
        door::over();
        let ended = context.finish(session);
        if let Some(person) = context
            .admission
            .as_ref()
            .and_then(|admission| admission.person())
        {
            let lifetimes = context.sites.lifetimes;
            self.judge.cache.used(person, lifetimes, ended.steady);
        }
    }

    /// [`answer::fail`] has said what there is to say, without the query.
    fn suppress_error_log(&self, _: &Session, _: &Self::CTX, _: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _: &Session,
        context: &Self::CTX,
        error: &Error,
        _: ProxyWarnLogContext,
    ) -> bool {
        tracing::debug!(request_id = &*context.request_id, %error, "the upstream is asked again");
        true
    }
}
