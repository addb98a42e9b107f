//! Upstreams that speak TLS or HTTP/2, and what is asked of them first.

use std::sync::Arc;
use std::time::Duration;

use doorward_tests::{Ask, Authority, Echo, H2Echo, Site, Stack, Validity, until};
use rustls::ServerConfig;
use tempfile::TempDir;

const H1: &[&str] = &["http/1.1"];
const BOTH: &[&str] = &["h2", "http/1.1"];

/// A stack in front of `https://HOST:PORT`, with the authority that is given.
async fn secure(host: &str, port: u16, authority: Option<&Authority>) -> (Stack, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut site = Site::usual().upstream(&format!("https://{host}:{port}"));
    if let Some(authority) = authority {
        let file = authority.write(folder.path(), "ca.pem");
        site = site.line(&format!("upstream_ca = \"{}\"", file.display()));
    }
    (Stack::new().site(site).start().await, folder)
}

/// An echo behind TLS, and a stack in front of it.
async fn echo_behind(
    server: Arc<ServerConfig>,
    host: &str,
    authority: Option<&Authority>,
) -> (Echo, Stack, TempDir) {
    let echo = Echo::start().await;
    let port = echo.also_with_tls(server).await.port();
    let (stack, folder) = secure(host, port, authority).await;
    (echo, stack, folder)
}

/// Its certificate is checked against the site's own authority, and its requests are what they would be without TLS.
#[tokio::test]
async fn https() {
    let authority = Authority::new("ours");
    let server = authority.server("localhost", Validity::Now, H1);
    let (echo, stack, _folder) = echo_behind(server, "localhost", Some(&authority)).await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/page?q").await.status, 200);
    let seen = echo.last();
    assert_eq!(seen.target(), "/page?q");
    assert_eq!(seen.one("Remote-User").as_deref(), Some("anna"));
    assert_eq!(seen.one("Host"), Some(stack.gateway().gate().to_string()));
    let big = anna.get("/big?300000").await;
    assert_eq!((big.status, big.body.len()), (200, 300_000));
    let upload = Ask::new("POST", "/upload").body(vec![7; 200_000]);
    assert_eq!(anna.send(&upload).await.status, 200);
    assert_eq!(echo.last().body_length(), 200_000);
    assert_eq!(stack.anon().page("/page").await.status, 302);
}

/// By address too: then the certificate has to say the address. This one does not know ALPN.
#[tokio::test]
async fn https_to_an_address() {
    let authority = Authority::new("ours");
    let server = authority.server("127.0.0.1", Validity::Now, &[]);
    let (echo, stack, _folder) = echo_behind(server, "127.0.0.1", Some(&authority)).await;
    assert_eq!(stack.sign_in("anna").await.page("/page").await.status, 200);
    assert_eq!(echo.count(), 1);
}

/// Whoever cannot prove to be the upstream sees nothing of a request.
#[tokio::test]
async fn certificates_that_prove_nothing() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let good = || ours.server("localhost", Validity::Now, BOTH);
    for (what, server, authority) in [
        ("somebody else's authority", good(), Some(&theirs)),
        ("an authority that the system does not know", good(), None),
        (
            "another name",
            ours.server("other.test", Validity::Now, BOTH),
            Some(&ours),
        ),
        (
            "an address instead of the name",
            ours.server("127.0.0.1", Validity::Now, BOTH),
            Some(&ours),
        ),
        (
            "expired",
            ours.server("localhost", Validity::Over, BOTH),
            Some(&ours),
        ),
    ] {
        let (echo, stack, _folder) = echo_behind(server, "localhost", authority).await;
        let mut anna = stack.sign_in("anna").await;
        assert_eq!(anna.page("/page").await.status, 502, "{what}");
        assert_eq!(
            anna.form("/form", &[("a", "b")]).await.status,
            502,
            "{what}"
        );
        assert!(anna.websocket("/ws").await.is_err(), "{what}");
        assert_eq!(echo.count(), 0, "{what}");
        until("the log says why", Duration::from_secs(5), async || {
            let said = stack.gateway().log().contains("certificate");
            said.then_some(())
        })
        .await;
    }
}

/// Two sites on one address do not share what was proven to only one of them.
#[tokio::test]
async fn what_was_proven_is_not_shared() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let echo = Echo::start().await;
    let server = ours.server("localhost", Validity::Now, H1);
    let port = echo.also_with_tls(server).await.port();
    let site = |host: &str, authority: &Authority| {
        let file = authority.write(folder.path(), &format!("{host}.pem"));
        Site::usual()
            .host(host)
            .upstream(&format!("https://localhost:{port}"))
            .line(&format!("upstream_ca = \"{}\"", file.display()))
    };
    let stack = Stack::new()
        .site(site("good.test", &ours))
        .site(site("bad.test", &theirs))
        .start()
        .await;
    let mut good = stack.anon().on_host("good.test");
    let mut bad = stack.anon().on_host("bad.test");
    for _ in 0..3 {
        assert_eq!(good.get("/public/page").await.status, 200);
        assert_eq!(bad.get("/public/page").await.status, 502);
    }
    assert_eq!(echo.count(), 3);
}

