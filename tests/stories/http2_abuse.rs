//! HTTP/2 as an attacker speaks it: bounded, and in nobody's way.

use std::time::{Duration, Instant};

use doorward_tests::frames::{END_HEADERS, END_STREAM, Frames, fields, frame, kind};
use doorward_tests::{Ask, Numbers, Plan, Speech, Stack, long, say};

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "app.test";
const MIB: u64 = 1024;

/// Most KiB that the process may grow by.
const GROWTH: u64 = 64 * MIB;

fn plan() -> Plan {
    Stack::new().tls(&[HOST])
}

fn head(target: &str) -> Vec<u8> {
    fields(&[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", HOST),
        (":path", target),
    ])
}

/// Runs an attack again and again, while honest people ask: they are answered, and the process does not grow.
async fn withstands(stack: &Stack, what: &str, attack: impl AsyncFn(Frames)) {
    let visitor = stack.secure(Speech::Http2, HOST);
    let honest = async |limit: Duration| {
        let connection = visitor.together().await.expect("HTTP/2");
        let start = Instant::now();
        let mut numbers = Numbers::default();
        while start.elapsed() < limit {
            let asked = Instant::now();
            let answer = connection.send(HOST, &Ask::get("/public/x")).await;
            assert_eq!(answer.expect("served").status, 200);
            numbers.add(asked.elapsed());
        }
        numbers
    };
    let limit = if long() { 20 * SECOND } else { 2 * SECOND };
    honest(SECOND).await;
    let before = stack.gateway().memory();
    let mut attacks = 0;
    let attacking = async {
        loop {
            attack(Frames::of(&visitor).await).await;
            attacks += 1;
        }
    };
    let numbers = tokio::select! {
        numbers = honest(limit) => numbers,
        () = attacking => unreachable!(),
    };
    let after = stack.gateway().memory();
    numbers.report(&format!("honest requests while there is {what}"));
    say(&format!(
        "{what}: {attacks} times, memory {before} KiB before, {after} KiB after"
    ));
    assert!(
        after < before + GROWTH,
        "{what}: from {before} to {after} KiB"
    );
    assert!(numbers.max() < 5 * SECOND, "{what}: {:?}", numbers.max());
    let log = stack.gateway().log();
    assert!(!log.contains("ERROR"), "{what} fills the log");
}

/// Requests that are opened and reset at once (CVE-2023-44487).
#[tokio::test]
async fn rapid_reset() {
    let stack = plan().start().await;
    let most = if long() { 50_000 } else { 2_000 };
    withstands(&stack, "rapid reset", async |mut frames| {
        let head = head("/public/x");
        let mut bytes = Vec::new();
        for index in 0..most {
            let stream = index * 2 + 1;
            bytes.extend(frame(
                kind::HEADERS,
                END_HEADERS | END_STREAM,
                stream,
                &head,
            ));
            bytes.extend(frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]));
            if bytes.len() > 16 * 1024 {
                if !frames.send(&bytes).await {
                    return;
                }
                bytes.clear();
            }
        }
        frames.send(&bytes).await;
    })
    .await;
    // What reached the upstream is a fraction: the connection ends before.
    assert!(
        stack
            .gateway()
            .metric("doorward_http_requests_in_flight")
            .await
            < Some(200.0)
    );
}

/// A head without end (CVE-2024-27316 and its like).
#[tokio::test]
async fn continuation_flood() {
    let stack = plan().start().await;
    let padding = "x".repeat(8000);
    let more = fields(&[("x-a", &padding), ("x-b", &padding)]);
    withstands(&stack, "a flood of CONTINUATION", async |mut frames| {
        frames
            .send(&frame(kind::HEADERS, END_STREAM, 1, &head("/public/x")))
            .await;
        for _ in 0..10_000 {
            if !frames.send(&frame(kind::CONTINUATION, 0, 1, &more)).await {
                return;
            }
        }
    })
    .await;
    let empty = frame(kind::CONTINUATION, 0, 1, &[]).repeat(1000);
    withstands(
        &stack,
        "a flood of empty CONTINUATION",
        async |mut frames| {
            frames
                .send(&frame(kind::HEADERS, END_STREAM, 1, &head("/public/x")))
                .await;
            for _ in 0..1000 {
                if !frames.send(&empty).await {
                    return;
                }
            }
        },
    )
    .await;
}

/// Settings and pings, each of which wants an answer that nobody reads.
#[tokio::test]
async fn settings_and_pings() {
    let stack = plan().start().await;
    for (what, one) in [
        (
            "a flood of SETTINGS",
            frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]),
        ),
        ("a flood of PING", frame(kind::PING, 0, 0, &[7; 8])),
    ] {
        let many = one.repeat(500);
        withstands(&stack, what, async |mut frames| {
            let flood = async { while frames.send(&many).await {} };
            // Whoever does not read is not written to for ever.
            let _ = tokio::time::timeout(SECOND / 2, flood).await;
        })
        .await;
    }
}

/// Empty pieces of a body, which cost their sender nothing.
#[tokio::test]
async fn empty_data() {
    let stack = plan().start().await;
    let post = fields(&[
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", HOST),
        (":path", "/public/x"),
    ]);
    let many = frame(kind::DATA, 0, 1, &[]).repeat(2000);
    withstands(&stack, "a flood of empty DATA", async |mut frames| {
        frames
            .send(&frame(kind::HEADERS, END_HEADERS, 1, &post))
            .await;
        for _ in 0..500 {
            if !frames.send(&many).await {
                return;
            }
        }
    })
    .await;
}
