//! Sessions: the cookie, the order of steps, what ends them.

use std::time::{Duration, Instant};

use doorward_tests::{Ask, PASSWORD, Speech, Stack, until};
use serde_json::{Value, json};

use super::{HOST, plan};
use crate::two_factor::turn_on;

/// The cookie at sign-in, and when it is taken back, over http and https.
#[tokio::test]
async fn a50_the_cookie() {
    let stack = plan().start().await;
    stack.add_person("anna", &[]).await;
    for (mut anna, name, secure) in [
        (stack.anon(), "doorward", false),
        (stack.secure(Speech::Http1, HOST), "__Host-doorward", true),
        (stack.secure(Speech::Http2, HOST), "__Host-doorward", true),
    ] {
        let fields = [("login", "anna"), ("password", PASSWORD)];
        let given = anna.form("/_auth/login", &fields).await;
        let token = anna.token().to_owned();
        let left = anna.sign_out().await;
        for (answer, value) in [(given, token.as_str()), (left, "")] {
            let cookies = answer.all("set-cookie");
            assert_eq!(cookies.len(), 1, "{cookies:?}");
            let mut parts = cookies[0].split(';').map(str::trim);
            assert_eq!(parts.next(), Some(&*format!("{name}={value}")));
            let parts: Vec<_> = parts.map(str::to_lowercase).collect();
            for wanted in ["httponly", "samesite=lax", "path=/"] {
                assert!(
                    parts.iter().any(|part| part == wanted),
                    "{wanted}: {cookies:?}"
                );
            }
            assert_eq!(
                parts.iter().any(|part| part == "secure"),
                secure,
                "{cookies:?}"
            );
            assert!(
                !parts.iter().any(|part| part.starts_with("domain")),
                "{cookies:?}"
            );
            let over = parts.iter().any(|part| part == "max-age=0");
            assert_eq!(over, value.is_empty(), "{cookies:?}");
        }
        assert!(!anna.has_token());
    }
}

/// Whoever is disabled is refused on every way in.
#[tokio::test]
async fn a57_every_way_in() {
    let stack = plan().gateways(2).start().await;
    let [mut carol, mut encrypted] = super::twice(&stack, "carol").await;
    let mut there = carol.also_at(stack.gateways[1].gate());
    let document = json!({ "login": "carol", "password": PASSWORD });
    let login = Ask::new("POST", "/_auth/api/login")
        .header("Content-Type", "application/json")
        .body(document.to_string());
    let answer = stack.anon().send(&login).await;
    let tokens: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let access = tokens["access_token"].as_str().expect("a token").to_owned();
    let bearing = Ask::get("/page").header("Authorization", &format!("Bearer {access}"));
    let mut program = stack.anon();
    let mut socket = carol.websocket("/ws").await.expect("open");
    for visitor in [&mut carol, &mut encrypted, &mut there] {
        assert_eq!(visitor.page("/page").await.status, 200);
    }
    assert_eq!(program.send(&bearing).await.status, 200);
    let _ = stack.command(&["user", "disable", "carol"]).await.exits(0);
    let start = Instant::now();
    for visitor in [&mut carol, &mut encrypted, &mut there] {
        let out = async || (visitor.page("/page").await.status == 302).then_some(());
        until("carol is out", Duration::from_secs(1), out).await;
    }
    let out = async || (program.send(&bearing).await.status == 401).then_some(());
    until("her program is out", Duration::from_secs(1), out).await;
    doorward_tests::say(&format!(
        "disabled: refused on every way within {:?}",
        start.elapsed()
    ));
    let before = stack.echo.count();
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refresh = Ask::new("POST", "/_auth/api/refresh")
        .header("Content-Type", "application/json")
        .body(refresh.to_string());
    assert_eq!(program.send(&refresh).await.status, 401);
    assert_eq!(program.send(&login).await.status, 401);
    assert_eq!(carol.fetch("/_auth/api/me").await.status, 401);
    assert_eq!(carol.websocket("/ws").await.err(), Some(401));
    assert_eq!(
        stack.anon().try_sign_in("carol", PASSWORD).await.status,
        401
    );
    socket.closed(Duration::from_secs(5)).await;
    assert_eq!(stack.echo.count(), before);
}

/// The code before the password, nothing at all, the same again: none of it signs anybody in.
#[tokio::test]
async fn a56_steps_that_are_skipped() {
    let stack = Stack::new().start().await;
    let (mut app, _) = turn_on(&mut stack.sign_in("bob").await).await;
    let code = "/_auth/login/code";
    let right = app.code();
    let mut early = stack.anon();
    let answer = early.form(code, &[("code", &right)]).await;
    assert!(
        matches!(answer.status, 303 | 401) && !early.has_token(),
        "{}",
        answer.status
    );
    early.keep("doorward-flow", &"A".repeat(43));
    early.form(code, &[("code", &right)]).await;
    assert!(!early.has_token(), "a flow that nobody began");
    for page in [
        "/_auth/login",
        "/_auth/login/code",
        "/_auth/verify",
        "/_auth/recover/code",
        "/_auth/recover/password",
        "/_auth/register",
    ] {
        for ask in [
            Ask::form(page, &[]),
            Ask::form(page, &[("login", ""), ("password", ""), ("code", "")]),
        ] {
            let mut nobody = stack.anon();
            let answer = nobody.send(&ask).await;
            assert!(
                matches!(answer.status, 303 | 401 | 422),
                "{page}: {}",
                answer.status
            );
            assert!(!nobody.has_token(), "{page}");
            assert_ne!(answer.location(), "/", "{page}");
        }
    }
    let mut bob = stack.anon();
    assert_eq!(bob.try_sign_in("bob", PASSWORD).await.location(), code);
    let mut replayed = bob.clone();
    let answer = bob.form(code, &[("code", &right)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(bob.has_token(), "the code was not spent in vain");
    for code_of in [right.as_str(), ""] {
        let answer = replayed.form(code, &[("code", code_of)]).await;
        assert!(!replayed.has_token(), "{}", answer.status);
    }
    assert_eq!(bob.page("/page").await.status, 200);
}