/// A WebSocket begins as HTTP/1.1, behind TLS too, also where HTTP/2 is on offer.
#[tokio::test]
async fn websockets_behind_tls() {
    let authority = Authority::new("ours");
    let server = authority.server("localhost", Validity::Now, BOTH);
    let (echo, stack, _folder) = echo_behind(server, "localhost", Some(&authority)).await;
    let mut anna = stack.sign_in("anna").await;
    for _ in 0..100 {
        let mut socket = anna.websocket("/ws").await.expect("not refused");
        socket.is_alive().await;
    }
    let mut socket = anna.websocket("/ws").await.expect("not refused");
    socket.is_alive().await;
    assert_eq!(echo.last().one("Remote-User").as_deref(), Some("anna"));
    let large = "x".repeat(200_000);
    socket.say(&large).await;
    assert_eq!(socket.hear(Duration::from_secs(10)).await, large);
    let mut stays = stack
        .again("anna")
        .await
        .websocket("/ws")
        .await
        .expect("open");
    anna.sign_out().await;
    socket.closed(Duration::from_secs(5)).await;
    stays.is_alive().await;
}

/// An upstream that offers HTTP/2 gets it, with everything that is said in HTTP/1.1.
#[tokio::test]
async fn http2_behind_tls() {
    let authority = Authority::new("ours");
    let server = authority.server("localhost", Validity::Now, BOTH);
    let upstream = H2Echo::with_tls(server).await;
    let (stack, _folder) = secure("localhost", upstream.address().port(), Some(&authority)).await;
    speaks_http2(&stack, &upstream, "https").await;
}

/// The same in the clear.
#[tokio::test]
async fn h2c() {
    let upstream = H2Echo::start().await;
    let site = Site::usual().upstream(&format!("h2c://{}", upstream.address()));
    let stack = Stack::new().site(site).start().await;
    speaks_http2(&stack, &upstream, "http").await;
}

/// An upstream that was away for a moment leaves no dead connections behind.
#[tokio::test]
async fn h2c_that_starts_again() {
    let upstream = H2Echo::start().await;
    let site = Site::usual().upstream(&format!("h2c://{}", upstream.address()));
    let stack = Stack::new().site(site).start().await;
    let mut visitor = stack.anon();
    for round in 0..5 {
        assert_eq!(visitor.get("/public/page").await.status, 200);
        upstream.kill().await;
        assert_eq!(visitor.get("/public/page").await.status, 502);
        upstream.revive().await;
        let post = Ask::new("POST", &format!("/public/{round}/Unary")).body("once");
        assert_eq!(visitor.send(&post).await.text(), "once");
    }
    let posts = upstream.seen().into_iter();
    assert_eq!(posts.filter(|seen| seen.method == "POST").count(), 5);
}

async fn speaks_http2(stack: &Stack, upstream: &H2Echo, scheme: &str) {
    let mut anna = stack.sign_in("anna").await;
    let gate = stack.gateway().gate();
    let ask = Ask::new("POST", "/page?q=1")
        .header("Remote-User", "root")
        .header("Remote_User", "root")
        .header("Connection", "keep-alive, X-Hop")
        .header("X-Hop", "one")
        .header("TE", "trailers")
        .header("Keep-Alive", "timeout=5")
        .header("Proxy-Authorization", "Basic eDp5")
        .body("question");
    let answer = anna.send(&ask).await;
    assert_eq!((answer.status, answer.body.len()), (200, 100_000));
    let seen = upstream.last();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.uri, format!("{scheme}://{gate}/page?q=1"));
    assert_eq!(seen.body, "question");
    let all = |name: &str| {
        let values = seen.headers.get_all(name).iter();
        values
            .map(|value| value.to_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(all("remote-user"), ["anna"]);
    assert_eq!(all("x-forwarded-host"), [gate.to_string()]);
    assert_eq!(all("x-forwarded-for"), ["127.0.0.1"]);
    for gone in [
        "host",
        "connection",
        "x-hop",
        "te",
        "keep-alive",
        "proxy-authorization",
        "cookie",
        "remote_user",
        "transfer-encoding",
    ] {
        assert_eq!(all(gone), [""; 0], "{gone}");
    }
    assert_eq!(anna.page("/missing").await.status, 404);
    let head = anna.send(&Ask::new("HEAD", "/page")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for _ in 0..20 {
        assert_eq!(anna.get("/page").await.status, 200);
    }
    let connections = upstream.seen().iter().map(|seen| seen.connection).max();
    assert!(
        connections < Some(4),
        "connections are used again: {connections:?}"
    );
}

/// What a gRPC server answers comes whole and at once, as far as HTTP/1.1 can say it: all but the trailers.
#[tokio::test]
async fn grpc_for_http1() {
    let upstream = H2Echo::start().await;
    let site = Site::usual().upstream(&format!("h2c://{}", upstream.address()));
    let stack = Stack::new().site(site).start().await;
    let mut anna = stack.sign_in("anna").await;
    let call = |method: &str| {
        Ask::new("POST", &format!("/echo.Echo/{method}"))
            .header("Content-Type", "application/grpc")
            .body("\0\0\0\0\u{5}hello")
    };
    let answer = anna.send(&call("Unary")).await;
    assert_eq!(answer.text(), "\0\0\0\0\u{5}hello");
    let mut wire = anna.wire().await;
    wire.send(&anna.bytes(&call("Stream"))).await;
    upstream.release();
    assert_eq!(wire.head().await.expect("a head").status, 200);
    for _ in 0..2 {
        assert_eq!(
            wire.piece().await.as_deref(),
            Some(&b"\0\0\0\0\x05hello"[..])
        );
        upstream.release();
    }
    assert!(wire.piece().await.is_some());
    assert_eq!(wire.piece().await, None);
    let answer = anna.send(&call("Nothing")).await;
    assert_eq!(answer.header("grpc-status"), Some("12"));
}
