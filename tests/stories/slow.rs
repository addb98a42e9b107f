//! Clients that take their time, or everybody's: cut off, counted, and in nobody's way.

use std::time::{Duration, Instant};

use doorward_tests::{Answer, Ask, Stack, Wire, until, within};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SECOND: Duration = Duration::from_secs(1);

/// How many are slow at once.
const SLOW: u16 = 100;

/// Sends `head` and then `piece` again and again until the gateway closes; what it said, and how long that took.
async fn drip(stack: &Stack, head: &[u8], piece: &[u8], every: Duration) -> (String, Duration) {
    let (stream, _) = stack.anon().wire().await.into_parts();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let start = Instant::now();
    let mut said = Vec::new();
    let dripping = async {
        let mut every = tokio::time::interval(every);
        let mut next = head;
        while writer.write_all(next).await.is_ok() {
            every.tick().await;
            next = piece;
        }
        std::future::pending::<()>().await;
    };
    within("a slow client is cut off", 60 * SECOND, async {
        tokio::select! {
            // A reset is an end as well.
            _ = reader.read_to_end(&mut said) => {}
            () = dripping => {}
        }
    })
    .await;
    (String::from_utf8_lossy(&said).into_owned(), start.elapsed())
}

async fn public(stack: &Stack, wire: &mut Wire) -> Option<Answer> {
    let bytes = stack.anon().bytes(&Ask::get("/public/x"));
    wire.exchange(&bytes).await
}

async fn refused(stack: &Stack, reason: &str) -> f64 {
    let series = format!("doorward_requests_refused_total{{reason=\"{reason}\"}}");
    stack.gateway().metric(&series).await.expect("a counter")
}

/// Heads that trickle in are cut off, counted from their first byte, while others are served.
#[tokio::test]
async fn a30_heads() {
    let stack = Stack::new()
        .section("[limits]\nheader_timeout = \"1s\"")
        .start()
        .await;
    let head = b"GET /public/slow HTTP/1.1\r\n";
    let slow = (0..SLOW).map(|_| drip(&stack, head, b"X", SECOND / 5));
    let honest = async {
        let start = Instant::now();
        let mut asked = 0;
        while start.elapsed() < SECOND {
            assert_eq!(stack.anon().get("/public/honest").await.status, 200);
            asked += 1;
        }
        asked
    };
    let (slow, asked) = tokio::join!(join_all(slow), honest);
    for (said, took) in &slow {
        assert!(said.starts_with("HTTP/1.1 408 "), "{said:?}");
        assert!(
            (SECOND * 9 / 10..2 * SECOND).contains(took),
            "cut after {took:?}"
        );
    }
    assert_eq!(stack.echo.count(), asked);
    let counted = refused(&stack, "too_slow").await;
    assert!((counted - f64::from(SLOW)).abs() < 0.1, "{counted}");
    // Nothing of this is an error of ours.
    assert!(!stack.gateway().log().contains("ERROR"));
}

/// A connection that never says anything is closed without a word; one that waits between two requests is not.
#[tokio::test]
async fn silence() {
    let stack = Stack::new()
        .section("[limits]\nheader_timeout = \"1s\"")
        .start()
        .await;
    let mut used = stack.anon().wire().await;
    assert_eq!(public(&stack, &mut used).await.expect("served").status, 200);
    for _ in 0..2 {
        let start = Instant::now();
        let mut silent = stack.anon().wire().await;
        assert!(silent.head().await.is_none(), "nothing to answer");
        let took = start.elapsed();
        assert!(
            (SECOND * 9 / 10..2 * SECOND).contains(&took),
            "cut after {took:?}"
        );
    }
    let answer = public(&stack, &mut used).await.expect("still open");
    assert_eq!(answer.status, 200, "idle for longer than the deadline");
    let start = Instant::now();
    used.send(b"GET /public/again HTTP/1.1\r\n").await;
    let answer = used.head().await.expect("an answer");
    assert_eq!(answer.status, 408, "the next head has a deadline too");
    assert!(start.elapsed() < 2 * SECOND);
    used.closed(SECOND).await;
    assert_eq!(stack.echo.count(), 2);
}

