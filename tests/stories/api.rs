//! Programs at the gate: they sign in with JSON and come back with a bearer token.

use std::time::{Duration, Instant};

use doorward_tests::{Answer, Ask, Numbers, PASSWORD, Stack, Visitor, say, until};
use serde_json::{Value, json};

/// Sends a document, as curl does.
async fn call(visitor: &mut Visitor, address: &str, document: &Value) -> Answer {
    let ask = Ask::new("POST", &format!("/_auth/api/{address}"))
        .header("Content-Type", "application/json")
        .body(document.to_string());
    visitor.send(&ask).await
}

fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("a document")
}

async fn login(visitor: &mut Visitor, name: &str) -> Value {
    let answer = call(
        visitor,
        "login",
        &json!({ "username": name, "password": PASSWORD }),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!visitor.has_token(), "no cookie");
    document(&answer)
}

fn bearing(target: &str, token: &Value) -> Ask {
    let token = token.as_str().expect("a token");
    Ask::get(target).header("Authorization", &format!("Bearer {token}"))
}

on_both_stores! {
    /// Register, sign in, see the protected page, sign out, be refused.
    async fn the_journey(plan) {
        let stack = plan.start().await;
        let mut program = stack.anon();
        let form = json!({ "username": "anna", "email": "anna@example.com", "password": PASSWORD, "role": "admin" });
        assert_eq!(call(&mut program, "register", &form).await.status, 201);
        let tokens = login(&mut program, "anna").await;
        let answer = program.send(&bearing("/page", &tokens["access_token"])).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = stack.echo.last();
        assert_eq!(seen.one("Remote-User").as_deref(), Some("anna"));
        assert_eq!(seen.one("Remote-Groups").as_deref(), Some("user"), "roles cannot be asked for");
        assert_eq!(seen.one("Authorization"), None, "the token stays here");
        assert!(!program.has_token());
        let before = stack.echo.count();
        assert_eq!(program.send(&bearing("/admin/x", &tokens["access_token"])).await.status, 403);

        let out = Ask::new("POST", "/_auth/api/logout")
            .header("Authorization", &format!("Bearer {}", tokens["access_token"].as_str().expect("a token")));
        assert_eq!(program.send(&out).await.status, 204);
        let answer = program.send(&bearing("/page", &tokens["access_token"])).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="doorward", error="invalid_token""#));
        assert_eq!(stack.echo.count(), before, "the site saw nothing of it");
    }

    /// A token is as revocable as the session behind it, on every gateway.
    async fn gone_everywhere(plan) {
        let stack = plan.gateways(2).start().await;
        stack.add_person("anna", &[]).await;
        let mut program = stack.anon();
        let mut other = program.also_at(stack.gateways[1].gate());
        let mut times = Numbers::default();
        for _ in 0..5 {
            let tokens = login(&mut program, "anna").await;
            let ask = bearing("/page", &tokens["access_token"]);
            assert_eq!(other.send(&ask).await.status, 200);
            let _ = stack.command(&["session", "revoke", "anna"]).await.exits(0);
            let start = Instant::now();
            until("the other gateway refuses", Duration::from_secs(1), async || {
                (other.send(&ask).await.status == 401).then_some(())
            }).await;
            times.add(start.elapsed());
        }
        times.report("token refused by the other gateway after its session was revoked");
    }

    /// What could be no token, or two, is refused with a challenge, to browsers too.
    async fn a58_every_spelling(plan) {
        let stack = plan.start().await;
        stack.add_person("anna", &[]).await;
        let mut program = stack.anon();
        let tokens = login(&mut program, "anna").await;
        let token = tokens["access_token"].as_str().expect("a token");
        let before = stack.echo.count();
        for values in [
            &["Bearer"][..], &["Bearer "], &["Bearer x.y.z"], &["bearer nonsense"],
            &[&*format!("Bearer {token}x")], &[&*format!("Bearer {token}"), "Basic YTpi"],
            &[&*format!("Bearer {token}"), &*format!("Bearer {token}")],
        ] {
            let ask = values.iter().fold(Ask::page("/page"), |ask, value| ask.header("Authorization", value));
            let answer = program.send(&ask).await;
            assert_eq!(answer.status, 401, "{values:?}");
            assert!(answer.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")), "{values:?}");
        }
        assert_eq!(stack.echo.count(), before);
        let ask = Ask::get("/page").header("Authorization", &format!("bEaReR  {token}"));
        assert_eq!(program.send(&ask).await.status, 200);
    }
}

/// Where anybody may go, and beside a cookie, `Authorization` is the site's own affair.
#[tokio::test]
async fn what_is_the_sites_own_passes() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut program = stack.anon();
    let tokens = login(&mut program, "anna").await;
    let ours = format!(
        "Bearer {}",
        tokens["access_token"].as_str().expect("a token")
    );
    for value in ["Basic YTpi", "Bearer of-the-site", &*ours] {
        let answer = program
            .send(&Ask::get("/public/x").header("Authorization", value))
            .await;
        assert_eq!(answer.status, 200, "{value}");
        let seen = stack.echo.last();
        assert_eq!(seen.one("Authorization").as_deref(), Some(value));
        assert_eq!(seen.one("Remote-User"), None, "nobody was asked");
        let answer = anna
            .send(&Ask::get("/page").header("Authorization", value))
            .await;
        assert_eq!(answer.status, 200, "{value}");
        let seen = stack.echo.last();
        assert_eq!(
            seen.one("Authorization").as_deref(),
            Some(value),
            "the cookie decides"
        );
        assert_eq!(seen.one("Remote-User").as_deref(), Some("anna"));
    }
    let answer = program
        .send(&Ask::page("/page").header("Authorization", "Basic YTpi"))
        .await;
    assert_eq!(answer.status, 302, "another scheme is no credential here");
}

/// The keys turn in the middle of it, and nobody is refused.
#[tokio::test]
async fn keys_turn_under_way() {
    let stack = Stack::new().gateways(2).start().await;
    stack.add_person("anna", &[]).await;
    let mut program = stack.anon();
    let tokens = login(&mut program, "anna").await;
    let requests = if doorward_tests::long() {
        10_000
    } else {
        1_000
    };
    let workers: Vec<_> = stack
        .gateways
        .iter()
        .map(|gateway| {
            let (mut program, token) = (
                program.also_at(gateway.gate()),
                tokens["access_token"].clone(),
            );
            tokio::spawn(async move {
                for _ in 0..requests / 2 {
                    assert_eq!(program.send(&bearing("/page", &token)).await.status, 200);
                }
            })
        })
        .collect();
    let turned = async || {
        let ran = stack.command(&["key", "rotate"]).await;
        (ran.code == 0).then_some(())
    };
    until(
        "the next key is old enough",
        Duration::from_secs(30),
        turned,
    )
    .await;
    let mut next = stack.anon();
    let fresh = login(&mut next, "anna").await;
    for gateway in &stack.gateways {
        let mut there = next.also_at(gateway.gate());
        for token in [&tokens, &fresh] {
            assert_eq!(
                there
                    .send(&bearing("/page", &token["access_token"]))
                    .await
                    .status,
                200
            );
        }
    }
    for worker in workers {
        worker.await.expect("no request was refused");
    }
    let listed = stack.command(&["key", "list", "--json"]).await.exits(0).out;
    assert!(listed.contains("previous"), "{listed}");
    say(&format!(
        "{requests} requests with a token while the keys turned: none refused"
    ));
}
