//! Bodies and event streams pass as they come, in both directions, in flat memory.

use std::time::{Duration, Instant};

use doorward_tests::{Ask, Echo, Site, Stack, Visitor, Wire, long, say, until, within};

const MIB: usize = 1024 * 1024;

fn large() -> usize {
    if long() { 5 * 1024 * MIB } else { 64 * MIB }
}

/// Reads a body to its end, comparing every byte with what `expected` says for its offset; how long it was.
async fn read_all(wire: &mut Wire, stack: &Stack, expected: impl Fn(usize) -> u8) -> (usize, u64) {
    let (mut offset, mut peak) = (0, 0);
    let mut next_look = 0;
    while let Some(piece) = wire.piece().await {
        for (index, byte) in piece.iter().enumerate() {
            assert_eq!(*byte, expected(offset + index), "at {}", offset + index);
        }
        offset += piece.len();
        if offset >= next_look {
            peak = peak.max(stack.gateway().memory());
            next_look = offset + 4 * MIB;
        }
    }
    (offset, peak)
}

fn flat(what: &str, before: u64, peak: u64) {
    say(&format!(
        "{what}: {} MiB through the gateway, memory {before} KiB before, {peak} KiB at most",
        large() / MIB
    ));
    assert!(
        peak < before + 48 * 1024,
        "{what}: memory grew from {before} to {peak} KiB"
    );
}

#[tokio::test]
async fn a_large_answer() {
    let stack = Stack::new().start().await;
    let anna = stack.sign_in("anna").await;
    let before = stack.gateway().memory();
    let mut wire = anna.wire().await;
    wire.send(&anna.bytes(&Ask::get(&format!("/big?{}", large()))))
        .await;
    let head = wire.head().await.expect("an answer");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some(large().to_string().as_str()))
    );
    let (length, peak) = read_all(&mut wire, &stack, Echo::pattern).await;
    assert_eq!(length, large());
    flat("an answer", before, peak);
}

#[tokio::test]
async fn a_large_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = std::fs::File::create(folder.path().join("large.bin")).expect("a file");
    file.set_len(u64::try_from(large()).expect("a length"))
        .expect("a sparse file");
    let site = Site::new().upstream(&format!("files:{}", folder.path().display()));
    let stack = Stack::new().site(site).start().await;
    let anna = stack.sign_in("anna").await;
    let before = stack.gateway().memory();
    let mut wire = anna.wire().await;
    wire.send(&anna.bytes(&Ask::get("/large.bin"))).await;
    let head = wire.head().await.expect("an answer");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some(large().to_string().as_str()))
    );
    let (length, peak) = read_all(&mut wire, &stack, |_| 0).await;
    assert_eq!(length, large());
    flat("a file", before, peak);
}

#[tokio::test]
async fn a_large_request() {
    let stack = Stack::new().start().await;
    let anna = stack.sign_in("anna").await;
    let before = stack.gateway().memory();
    let mut wire = anna.wire().await;
    let ask = Ask::new("PUT", "/upload").header("Content-Length", &large().to_string());
    wire.send(&anna.bytes(&ask)).await;
    let block: Vec<u8> = (0..MIB).map(Echo::pattern).collect();
    let (mut left, mut peak) = (large(), 0);
    while left > 0 {
        let take = left.min(block.len());
        wire.send(&block[..take]).await;
        left -= take;
        peak = peak.max(stack.gateway().memory());
    }
    assert_eq!(wire.answer_to("PUT").await.expect("an answer").status, 200);
    let seen = stack.echo.last();
    assert_eq!((seen.body_length(), seen.is_complete()), (large(), true));
    assert_eq!(seen.body(), &block[..seen.body().len()]);
    flat("a request", before, peak);
}

/// The first half of a body is at the site before the second half exists.
#[tokio::test]
async fn a_body_is_passed_on_as_it_comes() {
    let stack = Stack::new().start().await;
    let anna = stack.sign_in("anna").await;
    let mut wire = anna.wire().await;
    let ask = Ask::new("POST", "/upload").header("Transfer-Encoding", "chunked");
    wire.send(&anna.bytes(&ask)).await;
    wire.send(b"5\r\nfirst\r\n").await;
    until(
        "the first half has arrived",
        Duration::from_secs(5),
        async || {
            stack
                .echo
                .seen()
                .last()
                .is_some_and(|seen| seen.body() == b"first")
                .then_some(())
        },
    )
    .await;
    assert!(!stack.echo.last().is_complete());
    wire.send(b"7\r\n second\r\n0\r\n\r\n").await;
    assert_eq!(wire.answer_to("POST").await.expect("an answer").status, 200);
    assert_eq!(stack.echo.last().body(), b"first second");
}

async fn listen(person: &Visitor, stack: &Stack) -> Wire {
    let mut wire = person.wire().await;
    wire.send(&person.bytes(&Ask::get("/events").header("Accept", "text/event-stream")))
        .await;
    let head = within(
        "the stream begins at once",
        Duration::from_secs(5),
        wire.head(),
    )
    .await
    .expect("an answer");
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("text/event-stream"))
    );
    until("the site streams", Duration::from_secs(5), async || {
        (stack.echo.tell("hello") > 0).then_some(())
    })
    .await;
    wire
}

async fn hears(wire: &mut Wire, text: &str) {
    let mut heard = String::new();
    within("an event arrives at once", Duration::from_secs(2), async {
        while !heard.contains(&format!("data: {text}\n\n")) {
            let piece = wire.piece().await.expect("the stream goes on");
            heard.push_str(&String::from_utf8_lossy(&piece));
        }
    })
    .await;
}

on_both_stores! {
    /// Events arrive one by one as they happen, and stop when the session does.
    async fn events(plan) {
        let stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let ben = stack.sign_in("ben").await;
        let mut annas = listen(&anna, &stack).await;
        let mut bens = listen(&ben, &stack).await;
        for number in 0..5 {
            let text = format!("event {number}");
            assert!(stack.echo.tell(&text) >= 2);
            hears(&mut annas, &text).await;
            hears(&mut bens, &text).await;
        }
        let start = Instant::now();
        anna.sign_out().await;
        annas.closed(Duration::from_secs(5)).await;
        say(&format!("an idle event stream was closed {:?} after: logout", start.elapsed()));
        assert!(stack.echo.tell("still here") >= 1);
        hears(&mut bens, "still here").await;
    }

    /// A download that is under way ends with the session.
    async fn a_download_ends_with_the_session(plan) {
        let stack = plan.start().await;
        let anna = stack.sign_in("anna").await;
        let mut wire = anna.wire().await;
        wire.send(&anna.bytes(&Ask::get(&format!("/big?{}", 1024 * MIB)))).await;
        assert_eq!(wire.head().await.expect("an answer").status, 200);
        assert!(wire.piece().await.is_some());
        // Nobody reads on: the download stalls, and is cut all the same.
        let _ = stack.command(&["user", "disable", "anna"]).await.exits(0);
        let start = Instant::now();
        let metric = "doorward_http_requests_in_flight";
        until("the download is over", Duration::from_secs(6), async || {
            (stack.gateway().metric(metric).await == Some(0.0)).then_some(())
        })
        .await;
        say(&format!("a stalled download was closed {:?} after: disable", start.elapsed()));
    }
}
