//! Crashes, restarts and orderly stops: nobody is signed out, nothing open is cut.

use std::time::{Duration, Instant};

use doorward_tests::{Ask, PASSWORD, Stack, say};

on_both_stores! {
    /// Killed without warning and started again.
    async fn killed(plan) {
        let mut stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let mut ben = stack.anon();
        let fields = [("login", "anna"), ("password", PASSWORD), ("remember", "on")];
        assert_eq!(ben.form("/_auth/login", &fields).await.status, 303);
        let mut newest = stack.anon();
        let register = [("username", "cleo"), ("email", "cleo@example.com"), ("password", PASSWORD)];
        assert_eq!(newest.form("/_auth/register", &register).await.status, 303);
        stack.gateway_mut().kill().await;
        stack.gateway_mut().start_again();
        stack.gateway_mut().ready().await;
        for visitor in [&mut anna, &mut ben, &mut newest] {
            assert_eq!(visitor.page("/page").await.status, 200, "still signed in");
        }
        stack.again("cleo").await;
        anna.sign_out().await;
        stack.gateway_mut().kill().await;
        stack.gateway_mut().start_again();
        stack.gateway_mut().ready().await;
        assert_eq!(anna.page("/page").await.status, 302, "what was ended stays ended");
    }

    /// Asked to stop with nothing open it stops at once, idle connections and watches notwithstanding.
    async fn stops_at_once(plan) {
        let mut stack = plan.server("drain = \"30s\"").start().await;
        let anna = stack.sign_in("anna").await;
        let mut idle = anna.wire().await;
        assert_eq!(idle.exchange(&anna.bytes(&Ask::get("/page"))).await.expect("an answer").status, 200);
        let start = Instant::now();
        stack.gateway().ask_to_stop();
        let status = stack.gateway_mut().ended(Duration::from_secs(10)).await;
        let took = start.elapsed();
        say(&format!("stopped after {took:?} with nothing open"));
        assert!(status.success(), "{status}");
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

/// What is under way is finished first, and new visitors are told that this one is leaving.
#[tokio::test]
async fn finishes_what_is_open() {
    let mut stack = Stack::new().server("drain = \"20s\"").start().await;
    let anna = stack.sign_in("anna").await;
    let before = stack.echo.count();
    let mut wire = anna.wire().await;
    wire.send(&anna.bytes(&Ask::get("/hold"))).await;
    doorward_tests::until(
        "the request is under way",
        Duration::from_secs(5),
        async || (stack.echo.count() > before).then_some(()),
    )
    .await;
    stack.gateway().ask_to_stop();
    stack.gateway().readiness(503, Duration::from_secs(3)).await;
    stack.echo.release();
    let answer = wire
        .answer_to("GET")
        .await
        .expect("the open request is answered");
    assert_eq!(answer.status, 200);
    let start = Instant::now();
    let status = stack.gateway_mut().ended(Duration::from_secs(10)).await;
    assert!(status.success(), "{status}");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

/// A WebSocket does not keep it for ever: `drain` is the longest wait.
#[tokio::test]
async fn drain_is_the_longest_wait() {
    let mut stack = Stack::new().server("drain = \"2s\"").start().await;
    let anna = stack.sign_in("anna").await;
    let mut socket = anna.websocket("/ws").await.expect("a WebSocket");
    socket.is_alive().await;
    let start = Instant::now();
    stack.gateway().ask_to_stop();
    stack.gateway_mut().ended(Duration::from_secs(12)).await;
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    socket.closed(Duration::from_secs(1)).await;
}
