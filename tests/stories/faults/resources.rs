//! The machine runs short: of file descriptors, of memory, of room on the disk. What cannot be done is refused, nothing
//! is done by half, and when there is enough again everything works by itself.

use std::time::{Duration, Instant};

use doorward_tests::{Ask, PASSWORD, Stack, Visitor, Wire, until};
use rustix::process::Resource;

const RECOVERED: Duration = Duration::from_secs(5);
const NEW: &str = "quite-another-77-umbrella";

async fn register(visitor: &mut Visitor) -> u16 {
    let fields = [
        ("username", "ghost"),
        ("email", "ghost@example.com"),
        ("password", PASSWORD),
    ];
    visitor.form("/_auth/register", &fields).await.status
}

/// Connections on which somebody has asked once, and may ask again.
async fn kept(visitor: &Visitor, status: u16) -> Vec<Wire> {
    let mut all = Vec::new();
    for _ in 0..5 {
        let mut wire = visitor.wire().await;
        let ask = visitor.bytes(&Ask::page("/page"));
        let answer = wire.exchange(&ask).await.expect("an answer");
        assert_eq!(answer.status, status);
        all.push(wire);
    }
    all
}

/// No descriptor is left for one more connection, from outside or to the site: nobody gets in by it, and what is open
/// is answered.
#[tokio::test]
async fn descriptors() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    let gateway = stack.gateway();
    let stranger = stack.anon();
    let inside = kept(&anna, 200).await;
    let outside = kept(&stranger, 302).await;

    let room = u64::try_from(gateway.open_files()).expect("a number") + 12;
    let was = gateway.limit(Resource::Nofile, room);
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(anna.wire().await);
    }
    // It cannot be counted: whoever waits for a connection has one already, which is listed nowhere.
    until("none is left", RECOVERED, async || {
        logged(&stack, "Too many open files").then_some(())
    })
    .await;
    // Every connection to the site that could be reused is in use.
    let mut held = Vec::new();
    for one in &mut crowd[..2] {
        one.send(&anna.bytes(&Ask::page("/hold"))).await;
        held.push(one);
    }
    for (mut wire, mut door) in inside.into_iter().zip(outside) {
        let before = stack.echo.count();
        let answer = wire
            .exchange(&anna.bytes(&Ask::page("/page")))
            .await
            .expect("an answer");
        assert!(
            matches!(answer.status, 200 | 502 | 503),
            "{}",
            answer.status
        );
        if answer.status != 200 {
            let seen = stack.echo.seen();
            assert!(
                seen.iter()
                    .skip(before)
                    .all(|seen| seen.target() == "/hold")
            );
            assert!(!answer.text().contains("anna"));
        }
        let answer = door.exchange(&stranger.bytes(&Ask::page("/page"))).await;
        assert_eq!(answer.expect("an answer").status, 302, "a stranger is one");
    }
    stack.echo.release();
    drop(crowd);
    until("it works again, as short as it is", RECOVERED, async || {
        let answer = anna.try_send(&Ask::page("/page")).await;
        answer.filter(|answer| answer.status == 200)
    })
    .await;
    gateway.lift(Resource::Nofile, was);
    assert_eq!(stack.again("anna").await.page("/page").await.status, 200);
}

/// No memory is left for a hash: who signs in is asked to come back, and who is signed in goes on.
#[tokio::test]
async fn memory() {
    let plan = Stack::new().gateways(2).section(
        "[password]\nmemory = \"64MiB\"\niterations = 1\nconcurrency = 2\n[throttle]\naddress_failures = 1000",
    );
    // The allocator reserves a gigabyte of addresses that it may never fill; here it is to ask for each as it comes.
    let plan = plan.variable("MIMALLOC_DISALLOW_ARENA_ALLOC", "1");
    let stack = plan.start().await;
    // At the one that has enough.
    let anna = stack.sign_in("anna").await;
    let short = &stack.gateways[1];
    let mut there = anna.also_at(short.gate());
    assert_eq!(there.page("/page").await.status, 200);
    let was = short.limit(Resource::As, short.address_space() + 40 * 1024 * 1024);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut newcomer = Visitor::at(short.gate());
        tasks.spawn(async move {
            let answer = newcomer.try_sign_in("anna", PASSWORD).await;
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert!(answer.header("retry-after").is_some());
            assert!(!newcomer.has_token());
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("refused");
        assert_eq!(there.page("/page").await.status, 200);
    }
    assert_eq!(register(&mut Visitor::at(short.gate())).await, 503);
    short.lift(Resource::As, was);
    let mut again = Visitor::at(short.gate());
    again.sign_in("anna", PASSWORD).await;
    assert_eq!(again.page("/page").await.status, 200);
    assert_eq!(register(&mut Visitor::at(short.gate())).await, 303);
}

/// What stands in the log of this.
fn logged(stack: &Stack, text: &str) -> bool {
    stack.gateway().log().contains(text)
}

on_both_stores! {
    /// Nothing can be written to any file: as on a full disk.
    async fn disk(plan) {
        let stack = plan.section("[throttle]\naddress_failures = 1000").start().await;
        if !stack.database().starts_with("sqlite:") {
            return;
        }
        let gateway = stack.gateway();
        let mut anna = stack.sign_in("anna").await;
        let mut fresh = stack.again("anna").await;
        assert_eq!(anna.page("/before").await.status, 200);
        until("it is logged", RECOVERED, async || logged(&stack, "/before").then_some(())).await;

        let change = [("current", PASSWORD), ("password", NEW)];
        let was = gateway.limit(Resource::Fsize, 0);
        for _ in 0..3 {
            let before = stack.echo.count();
            let asked = Instant::now();
            let mut newcomer = stack.anon();
            assert_eq!(newcomer.try_sign_in("anna", PASSWORD).await.status, 503);
            assert!(!newcomer.has_token());
            assert_eq!(register(&mut newcomer).await, 503);
            let answer = anna.form("/_auth/account/password", &change).await;
            assert_eq!(answer.status, 503, "{} {}", answer.location(), answer.text());
            assert!(asked.elapsed() < RECOVERED, "{:?}", asked.elapsed());
            assert_eq!(stack.echo.count(), before, "the site saw nothing");
            for visitor in [&mut anna, &mut fresh] {
                assert_eq!(visitor.page("/page").await.status, 200, "signed in");
            }
            assert_eq!(stack.anon().page("/page").await.status, 302);
        }
        gateway.lift(Resource::Fsize, was);

        until("somebody can sign in again", RECOVERED, async || {
            (stack.anon().try_sign_in("anna", PASSWORD).await.status == 303).then_some(())
        })
        .await;
        gateway.readiness(200, RECOVERED).await;
        let people = stack.command(&["user", "list", "--json"]).await.exits(0);
        assert!(!people.out.contains("ghost"), "{}", people.out);
        assert_eq!(register(&mut stack.anon()).await, 303);
        assert_eq!(anna.form("/_auth/account/password", &change).await.status, 303);
        assert_eq!(stack.anon().try_sign_in("anna", PASSWORD).await.status, 401);
        assert_eq!(stack.anon().try_sign_in("anna", NEW).await.status, 303);
        assert_eq!(anna.page("/after").await.status, 200);
        until("the log goes on", RECOVERED, async || logged(&stack, "/after").then_some(())).await;
    }
}
