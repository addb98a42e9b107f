//! Crowds at the gate, measured: those who are inside do not feel them. The long form compares with the same run
//! without the crowd.

use std::time::{Duration, Instant};

use doorward_tests::{Ask, Numbers, PASSWORD, Stack, Visitor, long, say};
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;

const SECOND: Duration = Duration::from_secs(1);

/// Asks so many times a second for so long; how long each took.
pub async fn steady(visitor: &Visitor, target: &str, rate: u32, limit: Duration) -> Numbers {
    let start = Instant::now();
    steady_while(visitor, target, rate, || start.elapsed() < limit).await
}

/// Asks so many times a second while that is so; how long each took.
pub async fn steady_while(
    visitor: &Visitor,
    target: &str,
    rate: u32,
    mut is_so: impl FnMut() -> bool,
) -> Numbers {
    let bytes = visitor.bytes(&Ask::get(target));
    let mut wire = visitor.wire().await;
    let mut next = tokio::time::interval(SECOND / rate);
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut numbers = Numbers::default();
    while is_so() {
        next.tick().await;
        let asked = Instant::now();
        let answer = wire.exchange(&bytes).await.expect("an answer");
        numbers.add(asked.elapsed());
        assert_eq!(answer.status, 200);
        if answer
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
        {
            wire = visitor.wire().await;
        }
    }
    numbers
}

/// Five hundred heads of which a byte comes now and then: cut off in time, and in nobody's way.
#[tokio::test]
async fn a30_slow_heads_beside_honest_load() {
    if !long() {
        // `slow` has the small form.
        return;
    }
    let stack = Stack::new()
        .section("[limits]\nconnections_per_address = 2000")
        .start()
        .await;
    let visitor = stack.anon();
    let limit = 20 * SECOND;
    let alone = steady(&visitor, "/public/x", 100, limit).await;
    let slow = (0..500).map(async |_| {
        let (mut pipe, _) = stack.anon().wire().await.into_parts();
        let start = Instant::now();
        pipe.write_all(b"G").await.expect("said");
        let mut every = tokio::time::interval(5 * SECOND);
        for byte in b"ET /public/slow HTTP/1.1\r\n" {
            every.tick().await;
            let mut one = [0];
            let read = tokio::io::AsyncReadExt::read(&mut pipe, &mut one);
            let closed = tokio::time::timeout(Duration::from_millis(1), read)
                .await
                .is_ok();
            if closed || pipe.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        start.elapsed()
    });
    let (crowd, beside) = tokio::join!(join_all(slow), steady(&visitor, "/public/x", 100, limit));
    let last = crowd.into_iter().max().expect("some");
    alone.report("honest requests, alone");
    beside.report("honest requests beside 500 slow heads");
    say(&format!(
        "the last of 500 slow heads was gone after {last:?}"
    ));
    assert!(last <= 16 * SECOND, "{last:?}");
    let (alone, beside) = (alone.percentile(99), beside.percentile(99));
    assert!(
        beside < 2 * alone + Duration::from_millis(5),
        "{alone:?} {beside:?}"
    );
}

/// Two hundred sign in at once: as many as the queue holds are heard, the others told when to come again.
#[tokio::test]
async fn a35_two_hundred_sign_in() {
    // In the long form at full cost; else it is about who is told what.
    let memory = if long() { "19MiB" } else { "8MiB" };
    let password = format!(
        "[password]\nmemory = \"{memory}\"\nconcurrency = 1\n[throttle]\naddress_failures = 100000\naccount_failures = 100000"
    );
    let stack = Stack::new().section(&password).start().await;
    let anna = stack.sign_in("anna").await;
    let limit = if long() { 15 * SECOND } else { SECOND };
    let rate = if long() { 500 } else { 50 };
    let alone = steady(&anna, "/page", rate, limit).await;
    let before = stack.gateway().memory();
    let crowd = async {
        let start = Instant::now();
        let mut counts = [0; 2];
        loop {
            let all = (0..200).map(async |_| stack.anon().try_sign_in("anna", PASSWORD).await);
            for answer in join_all(all).await {
                match answer.status {
                    303 => counts[0] += 1,
                    503 => {
                        let wait = answer.header("retry-after").map(str::parse::<u32>);
                        assert!(matches!(wait, Some(Ok(1..=60))), "{wait:?}");
                        counts[1] += 1;
                    }
                    other => unreachable!("{other}"),
                }
            }
            if start.elapsed() > limit {
                return counts;
            }
        }
    };
    let (counts, beside) = tokio::join!(crowd, steady(&anna, "/page", rate, limit));
    let after = stack.gateway().memory();
    alone.report("a signed-in person, alone");
    beside.report("a signed-in person beside 200 who sign in");
    say(&format!(
        "signed in: {}, told to come again: {}; {before} KiB before, {after} KiB after",
        counts[0], counts[1]
    ));
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    assert!(after < before + 128 * 1024, "{before} {after}");
    if long() {
        let p99 = beside.percentile(99);
        assert!(p99 < Duration::from_millis(50), "{p99:?}");
    } else {
        assert!(
            beside.percentile(99) < SECOND,
            "{:?}",
            beside.percentile(99)
        );
    }
    stack.again("anna").await;
}
