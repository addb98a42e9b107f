//! The long way: through pingora's proxy, which can everything that the short one cannot.
//!
//! Owns which of [`Gate`]'s phases each of pingora's is.

use std::cell::Cell;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::Digest;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::{Error, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

use crate::context::Context;
use crate::gate::{Gate, Next, refuse};
use crate::refusal::Refusal;
use crate::{forward, headers, limits};

/// The phases on the long way.
pub struct LongWay(pub Arc<Gate>);

/// A request that was let in, and comes from the short way.
pub struct LetIn {
    /// What is known of it.
    pub context: Box<Context>,
    /// Its head, as it is after that.
    pub head: RequestHeader,
}

/// What pingora keeps for a request.
pub struct Request {
    context: Box<Context>,
    /// Of one that was let in: what pingora has read of it is older.
    head: Option<RequestHeader>,
}

tokio::task_local! {
    static LET_IN: Cell<Option<LetIn>>;
}

/// Has pingora serve `request`, which was let in.
pub async fn go_on<T>(request: LetIn, served: impl Future<Output = T>) -> T {
    LET_IN.scope(Cell::new(Some(request)), served).await
}

#[async_trait]
impl ProxyHttp for LongWay {
    type CTX = Request;

    fn new_ctx(&self) -> Self::CTX {
        match LET_IN.try_with(Cell::take) {
            Ok(Some(LetIn { context, head })) => Request {
                context,
                head: Some(head),
            },
            Ok(None) | Err(_) => Request {
                context: Box::new(self.0.begin()),
                head: None,
            },
        }
    }

    /// None: nothing of ours compresses or counts there.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn early_request_filter(
        &self,
        session: &mut Session,
        request: &mut Self::CTX,
    ) -> Result<()> {
        if let Some(head) = request.head.take() {
            *session.req_header_mut() = head;
            self.0.say_goodbye(session);
            return Ok(());
        }
        self.0.take_in(session, &mut request.context)
    }

    async fn request_filter(&self, session: &mut Session, request: &mut Self::CTX) -> Result<bool> {
        if request.context.admission.is_some() {
            return Ok(false);
        }
        let next = self.0.decide(session, &mut request.context).await?;
        Ok(next == Next::Answered)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        Request { context, .. }: &mut Self::CTX,
    ) -> Result<()> {
        limits::body_came(body.as_ref().map_or(0, Bytes::len));
        if end {
            limits::body_is_in();
            if !session.was_upgraded() && body.as_ref().is_some_and(Bytes::is_empty) {
                // Of an empty last piece pingora makes the end of a chunked body, and then ends it once more.
                *body = None;
            }
        }
        forward::count(session, body.as_ref(), context).or_else(|refusal| refuse(context, refusal))
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        Request { context, .. }: &mut Self::CTX,
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
        request: &mut Self::CTX,
        error: Box<Error>,
    ) -> Box<Error> {
        forward::not_connected(&mut request.context, error)
    }

    async fn connected_to_upstream(
        &self,
        _: &mut Session,
        reused: bool,
        _: &HttpPeer,
        _: RawFd,
        _: Option<&Digest>,
        request: &mut Self::CTX,
    ) -> Result<()> {
        if !reused {
            request.context.attempts.reached();
        }
        Ok(())
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        upstream: &mut RequestHeader,
        request: &mut Self::CTX,
    ) -> Result<()> {
        let context = &mut request.context;
        headers::edit(upstream, |headers| self.0.tell(headers, context))
            .unwrap_or_else(|_| refuse(context, Refusal::Internal))
    }

    async fn upstream_response_filter(
        &self,
        _: &mut Session,
        upstream: &mut ResponseHeader,
        request: &mut Self::CTX,
    ) -> Result<()> {
        self.0.answered(upstream, &mut request.context)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        answer: &mut ResponseHeader,
        request: &mut Self::CTX,
    ) -> Result<()> {
        *answer = headers::answer(answer)?;
        self.0.mend(session, answer, &mut request.context)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        request: &mut Self::CTX,
    ) -> FailToProxy {
        self.0.fail(session, error, &mut request.context).await
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, request: &mut Self::CTX) {
        self.0.over(session, &mut request.context);
    }

    /// [`Gate::fail`] has said what there is to say, without the query.
    fn suppress_error_log(&self, _: &Session, _: &Self::CTX, _: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _: &Session,
        request: &Self::CTX,
        error: &Error,
        _: ProxyWarnLogContext,
    ) -> bool {
        let request_id = &*request.context.request_id;
        tracing::debug!(request_id, %error, "the upstream is asked again");
        true
    }
}
