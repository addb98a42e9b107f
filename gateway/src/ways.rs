//! Which way a request goes.
//!
//! Owns reading it, the choice, and handing over what turns out to need the long way. That one is pingora's proxy, which
//! reads a request itself and keeps thirteen kilobytes for each: only what it is needed for gets there.

use std::sync::Arc;

use bytes::BytesMut;
use pingora_core::apps::HttpServerApp;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use pingora_error::{ErrorType, Result};
use pingora_http::RequestHeader;
use pingora_proxy::HttpProxy;

use crate::context::Context;
use crate::gate::{Gate, Next, refuse};
use crate::limits::Serve;
use crate::proxy::{self, LetIn, LongWay};
use crate::refusal::Refusal;
use crate::shortcut::{self, Way};

/// The longest head that is handed over, in bytes: what was read along with it is as much again at most. None that is longer
/// is within any limit that can be configured.
const LONGEST: usize = 512 * 1024;

/// Both ways.
pub struct Ways {
    gate: Arc<Gate>,
    long: Arc<HttpProxy<LongWay>>,
}

impl Serve for Ways {
    async fn serve(
        &self,
        mut session: Box<ServerSession>,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        if !read(&mut session).await {
            return None;
        }
        let fits = shortcut::fits(&mut session);
        if !fits && can_be_unread(&session) {
            let session = unread(session).await?;
            return Box::pin(self.go_long(session, shutdown)).await;
        }
        let mut context = self.gate.begin();
        let gone = if fits {
            self.go_short(&mut session, &mut context).await
        } else {
            let taken_in = self.gate.take_in(&mut session, &mut context);
            taken_in.and_then(|()| refuse(&mut context, Refusal::HeadersTooLarge))
        };
        let stays = match gone {
            Ok(Way::Short) => true,
            Ok(Way::Long) => {
                let head = std::mem::replace(session.req_header_mut(), nothing()?);
                let context = Box::new(context);
                let session = unread(session).await?;
                let long = self.go_long(session, shutdown);
                return Box::pin(proxy::go_on(LetIn { context, head }, long)).await;
            }
            Err(error) => {
                let failed = self.gate.fail(&mut session, &error, &mut context).await;
                failed.can_reuse_downstream
            }
        };
        self.gate.over(&session, &mut context);
        if stays { finish(session).await } else { None }
    }
}

impl Ways {
    /// The short way through `gate`, and the long one through `long`, which leads through the same.
    #[must_use]
    pub fn new(gate: Arc<Gate>, long: Arc<HttpProxy<LongWay>>) -> Self {
        Self { gate, long }
    }

    async fn go_short(&self, session: &mut ServerSession, context: &mut Context) -> Result<Way> {
        self.gate.take_in(session, context)?;
        match self.gate.decide(session, context).await? {
            Next::Answered => Ok(Way::Short),
            Next::Upstream => shortcut::take(&self.gate, session, context).await,
        }
    }

    async fn go_long(&self, session: ServerSession, shutdown: &ShutdownWatch) -> Option<Stream> {
        let served = self.long.process_new_http(session, shutdown).await?;
        Some(served.consume().0)
    }
}

/// Reads a head; `false` when there is none, or none that can be read, which is answered then as pingora does.
async fn read(session: &mut ServerSession) -> bool {
    match session.read_request().await {
        Ok(read) => read,
        Err(error) => {
            tracing::debug!(%error, "a request could not be read");
            if *error.etype() == ErrorType::InvalidHTTPHeader
                && let Err(error) = session.respond_error(400).await
            {
                tracing::debug!(%error, "nobody heard that");
            }
            session.shutdown().await;
            false
        }
    }
}

/// Whether a head and what came with it are read again: pingora reads a megabyte, and asks before it has looked.
fn can_be_unread(session: &ServerSession) -> bool {
    session.is_http2() || session.to_h1_raw().len() <= LONGEST
}

