//! HTTP/2 as an attacker speaks it: bounded, and in nobody's way.

use std::time::{Duration, Instant};

use super::checks::load::{steady, steady_while};
use doorward_tests::frames::{END_HEADERS, END_STREAM, Frames, fields, frame, kind};
use doorward_tests::{Ask, Gateway, Numbers, Plan, Speech, Stack, Visitor, long, say, until};
use futures_util::future::join_all;

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "app.test";
const MIB: u64 = 1024;

/// Who was sent away.
const TOO_MANY: &str = "doorward_requests_refused_total{reason=\"too_many\"}";

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

/// How requests are reset.
#[derive(Clone, Copy)]
enum Reset {
    /// In the breath that opens them.
    Unseen,
    /// As soon as the gateway has them.
    Begun,
}

/// Opens and resets so many requests at once, again and again, `most` of them within `limit`; whoever is sent away comes
/// again. How many were sent.
async fn reset_rapidly(visitor: &Visitor, how: (Reset, u32), most: u32, limit: Duration) -> u32 {
    let head = head("/public/x");
    let (how, burst) = how;
    let mut next = tokio::time::interval(limit * burst / most);
    let mut sent = 0;
    while sent < most {
        let mut frames = Frames::of(visitor).await;
        let mut stream = 1;
        while sent < most {
            next.tick().await;
            let streams = (stream..).step_by(2).take(burst as usize);
            stream += 2 * burst;
            let open = |stream| frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &head);
            let reset = |stream| frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]);
            let resets: Vec<u8> = match how {
                Reset::Unseen => streams
                    .flat_map(|at| [open(at), reset(at)])
                    .flatten()
                    .collect(),
                Reset::Begun => {
                    let opened: Vec<u8> = streams.clone().flat_map(open).collect();
                    if !frames.send(&opened).await || !frames.ping().await {
                        break;
                    }
                    streams.flat_map(reset).collect()
                }
            };
            if !frames.send(&resets).await {
                break;
            }
            sent += burst;
            // Only what was read counts for something.
            if !frames.ping().await {
                break;
            }
        }
    }
    sent
}

/// Resets `most` requests in three manners: more at once than may wait unseen, fewer, and such as are on their way to
/// the upstream. On a thread that gives way, as if they had a machine of theirs.
fn attack(attackers: Visitor, most: u32, limit: Duration) -> std::thread::JoinHandle<u32> {
    std::thread::spawn(move || {
        let _ = rustix::process::nice(19);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let hows = [
            (Reset::Unseen, 100),
            (Reset::Unseen, 10),
            (Reset::Begun, 10),
        ];
        let all = hows.map(|how| reset_rapidly(&attackers, how, most / 3, limit));
        let sent = runtime.expect("a runtime").block_on(join_all(all));
        sent.into_iter().sum::<u32>()
    })
}

/// Fifty thousand requests that are opened and reset (CVE-2023-44487), by some who come again when they are sent away:
/// others are served as before, and the process does not grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a33_rapid_reset() {
    let stack = plan().gateways(2).start().await;
    let (most, limit) = if long() {
        (51_000, 25 * SECOND)
    } else {
        (3_000, 2 * SECOND)
    };
    let visitor = stack.secure(Speech::Http1, HOST);
    let usual = if long() { limit } else { SECOND };
    let alone = steady(&visitor, "/public/x", 100, usual).await;
    // What the machine costs is not what the gateway costs: first the attack goes to another.
    let gate =
        |gateway: &Gateway| Visitor::secure(gateway.tls(), HOST, stack.authority(), Speech::Http2);
    let elsewhere = attack(gate(&stack.gateways[1]), most, limit);
    let beside_other = steady_while(&visitor, "/public/x", 100, || !elsewhere.is_finished()).await;
    assert!(elsewhere.join().expect("an attack") >= most);

    let before = stack.gateway().memory();
    let sent_away = stack.gateway().metric(TOO_MANY).await;
    let attack = attack(gate(stack.gateway()), most, limit);
    let mut peak = before;
    let start = Instant::now();
    let beside = steady_while(&visitor, "/public/x", 100, || {
        peak = peak.max(stack.gateway().memory());
        !attack.is_finished()
    })
    .await;
    let (sent, took) = (attack.join().expect("an attack"), start.elapsed());
    alone.report("honest requests, alone");
    beside_other.report("honest requests while another gateway's are reset");
    beside.report("honest requests beside reset ones");
    say(&format!(
        "{sent} reset requests in {took:?}, memory {before} KiB before, {peak} KiB at most"
    ));
    assert!(sent >= most, "{sent}");
    assert!(peak < before + GROWTH, "from {before} to {peak} KiB");
    beside.is_under_twice(&beside_other);
    assert!(stack.gateway().metric(TOO_MANY).await > sent_away);
    let log = stack.gateway().log();
    let error = log.lines().find(|line| line.contains("ERROR"));
    assert_eq!(error, None);
    until("nothing is in flight", 5 * SECOND, async || {
        let flying = stack.gateway().metric("doorward_http_requests_in_flight");
        flying.await.is_some_and(|count| count < 0.5).then_some(())
    })
    .await;
}

/// Whoever leaves a page before it is there resets what is on its way, and is not sent away for it.
#[tokio::test]
async fn a33_resetting_now_and_then() {
    let stack = plan().start().await;
    let mut frames = Frames::of(&stack.secure(Speech::Http2, HOST)).await;
    let mut stream = 1;
    for _ in 0..4 {
        let streams = (stream..).step_by(2).take(100);
        stream += 200;
        let open = |stream| {
            frame(
                kind::HEADERS,
                END_HEADERS | END_STREAM,
                stream,
                &head("/public/hold"),
            )
        };
        let opened: Vec<u8> = streams.clone().flat_map(open).collect();
        let before = stack.echo.count();
        assert!(frames.send(&opened).await);
        until("all are on their way", 5 * SECOND, async || {
            (stack.echo.count() == before + 100).then_some(())
        })
        .await;
        let reset = |stream| frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]);
        let resets: Vec<u8> = streams.flat_map(reset).collect();
        assert!(frames.send(&resets).await && frames.ping().await);
    }
    let last = frame(
        kind::HEADERS,
        END_HEADERS | END_STREAM,
        stream,
        &head("/public/x"),
    );
    assert!(frames.send(&last).await);
    let answer = frames.outcome(stream).await.expect("an answer");
    assert_eq!(answer.status(), Some(200));
}

/// A head without end (CVE-2024-27316 and its like).
#[tokio::test]
async fn a33_continuation_flood() {
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
async fn a33_settings_and_pings() {
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
async fn a33_empty_data() {
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
