//! The harness about itself: what the other stories lean on tells the truth. No gateway here.

use std::time::Duration;

use doorward_tests::{Ask, Echo, FaultProxy, RedisServer, Rule, Visitor, until};

#[tokio::test]
async fn bytes_arrive_as_they_were_sent() {
    let echo = Echo::start().await;
    let mut visitor = Visitor::at(echo.address());
    visitor.keep("a", "b");
    let ask = Ask::new("PUT", "/x/../y;z//%2f?q#f")
        .header("X_Odd.Name", " v ")
        .header("Host", "h")
        .body("body");
    let answer = visitor.send(&ask).await;
    assert_eq!(answer.status, 200);
    let seen = echo.last();
    let expected = "PUT /x/../y;z//%2f?q#f HTTP/1.1\r\nX_Odd.Name:  v \r\nHost: h\r\nCookie: a=b\r\nContent-Length: 4\r\n\r\n";
    assert_eq!(seen.text(), expected);
    assert_eq!(answer.text(), expected);
    assert_eq!(seen.one("x-odd-name").as_deref(), Some("v"));
    assert_eq!(
        (seen.body(), seen.body_length(), seen.is_complete()),
        (&b"body"[..], 4, true)
    );
}

#[tokio::test]
async fn what_the_upstream_can_do() {
    let echo = Echo::start().await;
    let mut visitor = Visitor::at(echo.address());
    assert!(visitor.try_send(&Ask::get("/break")).await.is_none());
    assert_eq!(visitor.get("/missing").await.status, 404);
    assert_eq!(visitor.send(&Ask::new("HEAD", "/x")).await.body.len(), 0);
    let big = visitor.get("/big?100000").await;
    assert!(
        big.body.len() == 100_000
            && big
                .body
                .iter()
                .enumerate()
                .all(|(at, byte)| *byte == Echo::pattern(at))
    );
    let mut socket = visitor.websocket("/ws").await.expect("a WebSocket");
    socket.is_alive().await;

    let mut events = visitor.wire().await;
    events.send(&visitor.bytes(&Ask::get("/events"))).await;
    assert_eq!(events.head().await.expect("a head").status, 200);
    until("somebody listens", Duration::from_secs(5), async || {
        (echo.tell("news") > 0).then_some(())
    })
    .await;
    assert_eq!(events.piece().await.expect("an event"), b"data: news\n\n");

    let mut held = visitor.wire().await;
    held.send(&visitor.bytes(&Ask::get("/hold"))).await;
    until("held", Duration::from_secs(5), async || {
        (echo.last().target() == "/hold").then_some(())
    })
    .await;
    assert!(!held.is_closed().await);
    echo.release();
    assert_eq!(held.answer_to("GET").await.expect("an answer").status, 200);
}

#[tokio::test]
async fn redis_breaks_as_it_is_told() {
    let mut server = RedisServer::start().await;
    let faults = FaultProxy::to(server.address()).await;
    let ping = async |limit: u64| {
        let mut wire = doorward_tests::Wire::to(faults.address()).await;
        wire.send(b"*1\r\n$4\r\nPING\r\n").await;
        tokio::time::timeout(Duration::from_millis(limit), wire.line())
            .await
            .ok()
            .flatten()
    };
    assert_eq!(ping(5000).await.as_deref(), Some("+PONG"));
    faults.data(Rule::Cut);
    assert_eq!(ping(5000).await, None);
    faults.data(Rule::Silent);
    assert_eq!(ping(200).await, None);
    faults.data(Rule::HoldReplies);
    assert_eq!(ping(200).await, None);
    assert!(faults.held() > 0);
    faults.data(Rule::Pass);
    faults.watch(Rule::Silent);
    assert_eq!(
        ping(5000).await.as_deref(),
        Some("+PONG"),
        "the watch is another kind"
    );

    let mut watch = doorward_tests::Wire::to(faults.address()).await;
    faults.watch(Rule::Pass);
    watch.send(b"CLIENT TRACKING ON REDIRECT 0\r\n").await;
    until(
        "an answer about tracking",
        Duration::from_secs(5),
        async || watch.line().await,
    )
    .await;
    assert!(!watch.is_closed().await);
    faults.watch(Rule::Cut);
    watch.closed(Duration::from_secs(5)).await;

    server.freeze();
    assert_eq!(ping(200).await, None);
    server.thaw();
    assert_eq!(ping(5000).await.as_deref(), Some("+PONG"));
    let () = redis::cmd("SET")
        .arg("a")
        .arg("b")
        .query_async(&mut server.client().await)
        .await
        .expect("SET");
    server.kill().await;
    assert_eq!(ping(5000).await, None);
    server.start_again().await;
    assert_eq!(ping(5000).await.as_deref(), Some("+PONG"));
    assert_eq!(server.keys().await, [b"a".to_vec()], "nothing is lost");
}
