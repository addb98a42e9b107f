//! API keys: what gets in with one, how far, and how quickly it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use doorward_tests::{Answer, Ask, Site, Stack, Store, Visitor, long, say, until};

/// What is revoked is refused everywhere within this.
const PROMISE: Duration = Duration::from_secs(1);
/// And what it had open is closed within this.
const CLOSED: Duration = Duration::from_secs(5);

/// A new key of somebody.
pub async fn key(stack: &Stack, who: &str, more: &[&str]) -> String {
    let mut arguments = vec!["apikey", "create", who, "--name", "backup"];
    arguments.extend_from_slice(more);
    let made = stack.command(&arguments).await.exits(0);
    assert!(made.err.contains("not shown again"), "{}", made.err);
    let key = made.out.trim_end().to_owned();
    assert!(key.starts_with("dwk_") && key.len() == 47, "{}", made.out);
    assert!(!made.err.contains(&key));
    key
}

/// The ids of all keys, the oldest first.
async fn ids(stack: &Stack) -> Vec<String> {
    let listed = stack.command(&["apikey", "list", "--json"]).await.exits(0);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    let keys = listed.as_array().expect("a list").iter();
    keys.map(|key| key["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn with(key: &str, ask: Ask) -> Ask {
    ask.header("Authorization", &format!("Bearer {key}"))
}

/// Asks as a program with this key does.
pub async fn get(visitor: &mut Visitor, key: &str, target: &str) -> Answer {
    visitor.send(&with(key, Ask::get(target))).await
}

/// Refused for being beyond the key, as RFC 6750 says it.
fn beyond(answer: &Answer) -> bool {
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    answer.status == 403 && challenge.contains("error=\"insufficient_scope\"")
}

on_both_stores! {
    /// Each side of the scope lets in what it names, and nothing beside it reaches the site.
    async fn as_far_as_its_scope(plan) {
        let vault = "path = \"/vault/**\"\nallow = \"signed_in\"\nrequire = \"two_factor\"";
        let stack = plan.site(Site::new()
            .rule("path = \"/public/**\"\nallow = \"anyone\"")
            .rule("path = \"/deny/**\"\nallow = \"nobody\"")
            .rule("path = \"/admin/**\"\nallow = [\"role:admin\"]")
            .rule(vault)
            .rule("allow = \"signed_in\"")).start().await;
        stack.add_person("anna", &[]).await;
        let mut program = stack.anon();
        let narrow = key(&stack, "anna", &["--host", "app.test", "--host", "*.b.test", "--path", "/reports/**",
            "--method", "GET", "--method", "HEAD", "--from", "127.0.0.0/8", "--expires", "7d"]).await;
        let wide = key(&stack, "anna", &[]).await;
        let elsewhere = key(&stack, "anna", &["--from", "10.0.0.0/8"]).await;

        let ask = |method: &str, host: &str, target: &str| with(&narrow, Ask::new(method, target).header("Host", host));
        for (method, host, target) in [
            ("GET", "app.test", "/reports/q3"), ("HEAD", "APP.test:80", "/reports"), ("GET", "a.b.test", "/%72eports/x"),
        ] {
            let answer = program.send(&ask(method, host, target)).await;
            assert_eq!(answer.status, 200, "{method} {host} {target}");
            let seen = stack.echo.last();
            assert_eq!(seen.one("Remote-User").as_deref(), Some("anna"));
            assert_eq!(seen.one("Authorization"), None, "the key stays here");
        }
        let before = stack.echo.count();
        for (method, host, target) in [
            ("POST", "app.test", "/reports/q3"), ("GET", "b.test", "/reports/q3"), ("GET", "evil.test", "/reports/q3"),
            ("GET", "app.test", "/page"), ("GET", "app.test", "/reportsx"), ("GET", "app.test", "/Reports/q3"),
        ] {
            let answer = program.send(&ask(method, host, target)).await;
            assert!(beyond(&answer), "{method} {host} {target}: {}", answer.status);
        }
        assert!(beyond(&get(&mut program, &elsewhere, "/page").await));
        // As wide as the rights of its owner, and no wider.
        assert_eq!(get(&mut program, &wide, "/admin/x").await.status, 403);
        assert_eq!(get(&mut program, &wide, "/deny/x").await.status, 403);
        for ask in [Ask::get("/vault/x"), Ask::page("/vault/x")] {
            assert!(beyond(&program.send(&with(&wide, ask)).await), "a key is no second factor");
        }
        assert_eq!(stack.echo.count(), before, "the site saw nothing of it");
        assert_eq!(get(&mut program, &wide, "/page").await.status, 200);
        let _ = stack.command(&["user", "grant", "anna", "admin"]).await.exits(0);
        until("the new role counts", PROMISE, async || {
            (get(&mut program, &wide, "/admin/x").await.status == 200).then_some(())
        }).await;
        for via in ["allow", "deny"] {
            let series = format!("doorward_authz_decisions_total{{decision=\"{via}\",site=\"*\",via=\"key\"}}");
            assert!(stack.gateway().metric(&series).await.is_some_and(|count| count >= 4.0), "{via}");
        }
    }

    /// Revoked, or its owner disabled, it is over on every gateway, open WebSockets included.
    async fn a57_over_everywhere(plan) {
        let stack = plan.gateways(2).start().await;
        stack.add_person("anna", &[]).await;
        let mut here = stack.anon();
        let mut there = Visitor::at(stack.gateways[1].gate());
        let (first, second) = (key(&stack, "anna", &[]).await, key(&stack, "anna", &[]).await);
        for key in [&first, &second] {
            assert_eq!(get(&mut here, key, "/page").await.status, 200);
            assert_eq!(get(&mut there, key, "/page").await.status, 200);
        }
        let mut socket = there.websocket_by(with(&first, Ask::get("/ws"))).await.expect("not refused");
        let mut other = there.websocket_by(with(&second, Ask::get("/ws"))).await.expect("not refused");
        socket.is_alive().await;
        let _ = stack.command(&["apikey", "revoke", &ids(&stack).await[0]]).await.exits(0);
        let start = Instant::now();
        until("the revoked key is refused", PROMISE, async || {
            (get(&mut there, &first, "/page").await.status == 401).then_some(())
        }).await;
        say(&format!("a revoked key was refused by the other gateway after {:?}", start.elapsed()));
        let took = socket.closed(CLOSED).await;
        say(&format!("its idle WebSocket there was closed after {took:?}"));
        let answer = get(&mut here, &first, "/page").await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")));
        other.is_alive().await;

        let _ = stack.command(&["user", "disable", "anna"]).await.exits(0);
        other.closed(CLOSED).await;
        for visitor in [&mut here, &mut there] {
            until("the owner is disabled", PROMISE, async || {
                (get(visitor, &second, "/page").await.status == 401).then_some(())
            }).await;
        }
        let _ = stack.command(&["user", "enable", "anna"]).await.exits(0);
        for visitor in [&mut here, &mut there] {
            until("and enabled again", PROMISE, async || {
                (get(visitor, &second, "/page").await.status == 200).then_some(())
            }).await;
        }
    }

    /// Revoked while it is first used everywhere: once that is said, nobody gets in, and nobody does later.
    async fn revoked_while_it_is_first_used(plan) {
        let stack = plan.gateways(2).start().await;
        stack.add_person("anna", &[]).await;
        for round in 0..if long() { 40 } else { 4 } {
            let key = key(&stack, "anna", &[]).await;
            let id = ids(&stack).await.pop().expect("an id");
            let over = Arc::new(AtomicBool::new(false));
            let using: Vec<_> = (0..6).map(|n: usize| {
                let (mut program, key, over) = (Visitor::at(stack.gateways[n % 2].gate()), key.clone(), over.clone());
                tokio::spawn(async move {
                    while !over.load(Ordering::SeqCst) {
                        let status = get(&mut program, &key, "/page").await.status;
                        assert!(matches!(status, 200 | 401), "{status}");
                    }
                    let told = Instant::now();
                    while get(&mut program, &key, "/page").await.status != 401 {
                        assert!(told.elapsed() < PROMISE, "let in after it was revoked");
                    }
                    for _ in 0..20 {
                        assert_eq!(get(&mut program, &key, "/page").await.status, 401, "refused once, let in later");
                    }
                })
            }).collect();
            let _ = stack.command(&["apikey", "revoke", &id]).await.exits(0);
            over.store(true, Ordering::SeqCst);
            for one in using {
                assert!(one.await.is_ok(), "round {round}");
            }
        }
    }

    /// Many at once make one session, and neither a crash nor a store that forgot everything ends a key.
    async fn stays_good(plan) {
        let mut stack = plan.start().await;
        stack.add_person("anna", &[]).await;
        let wide = key(&stack, "anna", &[]).await;
        let opened = "doorward_session_store_op_seconds_count{op=\"open\"}";
        let before = stack.gateway().metric(opened).await.unwrap_or_default();
        let all: Vec<_> = (0..100).map(|_| {
            let (mut program, key) = (stack.anon(), wide.clone());
            tokio::spawn(async move { get(&mut program, &key, "/page").await.status })
        }).collect();
        for one in all {
            assert_eq!(one.await.expect("asked"), 200);
        }
        let after = stack.gateway().metric(opened).await.unwrap_or_default();
        assert!((after - before - 2.0).abs() < 0.1, "begun once, confirmed once: {before} {after}");

        let mut program = stack.anon();
        let asked = "doorward_session_store_op_seconds_count{op=\"find\"}";
        let before = stack.gateway().metric(asked).await.expect("counted");
        for _ in 0..50 {
            assert_eq!(get(&mut program, &wide, "/page").await.status, 200);
        }
        let after = stack.gateway().metric(asked).await.expect("counted");
        assert!(after - before < 5.0, "a known key asks no store: {before} {after}");
        let mut socket = program.websocket_by(with(&wide, Ask::get("/ws"))).await.expect("not refused");
        if stack.has_redis() {
            let mut client = stack.redis().client().await;
            let () = redis::cmd("FLUSHALL").query_async(&mut client).await.expect("flushed");
        }
        let _ = stack.command(&["session", "revoke", "anna"]).await.exits(0);
        until("it works", PROMISE, async || {
            (get(&mut program, &wide, "/page").await.status == 200).then_some(())
        }).await;
        socket.is_alive().await;
        stack.gateway_mut().kill().await;
        stack.gateway_mut().start_again();
        stack.gateway_mut().ready().await;
        assert_eq!(get(&mut program, &wide, "/page").await.status, 200);
        until("its last use is listed", Duration::from_secs(5), async || {
            let listed = stack.command(&["apikey", "list", "anna"]).await.exits(0);
            (!listed.out.contains("never")).then_some(())
        }).await;
    }
}

/// A key opens no page of the portal, is no cookie, and no site ever sees one.
#[tokio::test]
async fn it_is_no_session_of_a_person() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let wide = key(&stack, "anna", &[]).await;
    let mut program = stack.anon();
    assert_eq!(get(&mut program, &wide, "/page").await.status, 200);
    for (page, status) in [("api/me", 401), ("account", 303)] {
        let answer = get(&mut program, &wide, &format!("/_auth/{page}")).await;
        assert_eq!(answer.status, status, "{page}");
    }
    let before = stack.echo.count();
    let bare = wide.strip_prefix("dwk_").expect("a prefix");
    for cookie in [&*wide, bare] {
        let mut thief = stack.anon();
        thief.keep("doorward", cookie);
        assert_eq!(thief.page("/page").await.status, 302, "{cookie}");
    }
    for wrong in [
        bare,
        "dwk_",
        &format!("{wide}x"),
        &format!("dwk_{}", "A".repeat(43)),
    ] {
        let answer = get(&mut program, wrong, "/page").await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    assert_eq!(stack.echo.count(), before);
    // Where nobody judges it, it is taken away all the same; what is the site's own is not.
    for ask in [
        with(&wide, Ask::get("/public/x")),
        Ask::get("/public/x").header("Authorization", &format!("Token token=\"{wide}\"")),
    ] {
        assert_eq!(program.send(&ask).await.status, 200);
        assert_eq!(stack.echo.last().one("Authorization"), None);
    }
    assert_eq!(anna.send(&with(&wide, Ask::get("/page"))).await.status, 200);
    assert_eq!(stack.echo.last().one("Authorization"), None);
    let own = Ask::get("/public/x").header("Authorization", "Bearer dwk_of-the-site");
    assert_eq!(program.send(&own).await.status, 200);
    let seen = stack.echo.last().one("Authorization");
    assert_eq!(seen.as_deref(), Some("Bearer dwk_of-the-site"));
    let sessions = stack.command(&["session", "list", "anna", "--json"]).await;
    let sessions: serde_json::Value = serde_json::from_str(&sessions.exits(0).out).expect("JSON");
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions}");
}

/// On the account page: made, shown once, used, revoked.
#[tokio::test]
async fn on_the_account_page() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let fields = [
        ("name", "reports"),
        ("days", "30"),
        ("paths", "/page, /x/**"),
        ("methods", "get"),
    ];
    let made = anna.form("/_auth/account/keys", &fields).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let text = made.text();
    let (_, rest) = text.split_once("<code>dwk_").expect("the key");
    let key = format!("dwk_{}", rest.split('<').next().expect("its end"));
    let mut program = stack.anon();
    assert_eq!(get(&mut program, &key, "/page").await.status, 200);
    assert!(beyond(&get(&mut program, &key, "/other").await));
    let page = anna.page("/_auth/account").await.text();
    assert!(
        page.contains("reports") && page.contains("GET · /page, /x/**"),
        "{page}"
    );
    assert!(!page.contains(&key), "shown once");
    let (_, rest) = page.split_once("account/keys/revoke").expect("a form");
    let (_, rest) = rest.split_once("name=\"id\" value=\"").expect("an id");
    let id = rest.split('"').next().expect("its end");
    // Somebody else's id is of no use.
    let mut ben = stack.sign_in("ben").await;
    assert_eq!(
        ben.form("/_auth/account/keys/revoke", &[("id", id)])
            .await
            .status,
        303
    );
    assert_eq!(get(&mut program, &key, "/page").await.status, 200);
    assert_eq!(
        anna.form("/_auth/account/keys/revoke", &[("id", id)])
            .await
            .status,
        303
    );
    assert_eq!(get(&mut program, &key, "/page").await.status, 401);
}

/// A store that cannot be asked is no reason to call a key wrong.
#[tokio::test]
async fn a_store_that_is_away() {
    let mut stack = Stack::new().store(Store::Redis).start().await;
    stack.add_person("anna", &[]).await;
    let wide = key(&stack, "anna", &[]).await;
    let mut program = stack.anon();
    stack.redis_mut().kill().await;
    let before = stack.echo.count();
    let answer = get(&mut program, &wide, "/page").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert_eq!(stack.echo.count(), before);
    stack.redis_mut().start_again().await;
    until("it works again", Duration::from_secs(5), async || {
        (get(&mut program, &wide, "/page").await.status == 200).then_some(())
    })
    .await;
}
