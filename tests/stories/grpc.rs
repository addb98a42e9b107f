//! gRPC from a client that speaks HTTP/2, through the gate, to an upstream that does: calls, streams and trailers.

use std::time::Duration;

use doorward_tests::{Ask, H2Echo, PASSWORD, Site, Speech, Stack, Together, Visitor, until};

const HOST: &str = "app.test";

/// A message of five bytes as gRPC frames it.
const MESSAGE: &[u8] = b"\0\0\0\0\x05hello";

async fn through_the_gate() -> (H2Echo, Stack, Visitor, Together) {
    let upstream = H2Echo::start().await;
    let site = Site::usual().upstream(&format!("h2c://{}", upstream.address()));
    let stack = Stack::new().tls(&[HOST]).site(site).start().await;
    stack.add_person("anna", &[]).await;
    let mut anna = stack.secure(Speech::Http2, HOST);
    anna.sign_in("anna", PASSWORD).await;
    let connection = anna.together().await.expect("HTTP/2");
    (upstream, stack, anna, connection)
}

fn call(visitor: &Visitor, method: &str) -> Ask {
    let ask = Ask::new("POST", &format!("/echo.Echo/{method}"))
        .header("Content-Type", "application/grpc")
        .header("TE", "trailers")
        .header("Remote-User", "root")
        .header("Proxy-Authorization", "Basic eDp5")
        .body(MESSAGE);
    visitor.complete(&ask)
}

/// One question, one answer, and how it went in the trailers.
#[tokio::test]
async fn a_call() {
    let (upstream, _stack, anna, connection) = through_the_gate().await;
    let begun = connection.begin(HOST, &call(&anna, "Unary")).await;
    let mut begun = begun.expect("an answer");
    assert_eq!(begun.answer.status, 200);
    assert_eq!(
        begun.answer.header("content-type"),
        Some("application/grpc")
    );
    assert_eq!(
        begun.piece().await.expect("a body").expect("whole"),
        MESSAGE
    );
    assert!(begun.piece().await.is_none());
    let trailers = begun.trailers().await.expect("trailers");
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(trailers["grpc-message"], "well done");

    let seen = upstream.last();
    assert_eq!(seen.uri, format!("http://{}/echo.Echo/Unary", anna.host()));
    assert_eq!(seen.headers["te"], "trailers");
    assert_eq!(seen.headers["x-forwarded-proto"], "https");
    let users: Vec<_> = seen.headers.get_all("remote-user").iter().collect();
    assert_eq!(users, ["anna"]);
    for gone in ["proxy-authorization", "cookie", "host"] {
        assert!(!seen.headers.contains_key(gone), "{gone}");
    }
    assert_eq!(seen.body, MESSAGE);
}

/// Trailers without anything before them.
#[tokio::test]
async fn a_call_that_fails() {
    let (_upstream, stack, anna, connection) = through_the_gate().await;
    let answer = connection.send(HOST, &call(&anna, "Nothing")).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.header("grpc-status"), Some("12"));
    let stranger = stack.secure(Speech::Http2, HOST);
    for (accept, status) in [("text/html", 303), ("application/grpc", 401)] {
        let ask = call(&stranger, "Unary").header("Accept", accept);
        let answer = connection.send(HOST, &ask).await;
        assert_eq!(answer.expect("a whole answer").status, status);
    }
}

/// One question, many answers, each as soon as it is said; others go on meanwhile.
#[tokio::test]
async fn a_stream() {
    let (upstream, _stack, anna, connection) = through_the_gate().await;
    let begun = connection.begin(HOST, &call(&anna, "Stream")).await;
    let mut begun = begun.expect("an answer");
    for _ in 0..3 {
        let other = connection.send(HOST, &call(&anna, "Unary")).await;
        assert_eq!(other.expect("an answer").body, MESSAGE);
        upstream.release();
        let piece = begun.piece().await.expect("a piece");
        assert_eq!(piece.expect("whole"), MESSAGE);
    }
    assert!(begun.piece().await.is_none());
    let trailers = begun.trailers().await.expect("trailers");
    assert_eq!(trailers["grpc-status"], "0");
}

/// A session that ends takes its streams with it.
#[tokio::test]
async fn a_stream_whose_session_ends() {
    let (upstream, stack, anna, connection) = through_the_gate().await;
    let begun = connection.begin(HOST, &call(&anna, "Stream")).await;
    let mut begun = begun.expect("an answer");
    upstream.release();
    assert!(begun.piece().await.is_some());
    let disable = ["user", "disable", "anna"];
    let _ = stack.command(&disable).await.exits(0);
    begun.reset(Duration::from_secs(5)).await;
    until(
        "the upstream is not asked any more",
        Duration::from_secs(5),
        async || (upstream.open() == 0).then_some(()),
    )
    .await;
}