/// A body that trickles in is cut off after half a minute, wherever it goes; one that only takes long is not.
#[tokio::test]
async fn a31_bodies() {
    let stack = Stack::new().start().await;
    let head = |target: &str, length: &str| {
        let ask = Ask::form(target, &[]).header("Content-Length", length);
        stack.anon().bytes(&ask)
    };
    let login = head("/_auth/login", "1000");
    let upload = head("/public/upload", "1000000");
    let refused_one = head("/secret", "1000000");
    let honest = async {
        let mut wire = stack.anon().wire().await;
        wire.send(&head("/public/honest", "132000")).await;
        let mut every = tokio::time::interval(SECOND / 4);
        let start = Instant::now();
        for _ in 0..132 {
            every.tick().await;
            wire.send(&[b'y'; 1000]).await;
        }
        (
            wire.head().await.expect("an answer").status,
            start.elapsed(),
        )
    };
    let (login, upload, refused_one, honest) = tokio::join!(
        drip(&stack, &login, b"l", SECOND),
        drip(&stack, &upload, b"u", SECOND / 5),
        drip(&stack, &refused_one, b"r", SECOND),
        honest,
    );
    // The pages have less patience than the gateway.
    for ((said, took), least) in [(&login, 10), (&upload, 29)] {
        assert!(said.starts_with("HTTP/1.1 408 "), "{said:?}");
        assert!((least..40).contains(&took.as_secs()), "cut after {took:?}");
    }
    let (said, took) = refused_one;
    assert!(said.starts_with("HTTP/1.1 303 "), "{said:?}");
    assert!(took < 5 * SECOND, "nobody waits for it: {took:?}");
    assert_eq!(honest.0, 200);
    assert!(honest.1 > upload.1, "the honest one took longer");
    assert!((refused(&stack, "too_slow").await - 1.0).abs() < 0.1);
    until("nothing is in flight", 5 * SECOND, async || {
        let flying = stack.gateway().metric("doorward_http_requests_in_flight");
        flying.await.is_some_and(|count| count < 0.5).then_some(())
    })
    .await;
}

/// Opens connections that are served until `count` are open at once; those that are refused meanwhile do not count.
async fn crowd(stack: &Stack, count: usize) -> Vec<Wire> {
    let mut open = Vec::new();
    until("as many connections are served", 5 * SECOND, async || {
        let mut wire = stack.anon().wire().await;
        if let Some(answer) = public(stack, &mut wire).await {
            assert_eq!(answer.status, 200);
            open.push(wire);
        }
        (open.len() == count).then_some(())
    })
    .await;
    open
}

/// Is one more connection served?
async fn one_more(stack: &Stack) -> bool {
    let mut wire = stack.anon().wire().await;
    public(stack, &mut wire).await.is_some()
}

/// So many connections of one address at once, and one more for each that ends, however it ended.
#[tokio::test]
async fn connections() {
    let stack = Stack::new()
        .section("[limits]\nconnections_per_address = 5")
        .start()
        .await;
    let mut open = crowd(&stack, 5).await;
    let before = refused(&stack, "too_many").await;
    for _ in 0..3 {
        assert!(!one_more(&stack).await, "a sixth");
    }
    let after = refused(&stack, "too_many").await;
    assert!((after - before - 3.0).abs() < 0.1, "{before} {after}");
    for wire in &mut open {
        let answer = public(&stack, wire).await.expect("the five are served");
        assert_eq!(answer.status, 200);
    }

    open.pop();
    open.extend(crowd(&stack, 1).await);
    assert!(!one_more(&stack).await, "a sixth again");

    // Early ends: unheard, in the middle of a head, in the middle of an answer.
    drop(open);
    let held = "GET /public/hold HTTP/1.1\r\nHost: x\r\n\r\n";
    for bytes in ["", "GET /pub", held].iter().cycle().take(30) {
        let mut wire = stack.anon().wire().await;
        wire.send(bytes.as_bytes()).await;
    }
    let open = crowd(&stack, 5).await;
    assert!(
        !one_more(&stack).await,
        "still five, not more and not fewer"
    );
    drop(open);
}

/// What comes through a trusted proxy comes from many.
#[tokio::test]
async fn connections_of_a_trusted_proxy() {
    let stack = Stack::new()
        .server("trusted_proxies = [\"127.0.0.0/8\"]")
        .section("[limits]\nconnections_per_address = 5")
        .start()
        .await;
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut wire = stack.anon().wire().await;
        assert!(public(&stack, &mut wire).await.is_some());
        open.push(wire);
    }
    assert!(refused(&stack, "too_many").await < 0.1);
}

/// The last request of a connection is answered with a farewell, those before it are not.
#[tokio::test]
async fn requests_of_a_connection() {
    for limit in [1, 3] {
        let stack = Stack::new()
            .section(&format!("[limits]\nrequests_per_connection = {limit}"))
            .start()
            .await;
        let mut wire = stack.anon().wire().await;
        for request in 1..=limit {
            let answer = public(&stack, &mut wire).await.expect("an answer");
            assert_eq!(answer.status, 200);
            let farewell = answer
                .header("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"));
            assert_eq!(farewell, request == limit, "{request} of {limit}");
        }
        wire.closed(5 * SECOND).await;
        assert_eq!(stack.echo.count(), limit);
        assert!(one_more(&stack).await, "on a new connection");
    }
}