/// The same request for somebody who reads it again. On HTTP/2 that takes nothing.
async fn unread(session: Box<ServerSession>) -> Option<ServerSession> {
    let mut session = match *session {
        ServerSession::H1(session) => session,
        other => return Some(other),
    };
    let head = session.get_headers_raw_bytes();
    let reuses = session.get_keepalive_reuses_remaining();
    // Of a request without a body, all that came after the head is left over.
    *session.req_header_mut() = nothing()?;
    session.set_pipelining_enabled(true);
    session.set_keepalive_reuses_remaining(None);
    session.set_server_keepalive(Some(0));
    let (stream, rest) = session.reuse().await.ok()??.into_parts();
    let rest = rest.unwrap_or_default();
    let mut all = BytesMut::with_capacity(head.len() + rest.len());
    all.extend_from_slice(&head);
    all.extend_from_slice(&rest);
    let mut again = ServerSession::new_http1(stream);
    again.set_keepalive(Some(0));
    again.set_keepalive_reuses_remaining(reuses);
    again.set_pipelined_prefix(all);
    Some(again)
}

/// A request without a body.
fn nothing() -> Option<RequestHeader> {
    RequestHeader::build("GET", b"/", None).ok()
}

/// Ends an answer. Gives the connection back if another request may come on it.
async fn finish(session: Box<ServerSession>) -> Option<Stream> {
    let again = session.finish().await.ok()??;
    Some(again.into_parts().0)
}

#[cfg(test)]
mod tests {
    use pingora_core::protocols::l4::stream::Stream as L4Stream;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// What is heard of a request that is read again, and that came in two parts.
    async fn heard_again(first: &str, second: &str) -> (String, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(first.as_bytes()).await.unwrap();
        let mut session = Box::new(ServerSession::new_http1(Box::new(L4Stream::from(server))));
        assert!(read(&mut session).await);
        client.write_all(second.as_bytes()).await.unwrap();
        let mut session = unread(session).await.unwrap();
        assert!(read(&mut session).await);
        let mut body = Vec::new();
        while let Some(part) = session.read_request_body().await.unwrap() {
            body.extend_from_slice(&part);
        }
        let request = session.req_header();
        let x = request.headers.get("x").unwrap().to_str().unwrap();
        (format!("{} {}", request.method, x), body)
    }

    #[tokio::test]
    async fn what_is_read_again_is_the_same() {
        for (method, length, first, second, expected) in [
            ("GET", "", "", "", ""),
            ("POST", "Content-Length: 6\r\n", "", "abcdef", "abcdef"),
            ("POST", "Content-Length: 6\r\n", "abc", "def", "abcdef"),
            ("POST", "Content-Length: 6\r\n", "abcdef", "", "abcdef"),
            (
                "PUT",
                "Transfer-Encoding: chunked\r\n",
                "3\r\nabc\r\n",
                "3\r\ndef\r\n0\r\n\r\n",
                "abcdef",
            ),
            (
                "GET",
                "Transfer-Encoding: chunked\r\n",
                "6\r\nab",
                "cdef\r\n0\r\n\r\n",
                "abcdef",
            ),
            (
                "GET",
                "Content-Length: 2\r\nConnection: close\r\n",
                "ab",
                "",
                "ab",
            ),
        ] {
            let head = format!("{method} /a HTTP/1.1\r\nHost: app.test\r\nX: 1\r\n{length}\r\n");
            let (said, body) = heard_again(&(head + first), second).await;
            assert_eq!(said, format!("{method} 1"));
            assert_eq!(body, expected.as_bytes(), "{method} {length}");
        }
    }

    #[tokio::test]
    async fn what_comes_after_a_request_without_a_body_is_no_body() {
        let head = "GET /a HTTP/1.1\r\nHost: app.test\r\nX: 1\r\n\r\n";
        let (_, body) = heard_again(&head.repeat(2), "").await;
        assert_eq!(body, b"");
    }
}
