//! The link by which a gateway is told of changes, broken on purpose: what it remembers is not believed then.

use std::time::{Duration, Instant};

use doorward_tests::{Numbers, RedisServer, Rule, Stack, Visitor, long, until};

/// The promise for anything that is over.
const PROMISE: Duration = Duration::from_secs(1);

/// The keys in Redis that came with what `act` did.
async fn new_keys<T>(redis: &RedisServer, act: impl Future<Output = T>) -> (T, Vec<Vec<u8>>) {
    let before = redis.keys().await;
    let done = act.await;
    let mut keys = redis.keys().await;
    keys.retain(|key| !before.contains(key));
    assert!(!keys.is_empty(), "nothing new in Redis");
    (done, keys)
}

/// Asks until it is not let in any more, and sees that it stays so.
async fn shut(visitor: &mut Visitor) -> Duration {
    let start = Instant::now();
    until("the deleted session is refused", PROMISE, async || {
        let status = visitor.page("/page").await.status;
        assert!(matches!(status, 200 | 302 | 503), "{status}");
        (status != 200).then_some(())
    })
    .await;
    let took = start.elapsed();
    for _ in 0..10 {
        assert_ne!(
            visitor.page("/page").await.status,
            200,
            "refused once, let in later"
        );
    }
    took
}

/// The watch connections are killed again and again while everything else works; then the session is deleted.
#[tokio::test]
async fn a66_cut_again_and_again() {
    let stack = Stack::new()
        .store(doorward_tests::Store::Redis)
        .start()
        .await;
    let (mut anna, keys) = new_keys(stack.redis(), stack.sign_in("anna")).await;
    let mut ben = stack.sign_in("ben").await;
    assert_eq!(anna.page("/page").await.status, 200);
    let cutting = stack.redis().keep_cutting_watchers();
    stack.redis().delete(&keys).await;
    let took = shut(&mut anna).await;
    doorward_tests::say(&format!(
        "watch killed every 10 ms: the deleted session was refused after {took:?}"
    ));
    let status = ben.page("/page").await.status;
    assert!(
        matches!(status, 200 | 503),
        "others are read through, or wait: {status}"
    );
    cutting.abort();
    until(
        "the others are let in again",
        Duration::from_secs(5),
        async || (ben.page("/page").await.status == 200).then_some(()),
    )
    .await;
    assert_eq!(anna.page("/page").await.status, 302);
}

/// The worst: the watch connection stands, but nothing comes through any more.
#[tokio::test]
async fn silently_dead() {
    let stack = Stack::new().faulty_redis().start().await;
    let mut numbers = Numbers::default();
    for _ in 0..if long() { 50 } else { 5 } {
        let name = format!("anna{}", stack.echo.count());
        let (mut anna, keys) = new_keys(stack.redis(), stack.sign_in(&name)).await;
        assert_eq!(anna.page("/page").await.status, 200);
        stack.faults().watch(Rule::Silent);
        stack.redis().delete(&keys).await;
        numbers.add(shut(&mut anna).await);
        stack.faults().watch(Rule::Cut);
        assert_ne!(anna.page("/page").await.status, 200);
        stack.faults().watch(Rule::Pass);
        assert_eq!(
            stack
                .gateway()
                .metric("doorward_session_link_up")
                .await
                .map(|up| up <= 1.0),
            Some(true)
        );
        until("the link is back", Duration::from_secs(5), async || {
            (stack.gateway().metric("doorward_session_link_up").await == Some(1.0)).then_some(())
        })
        .await;
        assert_eq!(
            anna.page("/page").await.status,
            302,
            "and nothing stale is left"
        );
    }
    numbers.report("watch silently dead: the deleted session was refused");
}

/// The race that leaves naive caches stale: the store's answer to a read is on its way while the session is deleted.
#[tokio::test]
async fn an_answer_that_comes_too_late() {
    let stack = Stack::new().faulty_redis().gateways(2).start().await;
    stack.add_person("anna", &[]).await;
    for round in 0..if long() { 200 } else { 20 } {
        let (anna, keys) = new_keys(stack.redis(), stack.again("anna")).await;
        let faults = stack.faults();
        let before = faults.held();
        faults.data(Rule::HoldReplies);
        // The second gateway has never seen this session: it has to read, and the answer is kept back.
        let mut there = anna.also_at(stack.gateways[1].gate());
        let mut asking = there.clone();
        let first = tokio::spawn(async move { asking.page("/page").await.status });
        until(
            "the read is under way",
            Duration::from_secs(2),
            async || (faults.held() > before).then_some(()),
        )
        .await;
        stack.redis().delete(&keys).await;
        // The news travels on the watch, which is not held; only then the old answer arrives.
        let pushed = Instant::now();
        until("the news has arrived", Duration::from_secs(2), async || {
            (pushed.elapsed() > Duration::from_millis(50)).then_some(())
        })
        .await;
        faults.data(Rule::Pass);
        let first = first.await.expect("asked");
        assert!(matches!(first, 200 | 302 | 503), "{first}");
        let second = there.page("/page").await.status;
        assert!(
            matches!(second, 302 | 503),
            "round {round}: let in with what was deleted ({second})"
        );
    }
}

/// Touches of `last_seen` and blips of the link close nothing and sign nobody out.
#[tokio::test]
async fn a_touch_and_a_blip_close_nothing() {
    let stack = Stack::new().faulty_redis().gateways(2).start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut there = anna.also_at(stack.gateways[1].gate());
    let mut socket = anna.websocket("/ws").await.expect("a WebSocket");
    let mut far = there.websocket("/ws").await.expect("a WebSocket");
    socket.is_alive().await;
    far.is_alive().await;
    let told = stack
        .gateway()
        .metric("doorward_session_cache_invalidations_total")
        .await;
    for _ in 0..20 {
        assert_eq!(
            (
                anna.page("/page").await.status,
                there.page("/page").await.status
            ),
            (200, 200)
        );
    }
    let after = stack
        .gateway()
        .metric("doorward_session_cache_invalidations_total")
        .await;
    assert_eq!(told, after, "a touch is no change");
    for rule in [Rule::Cut, Rule::Silent, Rule::Cut] {
        stack.faults().watch(rule);
        let blip = Instant::now();
        until("a short blip", Duration::from_secs(3), async || {
            assert_ne!(
                anna.page("/page").await.status,
                302,
                "nobody is signed out by a blip"
            );
            (blip.elapsed() > Duration::from_secs(1)).then_some(())
        })
        .await;
        stack.faults().watch(Rule::Pass);
        stack.gateway().readiness(200, Duration::from_secs(5)).await;
        socket.is_alive().await;
        far.is_alive().await;
    }
    until(
        "everything is as before",
        Duration::from_secs(5),
        async || {
            (anna.page("/page").await.status == 200 && there.page("/page").await.status == 200)
                .then_some(())
        },
    )
    .await;
}

/// An idle WebSocket of a session that was deleted while the link was down is closed all the same.
#[tokio::test]
async fn deleted_during_a_blip() {
    let stack = Stack::new().faulty_redis().start().await;
    let (anna, keys) = new_keys(stack.redis(), stack.sign_in("anna")).await;
    let ben = stack.sign_in("ben").await;
    let mut socket = anna.websocket("/ws").await.expect("a WebSocket");
    let mut bens = ben.websocket("/ws").await.expect("a WebSocket");
    socket.is_alive().await;
    stack.faults().watch(Rule::Cut);
    stack.redis().delete(&keys).await;
    socket.closed(Duration::from_secs(5)).await;
    bens.is_alive().await;
    stack.faults().watch(Rule::Pass);
    bens.is_alive().await;
}
