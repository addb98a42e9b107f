//! Redis goes away, freezes and comes back: nobody gets in who should not, nobody is sent to sign in for nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use doorward_tests::{Ask, Gateway, PASSWORD, Stack, Store, Visitor, say, until};

use crate::api_keys;

/// Within this the protected pages say 503.
const NOTICED: Duration = Duration::from_secs(2);
/// Within this everything works again by itself.
const RECOVERED: Duration = Duration::from_secs(5);

async fn stack() -> Stack {
    Stack::new().store(Store::Redis).start().await
}

/// Looks at everything that is promised while the store is away; `known` was let in just before.
async fn while_away(stack: &Stack, known: &mut Visitor, unknown: &mut Visitor) {
    let start = Instant::now();
    until("a known session is told 503", NOTICED, async || {
        let status = known.page("/page").await.status;
        assert!(
            matches!(status, 200 | 503),
            "{status}: neither the login page nor a refusal"
        );
        (status == 503).then_some(())
    })
    .await;
    say(&format!("store away: noticed after {:?}", start.elapsed()));

    let before = stack.echo.count();
    for visitor in [known, unknown] {
        for _ in 0..3 {
            let asked = Instant::now();
            let answer = visitor.page("/page").await;
            assert_eq!(answer.status, 503);
            assert!(asked.elapsed() < NOTICED, "503 after {:?}", asked.elapsed());
            let wait: u32 = answer
                .header("retry-after")
                .expect("Retry-After")
                .parse()
                .expect("seconds");
            assert!(wait > 0 && wait < 120);
        }
        assert_eq!(visitor.fetch("/page").await.status, 503);
    }
    assert_eq!(
        stack.anon().page("/page").await.status,
        302,
        "who has no cookie is a stranger all the same"
    );
    let sign_in = stack.anon().try_sign_in("anna", PASSWORD).await;
    assert_eq!(sign_in.status, 503, "not a wrong password");
    assert_eq!(stack.echo.count(), before, "the site saw nothing");

    let open = Instant::now();
    for _ in 0..20 {
        assert_eq!(stack.anon().page("/public/page").await.status, 200);
    }
    assert!(
        open.elapsed() < NOTICED,
        "open pages go on as ever: {:?}",
        open.elapsed()
    );
    assert_eq!(stack.gateway().admin("/livez").await.status, 200);
    stack.gateway().readiness(503, Duration::from_secs(5)).await;
    let why = stack.gateway().admin("/readyz?verbose").await.text();
    assert!(!why.is_empty(), "says why");
    assert_eq!(
        stack.gateway().metric("doorward_session_link_up").await,
        Some(0.0)
    );
}

async fn recovers(stack: &Stack, person: &mut Visitor) {
    let start = Instant::now();
    until("the known session is let in again", RECOVERED, async || {
        let status = person.page("/page").await.status;
        assert!(matches!(status, 200 | 503), "{status}");
        (status == 200).then_some(())
    })
    .await;
    say(&format!(
        "store back: let in again after {:?}",
        start.elapsed()
    ));
    stack.gateway().readiness(200, RECOVERED).await;
    assert_eq!(
        stack.echo.last().one("Remote-User").as_deref(),
        Some("anna")
    );
}

/// With the store away an open page knows nobody.
async fn open_pages_know_nobody(stack: &Stack, person: &mut Visitor) {
    let asked = Instant::now();
    assert_eq!(person.page("/public/page").await.status, 200);
    assert!(asked.elapsed() < NOTICED);
    assert_eq!(stack.echo.last().one("Remote-User"), None);
}

