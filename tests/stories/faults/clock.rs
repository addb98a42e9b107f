//! The clock jumps by an hour, forward or back: no session lives longer, what is to be judged by the clock is judged by
//! it, and what only has to wait does not notice.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use doorward_tests::{App, Ask, PASSWORD, Plan, Stack, Store, Visitor, until};
use serde_json::{Value, json};

use crate::two_factor::turn_on;

const SOON: Duration = Duration::from_secs(5);

/// A clock that a gateway takes for the machine's.
struct Clock {
    folder: tempfile::TempDir,
}

impl Clock {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Self { folder };
        clock.show("+0");
        clock
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Shows the true time, and so much more or less.
    fn show(&self, offset: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, offset).expect("written");
        std::fs::rename(new, self.file()).expect("renamed");
    }

    /// Gateways that look at this one; what measures how long something takes is left alone.
    fn of(&self, plan: Plan) -> Plan {
        let file = self.file();
        plan.variable("LD_PRELOAD", &library())
            .variable("FAKETIME_TIMESTAMP_FILE", file.to_str().expect("utf-8"))
            .variable("FAKETIME_NO_CACHE", "1")
            .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .variable("NO_FAKE_STAT", "1")
    }
}

fn library() -> String {
    let folders = std::fs::read_dir("/usr/lib").expect("/usr/lib");
    let names = folders.filter_map(|folder| {
        let library = folder.ok()?.path().join("faketime/libfaketime.so.1");
        library.exists().then(|| library.display().to_string())
    });
    let mut names = names.collect::<Vec<_>>();
    names
        .pop()
        .expect("libfaketime is installed (./run tests does it)")
}

async fn token(stack: &Stack) -> String {
    let document = json!({ "username": "anna", "password": PASSWORD }).to_string();
    let ask = Ask::new("POST", "/_auth/api/login")
        .header("Content-Type", "application/json")
        .body(document);
    let answer = stack.anon().send(&ask).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body).expect("a document");
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn bears(stack: &Stack, token: &str) -> u16 {
    let ask = Ask::get("/page").header("Authorization", &format!("Bearer {token}"));
    stack.anon().send(&ask).await.status
}

/// Signs in with the code of the phone, whose clock is right; whether that was taken.
async fn second_step(stack: &Stack, app: &mut App) -> bool {
    let mut bob = stack.anon();
    assert_eq!(bob.try_sign_in("bob", PASSWORD).await.status, 303);
    let answer = bob
        .form("/_auth/login/code", &[("code", &app.code())])
        .await;
    assert!(
        matches!(answer.status, 303 | 401 | 422),
        "{}",
        answer.status
    );
    bob.has_token()
}

async fn is_out(visitor: &mut Visitor, limit: Duration) {
    until("the session is over", limit, async || {
        (visitor.page("/page").await.status == 302).then_some(())
    })
    .await;
}

on_both_stores! {
    /// An hour forward ends what an hour ends; nothing that is shown is taken for what it was before.
    async fn forward(plan) {
        let clock = Clock::new();
        let stack = clock.of(plan).section("[session]\nidle = \"30m\"").start().await;
        let mut anna = stack.sign_in("anna").await;
        let mut bob = stack.sign_in("bob").await;
        let (mut app, _) = turn_on(&mut bob).await;
        let old = token(&stack).await;
        assert_eq!(bears(&stack, &old).await, 200);
        assert_eq!(anna.page("/page/last").await.status, 200);
        // The use is noted after the answer.
        until("it is noted", SOON, async || stack.gateway().log().contains("/page/last").then_some(())).await;

        clock.show("+3600");
        let before = stack.echo.count();
        is_out(&mut anna, SOON).await;
        assert_eq!(bears(&stack, &old).await, 401, "a token of a quarter of an hour");
        assert_eq!(stack.echo.count(), before, "the site saw nothing");
        assert!(!second_step(&stack, &mut app.clone()).await, "a code of an hour ago");
        let mut again = stack.again("anna").await;
        assert_eq!(again.page("/page").await.status, 200);
        let new = token(&stack).await;
        assert_eq!(bears(&stack, &new).await, 200);
        stack.gateway().readiness(200, SOON).await;

        clock.show("+0");
        assert_eq!(bears(&stack, &new).await, 401, "a token from what is the future by now");
        assert!(second_step(&stack, &mut app).await);
    }

    /// An hour back: whoever was away for long enough is out, though the clock does not say so.
    async fn back(plan) {
        let clock = Clock::new();
        let stack = clock.of(plan).section("[session]\nidle = \"3s\"\nabsolute = \"8s\"").start().await;
        let mut bob = stack.sign_in("bob").await;
        let (mut app, _) = turn_on(&mut bob).await;
        let mut anna = stack.sign_in("anna").await;
        let mut idle = stack.again("anna").await;
        let mut unseen = stack.again("anna").await;
        let old = token(&stack).await;
        for visitor in [&mut anna, &mut idle] {
            assert_eq!(visitor.page("/page").await.status, 200);
        }
        let start = Instant::now();
        let mut socket = anna.websocket("/ws").await.expect("a WebSocket");

        clock.show("-3600");
        assert_eq!(bears(&stack, &old).await, 401, "a token from what is the future by now");
        assert!(!second_step(&stack, &mut app.clone()).await, "a code of an hour ahead");
        // Whoever is active goes on, and a WebSocket with them.
        until("longer than idle", SOON, async || {
            let status = anna.page("/page").await.status;
            assert_eq!(status, 200, "active, after {:?}", start.elapsed());
            (start.elapsed() > Duration::from_millis(3500)).then_some(())
        })
        .await;
        socket.is_alive().await;
        for visitor in [&mut idle, &mut unseen] {
            assert_eq!(visitor.page("/page").await.status, 302, "idle");
        }
        let mut new = stack.again("anna").await;
        assert_eq!(new.page("/page").await.status, 200);
        until("the absolute end", Duration::from_secs(10), async || {
            (anna.page("/page").await.status == 302).then_some(())
        })
        .await;
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        socket.closed(SOON).await;

        clock.show("+0");
        assert!(second_step(&stack, &mut app).await);
    }
}

/// What has to wait, waits by another clock: the link is believed, and a store that is away is noticed in time.
#[tokio::test]
async fn waits_do_not_notice() {
    let clock = Clock::new();
    let mut stack = clock.of(Stack::new().store(Store::Redis)).start().await;
    let mut anna = stack.sign_in("anna").await;
    for offset in ["+3600", "-3600", "+0"] {
        clock.show(offset);
        for _ in 0..20 {
            assert_eq!(anna.page("/page").await.status, 200, "{offset}");
        }
        let up = stack.gateway().metric("doorward_session_link_up").await;
        assert_eq!(up, Some(1.0), "{offset}");
    }
    clock.show("-3600");
    stack.redis_mut().kill().await;
    until("it is noticed", Duration::from_secs(2), async || {
        (anna.page("/page").await.status == 503).then_some(())
    })
    .await;
    stack.redis_mut().start_again().await;
    until("it is back", SOON, async || {
        (anna.page("/page").await.status == 200).then_some(())
    })
    .await;
}
