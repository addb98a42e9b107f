//! One request, in order. This is the table of contents:
//!
//! | phase | what | where |
//! |---|---|---|
//! | [`Gate::begin`] | takes the configuration, once | [`crate::sites`] |
//! | [`Gate::take_in`] | who asks whom for what, in one spelling; strips | [`crate::intake`] |
//! | [`Gate::decide`] | decides; answers other proxies, who only ask | [`crate::admit`], [`crate::authz`] |
//! | [`Gate::tell`] | what the upstream is told, last | [`crate::headers`] |
//! | [`Gate::answered`], [`Gate::mend`] | keeps our cookie ours | [`crate::response`] |
//! | [`Gate::fail`] | answers what failed | [`crate::answer`] |
//! | [`Gate::over`] | one line, one set of counters | [`crate::context`] |
//!
//! What is no more than a head goes through them on the short way, [`crate::shortcut`]; everything else on the long one,
//! [`crate::proxy`]; [`crate::ways`] chooses. Around all of it stands [`crate::door`], around that and every connection
//! [`crate::limits`].

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use pingora_core::protocols::http::ServerSession;
use pingora_error::{Error, ErrorType, Result};
use pingora_http::ResponseHeader;
use pingora_proxy::FailToProxy;

use crate::admit::Judge;
use crate::context::Context;
use crate::draining::Draining;
use crate::limits::Body;
use crate::redirect::TlsPort;
use crate::refusal::Refusal;
use crate::request_id::RequestIds;
use crate::scheme::Scheme;
use crate::{answer, authz, door, forward, intake, limits, response, websocket};

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

/// What follows for a request that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes to its upstream.
    Upstream,
    /// Nothing: it is answered.
    Answered,
}

impl Gate {
    /// A request begins.
    pub fn begin(&self) -> Context {
        let metrics = &self.judge.metrics;
        let (sites, id, now) = (
            self.judge.current.load(),
            self.request_ids.next(),
            self.judge.clock.read(),
        );
        let nowhere = Arc::clone(metrics.no_site());
        Context::new(sites, id, now, metrics.begin(), nowhere)
    }

    /// While the process is leaving, an answer is the last on its connection. pingora forgets what it was told of
    /// this before it read the head, so it is told in the phases after.
    pub fn say_goodbye(&self, session: &mut ServerSession) {
        if self.draining.is_on() {
            session.set_keepalive(None);
        }
    }

    /// Finds out what is asked.
    ///
    /// # Errors
    /// It is refused.
    pub fn take_in(&self, session: &mut ServerSession, context: &mut Context) -> Result<()> {
        limits::head_is_in(if session.is_body_empty() {
            Body::None
        } else {
            Body::Coming
        });
        self.say_goodbye(session);
        intake::take_in(session, context, &self.judge.metrics, self.tls)
            .or_else(|refusal| refuse(context, refusal))
    }

    /// Decides.
    ///
    /// # Errors
    /// It is refused.
    pub async fn decide(&self, session: &mut ServerSession, context: &mut Context) -> Result<Next> {
        if context.question.is_some() {
            let answered = authz::answer(&self.judge, session, context).await;
            return answered
                .map_or_else(|refusal| refuse(context, refusal), |()| Ok(Next::Answered));
        }
        if let Err(refusal) = self.judge.admit(session.req_header(), context).await {
            return refuse(context, refusal);
        }
        forward::check_length(session, context).or_else(|refusal| refuse(context, refusal))?;
        Ok(Next::Upstream)
    }

    /// What the upstream is told in the place of what the client said.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn tell(&self, headers: &mut HeaderMap, context: &mut Context) -> Result<()> {
        forward::tell(headers, context, &self.judge).or_else(|refusal| refuse(context, refusal))
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
        session: &mut ServerSession,
        answer: &mut ResponseHeader,
        context: &mut Context,
    ) -> Result<()> {
        self.say_goodbye(session);
        context.record.status = Some(answer.status.as_u16());
        response::mend(answer, context)
    }

    /// Answers what failed.
    pub async fn fail(
        &self,
        session: &mut ServerSession,
        error: &Error,
        context: &mut Context,
    ) -> FailToProxy {
        answer::fail(session, error, context, &self.judge.metrics).await
    }

    /// A request is over.
    pub fn over(&self, session: &ServerSession, context: &mut Context) {
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
}

/// Ends a phase with a refusal.
///
/// # Errors
/// Always.
pub fn refuse<T>(context: &mut Context, refusal: Refusal) -> Result<T> {
    let error = answer::stop(&refusal);
    context.refusal = Some(refusal);
    Err(error)
}
