//! One Redis server dies and another takes its place: behind Sentinel, and in a cluster. Nobody is signed out, nobody
//! is let in on what cannot be proven, and what ends afterwards ends everywhere.

use std::time::{Duration, Instant};

use doorward_tests::{RedisCluster, RedisSentinel, RedisServer, Stack, Visitor, say, until};

/// What was remembered is believed no longer than this after the loss.
const PROMISE: Duration = Duration::from_secs(1);
/// Within this everything works again by itself, most of it Redis' own election.
const RECOVERED: Duration = Duration::from_secs(30);

async fn stack(section: &str) -> Stack {
    Stack::new().gateways(2).section(section).start().await
}

/// Everybody, at both gateways.
async fn everybody(stack: &Stack) -> Vec<Visitor> {
    let mut all = Vec::new();
    for name in ["anna", "ben", "cleo", "dora"] {
        let here = stack.sign_in(name).await;
        all.push(here.also_at(stack.gateways[1].gate()));
        all.push(here);
    }
    for visitor in &mut all {
        assert_eq!(visitor.page("/page").await.status, 200);
    }
    all
}

/// Asks for everybody until all are let in again. Who is told 503 has seen nothing of the site.
async fn all_come_back(stack: &Stack, name: &str, killed: Instant, all: &mut [Visitor]) {
    let mut first_refusal = None;
    let mut last_refusal = None;
    until("everybody is let in again", RECOVERED, async || {
        let mut refused = 0;
        for visitor in all.iter_mut() {
            let before = stack.echo.count();
            let answer = visitor.page("/page").await;
            let since = killed.elapsed();
            match answer.status {
                200 => assert!(
                    first_refusal.is_some() || since < PROMISE,
                    "let in {since:?} after the loss, unproven"
                ),
                503 => {
                    assert_eq!(stack.echo.count(), before, "the site saw it");
                    assert!(answer.header("retry-after").is_some());
                    first_refusal.get_or_insert(since);
                    last_refusal = Some(since);
                    refused += 1;
                }
                status => unreachable!("{status}: neither the page nor 503"),
            }
        }
        (refused == 0 && first_refusal.is_some()).then_some(())
    })
    .await;
    say(&format!(
        "{name}: refused from {:?} to {:?} after the loss",
        first_refusal.unwrap_or_default(),
        last_refusal.unwrap_or_default()
    ));
}

/// Both gateways hear of each other again.
async fn heard_again(stack: &Stack, name: &str, killed: Instant) {
    for gateway in &stack.gateways {
        until("changes are heard of again", RECOVERED, async || {
            let up = gateway.metric("doorward_session_link_up").await;
            (up == Some(1.0)).then_some(())
        })
        .await;
        gateway.readiness(200, RECOVERED).await;
    }
    say(&format!(
        "{name}: changes heard of again {:?} after the loss",
        killed.elapsed()
    ));
}

/// Who signs out here is refused there.
async fn ends_everywhere(stack: &Stack, name: &str) {
    let mut here = stack.again("anna").await;
    let mut there = here.also_at(stack.gateways[1].gate());
    assert_eq!(there.page("/page").await.status, 200);
    here.sign_out().await;
    let start = Instant::now();
    until("refused on the other gateway", PROMISE, async || {
        (there.page("/page").await.status == 302).then_some(())
    })
    .await;
    say(&format!(
        "{name}: signed out on the other gateway after {:?}",
        start.elapsed()
    ));
}

async fn keeps_a_session(node: &RedisServer) -> bool {
    let keys = node.keys().await;
    keys.iter().any(|key| key.starts_with(b"doorward:session:"))
}

#[tokio::test]
async fn behind_sentinel() {
    let name = "sentinel, master killed";
    let mut redis = RedisSentinel::start().await;
    let stack = stack(&redis.section()).await;
    let mut all = everybody(&stack).await;
    ends_everywhere(&stack, "sentinel, before").await;
    assert_eq!(redis.moved().await, 0);
    redis.master().kill().await;
    let killed = Instant::now();
    all_come_back(&stack, name, killed, &mut all).await;
    assert!(redis.moved().await > 1, "who let them in was named by most");
    heard_again(&stack, name, killed).await;
    ends_everywhere(&stack, name).await;
    for visitor in &mut all {
        assert_eq!(visitor.page("/page").await.status, 200);
    }
}

#[tokio::test]
async fn in_a_cluster() {
    let name = "cluster, node killed";
    let mut redis = RedisCluster::start().await;
    let stack = stack(&redis.section()).await;
    let mut all = everybody(&stack).await;
    ends_everywhere(&stack, "cluster, before").await;
    // Sessions of the other nodes go on. Without one on this node there would be nobody to refuse.
    while !keeps_a_session(redis.master()).await {
        all.push(stack.again("anna").await);
    }
    redis.master().kill().await;
    let killed = Instant::now();
    all_come_back(&stack, name, killed, &mut all).await;
    heard_again(&stack, name, killed).await;
    ends_everywhere(&stack, name).await;
    for visitor in &mut all {
        assert_eq!(visitor.page("/page").await.status, 200);
    }
}