#[tokio::test]
async fn a65_killed_and_started_again() {
    let mut stack = stack().await;
    let mut anna = stack.sign_in("anna").await;
    let mut quiet = stack.again("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    stack.redis_mut().kill().await;
    while_away(&stack, &mut anna, &mut quiet).await;
    open_pages_know_nobody(&stack, &mut anna).await;
    stack.redis_mut().start_again().await;
    recovers(&stack, &mut anna).await;
    recovers(&stack, &mut quiet).await;
    assert_eq!(stack.again("anna").await.page("/page").await.status, 200);
}

#[tokio::test]
async fn a65_frozen_and_thawed() {
    let stack = stack().await;
    let mut anna = stack.sign_in("anna").await;
    let mut quiet = stack.again("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    stack.redis().freeze();
    while_away(&stack, &mut anna, &mut quiet).await;
    open_pages_know_nobody(&stack, &mut anna).await;
    stack.redis().thaw();
    recovers(&stack, &mut anna).await;
    recovers(&stack, &mut quiet).await;
}

/// What was ended while a gateway could not be told is ended when it can.
#[tokio::test]
async fn ended_meanwhile() {
    let mut stack = stack().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    stack.redis_mut().kill().await;
    stack.redis_mut().start_again().await;
    let keys = stack.redis().keys().await;
    stack.redis().delete(&keys).await;
    until("refused", RECOVERED, async || {
        let status = anna.page("/page").await.status;
        (status == 302).then_some(())
    })
    .await;
}

/// What was changed by commands in the meantime holds on every gateway once the store is back.
#[tokio::test]
async fn changed_meanwhile() {
    let plan = Stack::new().store(Store::Redis).gateways(2);
    let mut stack = plan.start().await;
    let _other_admin = stack.sign_in_admin("dora").await;
    let mut anna = stack.sign_in_admin("anna").await;
    let mut ben = stack.sign_in("ben").await;
    let mut carl = stack.sign_in("carl").await;
    let mut eve = stack.sign_in("eve").await;
    let key = api_keys::key(&stack, "eve", &[]).await;
    let keyed = || Ask::get("/page").header("Authorization", &format!("Bearer {key}"));
    let listed = stack.command(&["apikey", "list", "--json"]).await.exits(0);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    let key_id = listed[0]["id"].as_str().expect("an id");
    let gates: Vec<_> = stack.gateways.iter().map(Gateway::gate).collect();
    for gate in &gates {
        for person in [&anna, &ben, &carl, &eve] {
            assert_eq!(person.also_at(*gate).page("/page").await.status, 200);
        }
        assert_eq!(anna.also_at(*gate).page("/admin/x").await.status, 200);
        let program = stack.anon().also_at(*gate).send(&keyed()).await;
        assert_eq!(program.status, 200);
    }

    stack.redis_mut().kill().await;
    for line in [
        ["user", "revoke-role", "anna", "admin"].as_slice(),
        &["user", "disable", "ben"],
        &["user", "delete", "carl"],
        &["apikey", "revoke", key_id],
    ] {
        let said = stack.command(line).await.exits(69).err;
        assert!(
            line[0] == "apikey" || said.contains("changed already"),
            "{said}"
        );
    }
    stack.redis_mut().start_again().await;
    let start = Instant::now();
    for gate in gates {
        for person in [&mut ben, &mut carl] {
            becomes(person, gate, "/page", 302, start).await;
        }
        becomes(&mut anna, gate, "/admin/x", 403, start).await;
        let mut program = stack.anon().also_at(gate);
        until("the key is good no more", left(start), async || {
            (program.send(&keyed()).await.status == 401).then_some(())
        })
        .await;
        becomes(&mut anna, gate, "/page", 200, start).await;
        becomes(&mut eve, gate, "/page", 200, start).await;
    }
    say(&format!("store back: in line after {:?}", start.elapsed()));
}

/// What is left of the time in which everything has to be right again.
fn left(start: Instant) -> Duration {
    RECOVERED.saturating_sub(start.elapsed())
}

async fn becomes(
    person: &mut Visitor,
    gate: SocketAddr,
    target: &str,
    status: u16,
    start: Instant,
) {
    let mut person = person.also_at(gate);
    until(&format!("{target} is {status}"), left(start), async || {
        (person.page(target).await.status == status).then_some(())
    })
    .await;
}

/// A WebSocket for which nothing can be proven is closed; one that outlasts a blip is not.
#[tokio::test]
async fn open_connections_when_nothing_can_be_proven() {
    let stack = stack().await;
    let anna = stack.sign_in("anna").await;
    let mut socket = anna.websocket("/ws").await.expect("a WebSocket");
    let mut open_page = stack
        .anon()
        .websocket("/public/ws")
        .await
        .expect("a WebSocket");
    socket.is_alive().await;
    stack.redis().freeze();
    let blip = Instant::now();
    until("a blip", Duration::from_secs(3), async || {
        (blip.elapsed() > Duration::from_millis(1500)).then_some(())
    })
    .await;
    stack.redis().thaw();
    stack.gateway().readiness(200, RECOVERED).await;
    socket.is_alive().await;

    stack.redis().freeze();
    let took = socket.closed(Duration::from_secs(9)).await;
    assert!(took > Duration::from_secs(3), "closed too soon: {took:?}");
    say(&format!(
        "nothing could be proven: the WebSocket was closed after {took:?}"
    ));
    open_page.is_alive().await;
    stack.redis().thaw();
}

/// A gateway that is started while Redis is away serves what it can, and the rest when Redis is back.
#[tokio::test]
async fn started_without_redis() {
    let mut stack = stack().await;
    let mut anna = stack.sign_in("anna").await;
    stack.gateway_mut().kill().await;
    stack.redis_mut().kill().await;
    stack.gateway_mut().start_again();
    let gate = stack.gateway().gate();
    until("it listens", Duration::from_secs(15), async || {
        tokio::net::TcpStream::connect(gate).await.ok()
    })
    .await;
    let status = anna.page("/page").await.status;
    assert_eq!(status, 503);
    assert_eq!(stack.anon().page("/public/x").await.status, 200);
    stack.redis_mut().start_again().await;
    recovers(&stack, &mut anna).await;
}

/// With a grace, those who were known go on for that long, and no longer.
#[tokio::test]
async fn with_a_grace() {
    let plan = Stack::new()
        .store(Store::Redis)
        .section("[session]\noutage_grace = \"4s\"");
    let mut stack = plan.start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut quiet = stack.again("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    stack.redis_mut().kill().await;
    let lost = Instant::now();
    stack.gateway().readiness(503, Duration::from_secs(5)).await;
    while lost.elapsed() < Duration::from_secs(3) {
        assert_eq!(
            anna.page("/page").await.status,
            200,
            "known, after {:?}",
            lost.elapsed()
        );
    }
    assert_eq!(
        quiet.page("/page").await.status,
        503,
        "not known to this gateway's memory"
    );
    until("the grace ends", Duration::from_secs(4), async || {
        (anna.page("/page").await.status == 503).then_some(())
    })
    .await;
    stack.redis_mut().start_again().await;
    recovers(&stack, &mut anna).await;
}
