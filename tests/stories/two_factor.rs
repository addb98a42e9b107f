//! Two factors: turned on, asked for at sign-in and by rules, lost and turned off.

use std::time::Duration;

use doorward_tests::{App, Ask, PASSWORD, Plan, Site, Stack, Visitor, until};

const CODE: &str = "/_auth/login/code";

/// The usual site, and `/vault/**` for those with a second factor.
fn with_vault(plan: Plan) -> Plan {
    plan.site(
        Site::new()
            .rule("path = \"/public/**\"\nallow = \"anyone\"")
            .rule("path = \"/vault/**\"\nallow = \"signed_in\"\nrequire = \"two_factor\"")
            .rule("allow = \"signed_in\""),
    )
}

/// Turns it on in the browser of somebody who has just signed in; the app, and the recovery codes.
pub async fn turn_on(visitor: &mut Visitor) -> (App, Vec<String>) {
    let page = visitor.form("/_auth/account/two-factor/set-up", &[]).await;
    let mut app = App::told(&page);
    let text = page.text();
    let (_, rest) = text
        .split_once("name=\"enrolment\" value=\"")
        .expect("a form");
    let enrolment = rest.split('"').next().expect("a value");
    let code = app.code();
    let fields = [("enrolment", enrolment), ("code", &*code)];
    let page = visitor
        .form("/_auth/account/two-factor/confirm", &fields)
        .await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let codes = text.split("<li><code>").skip(1);
    let codes = codes.filter_map(|rest| rest.split('<').next().map(str::to_owned));
    (app, codes.collect())
}

/// Somebody's browser after the password, before the code.
async fn half_way(stack: &Stack, name: &str) -> Visitor {
    let mut visitor = stack.anon();
    let answer = visitor.try_sign_in(name, PASSWORD).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/_auth/login/code"),
        "{}",
        answer.text()
    );
    visitor
}

on_both_stores! {
    /// A55: whoever has shown a password only is nobody, anywhere.
    async fn a55_half_way_is_nowhere(plan) {
        let stack = with_vault(plan).start().await;
        let mut enrolling = stack.sign_in("bob").await;
        let (mut app, _) = turn_on(&mut enrolling).await;
        let mut bob = half_way(&stack, "bob").await;
        assert!(!bob.has_token(), "no session");
        assert!(bob.cookies().is_some_and(|cookies| cookies.contains("doorward-flow=")));
        let asked = stack.echo.count();
        for path in ["/", "/page", "/vault/gold"] {
            let answer = bob.page(path).await;
            assert_eq!(answer.status, 302, "{path}");
            assert!(answer.location().starts_with("/_auth/login?to="), "{}", answer.location());
            assert_eq!(bob.fetch(path).await.status, 401, "{path}");
            assert_eq!(bob.form(path, &[("a", "b")]).await.status, 303, "{path}");
        }
        assert_eq!(bob.websocket("/ws").await.err(), Some(401));
        assert_eq!(bob.get("/_auth/api/me").await.status, 401);
        for page in ["account", "account/two-factor", "account/two-factor/turn-off"] {
            assert_eq!(bob.page(&format!("/_auth/{page}")).await.location(), "/_auth/login", "{page}");
        }
        for post in [
            "account/profile", "account/password", "account/sessions/revoke", "account/two-factor/set-up",
            "account/two-factor/confirm", "account/two-factor/recovery-codes", "account/two-factor/turn-off",
        ] {
            let fields = [("current", PASSWORD), ("password", "another-77-umbrella"), ("all", "1"), ("first_name", "Eve")];
            assert_eq!(bob.form(&format!("/_auth/{post}"), &fields).await.location(), "/_auth/login", "{post}");
        }
        assert_eq!(stack.echo.count(), asked, "the site saw none of it");
        assert_eq!(enrolling.page("/page").await.status, 200, "no session of his has ended");

        // Where anyone may go he is anyone, and the site does not get to see what he is in the middle of.
        bob.keep("k", "v");
        assert_eq!(bob.page("/public/x").await.status, 200);
        let seen = stack.echo.last();
        assert_eq!(seen.one("Remote-User"), None, "{}", seen.text());
        assert_eq!(seen.one("Cookie").as_deref(), Some("k=v"));

        // The token of the one cookie is none in the other.
        let cookies = bob.cookies().expect("cookies");
        let flow = cookies.split("doorward-flow=").nth(1).and_then(|rest| rest.split(';').next()).expect("a token");
        let mut thief = stack.anon();
        thief.keep("doorward", flow);
        assert_eq!(thief.page("/page").await.status, 302);
        assert_eq!(thief.get("/_auth/api/me").await.status, 401);

        // And with the code he is bob.
        assert_eq!(bob.form(CODE, &[]).await.status, 401);
        assert_eq!(bob.form(CODE, &[("code", &app.wrong())]).await.status, 401);
        let answer = bob.form(CODE, &[("code", &app.code()), ("to", "/vault/gold")]).await;
        assert_eq!((answer.status, answer.location()), (303, "/vault/gold"), "{}", answer.text());
        assert_eq!(bob.page("/vault/gold").await.status, 200);
        assert_eq!(stack.echo.last().one("Remote-User").as_deref(), Some("bob"));
        assert_eq!(bob.get("/_auth/api/me").await.status, 200);
        assert_eq!(bob.cookies().map(|cookies| cookies.contains("doorward-flow")), Some(false));
    }

    /// A rule that asks for it: whoever is signed in is sent for a code and comes back; scripts are told.
    async fn a_rule_asks_for_it(plan) {
        let stack = with_vault(plan).start().await;
        let mut alice = stack.sign_in("alice").await;
        let mut before = stack.again("alice").await;
        let asked = stack.echo.count();
        let answer = alice.page("/vault/gold?x=1").await;
        assert_eq!((answer.status, answer.location()), (302, "/_auth/login/code?to=%2Fvault%2Fgold%3Fx%3D1"));
        let answer = alice.form("/vault/gold", &[("a", "b")]).await;
        assert_eq!((answer.status, answer.location()), (303, "/_auth/login/code?to=%2F"));
        let answer = alice.fetch("/vault/gold").await;
        assert_eq!((answer.status, answer.header("content-type")), (403, Some("application/problem+json")));
        let problem: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
        assert!(problem["type"].as_str().is_some_and(|kind| kind.ends_with("/two-factor-required")), "{problem}");
        assert_eq!(problem["code_url"], "/_auth/login/code?to=%2Fvault%2Fgold");
        assert_eq!(alice.websocket("/vault/ws").await.err(), Some(403));
        assert_eq!(stack.echo.count(), asked, "the site saw none of it");
        let explained = alice.page("/_auth/login/code?to=%2Fvault%2Fgold").await;
        assert!(explained.text().contains("/_auth/account/two-factor"), "{}", explained.text());
        assert_eq!(alice.page("/page").await.status, 200, "elsewhere nothing has changed");

        // She turns it on: this browser has shown both from then on.
        let (mut app, codes) = turn_on(&mut alice).await;
        assert_eq!(alice.page("/vault/gold").await.status, 200);
        assert_eq!(stack.echo.last().one("Remote-User").as_deref(), Some("alice"));

        // The other one has shown a password, and is asked here and for her account.
        assert_eq!(before.page("/page").await.status, 200);
        let way = before.page("/vault/gold").await.location().to_owned();
        assert_eq!(way, "/_auth/login/code?to=%2Fvault%2Fgold");
        assert_eq!(before.page("/_auth/account").await.location(), "/_auth/login/code?for=account");
        assert_eq!(before.page(&way).await.status, 200);
        assert_eq!(before.form(CODE, &[("code", &app.wrong())]).await.status, 401);
        let mut old = before.clone();
        let answer = before.form(CODE, &[("code", &app.code()), ("to", "/vault/gold")]).await;
        assert_eq!((answer.status, answer.location()), (303, "/vault/gold"), "{}", answer.text());
        assert_ne!(before.token(), old.token(), "a new id");
        assert_eq!(before.page("/vault/gold").await.status, 200);
        let dead = async || (old.page("/page").await.status == 302).then_some(());
        until("the old id is dead", Duration::from_secs(1), dead).await;

        // A role does not take away what was proven.
        let _ = stack.command(&["user", "grant", "alice", "writer"]).await.exits(0);
        let told = async || {
            let open = before.page("/vault/gold").await.status == 200;
            let groups = stack.echo.last().one("Remote-Groups").unwrap_or_default();
            (open && groups.contains("writer")).then_some(())
        };
        until("the role has arrived, the vault stays open", Duration::from_secs(1), told).await;

        // A recovery code does as well.
        let mut lost = half_way(&stack, "alice").await;
        assert_eq!(lost.form(CODE, &[("code", &codes[0])]).await.status, 303);
        assert_eq!(lost.page("/vault/gold").await.status, 200);
    }

    /// Whoever has lost everything is helped by an operator.
    async fn an_operator_resets_it(plan) {
        let stack = with_vault(plan).start().await;
        let mut bob = stack.sign_in("bob").await;
        turn_on(&mut bob).await;
        assert_eq!(bob.page("/vault/gold").await.status, 200);
        let json = stack.command(&["user", "show", "bob", "--json"]).await.exits(0).out;
        assert!(json.contains("\"mfa_enabled\": true"), "{json}");
        let mut waiting = half_way(&stack, "bob").await;
        let _ = stack.command(&["user", "reset-two-factor", "bob"]).await.exits(0);
        let out = async || (bob.page("/page").await.status == 302).then_some(());
        until("bob is signed out", Duration::from_secs(1), out).await;
        let answer = waiting.form(CODE, &[("code", "123456")]).await;
        assert_eq!(answer.location(), "/_auth/login?over=1", "what was half-way is over");
        let mut bob = stack.again("bob").await;
        assert_eq!(bob.page("/page").await.status, 200, "the password is enough again");
        assert_eq!(bob.page("/vault/gold").await.status, 302, "and no more than that");
        let _ = stack.command(&["user", "reset-two-factor", "bob"]).await.exits(0);
        let _ = stack.command(&["user", "reset-two-factor", "nobody"]).await.exits(1);
    }
}

/// A45: two hundred at once on two gateways, each with the right password and the same code.
async fn one_of_two_hundred(code_of: impl FnOnce(&mut App, &[String]) -> String) {
    let stack = with_vault(Stack::new().gateways(2))
        .section("[throttle]\naccount_failures = 1000\naddress_failures = 1000")
        .section("[password]\nmemory = \"8MiB\"")
        .start()
        .await;
    let (mut app, codes) = turn_on(&mut stack.sign_in("bob").await).await;
    let mut waiting = Vec::new();
    for _ in 0..40 {
        waiting.push(half_way(&stack, "bob").await);
    }
    let code = code_of(&mut app, &codes);
    let mut tries = tokio::task::JoinSet::new();
    for index in 0..200 {
        let gate = stack.gateways[index % 2].gate();
        let mut visitor = waiting[index / 5].also_at(gate);
        let code = code.clone();
        tries.spawn(async move {
            let answer = visitor.form(CODE, &[("code", &code)]).await;
            (answer.status, visitor.has_token())
        });
    }
    let outcomes = tries.join_all().await;
    let inside = outcomes.iter().filter(|(_, inside)| *inside).count();
    assert_eq!(inside, 1, "{outcomes:?}");
    for (status, inside) in outcomes {
        assert!(inside || matches!(status, 401 | 303 | 503), "{status}");
    }
}

#[tokio::test]
async fn a45_one_step_posted_two_hundred_times() {
    one_of_two_hundred(|app, _| app.code()).await;
}

#[tokio::test]
async fn a45_one_recovery_code_posted_two_hundred_times() {
    one_of_two_hundred(|_, codes| codes[0].clone()).await;
}

/// Nothing that was secret is in a log.
#[tokio::test]
async fn nothing_of_it_is_logged() {
    let stack = with_vault(Stack::new()).start().await;
    let mut bob = stack.sign_in("bob").await;
    let (mut app, codes) = turn_on(&mut bob).await;
    let mut again = half_way(&stack, "bob").await;
    let code = app.code();
    let wrong = Ask::form(CODE, &[("code", "271828")]);
    assert_eq!(again.send(&wrong).await.status, 401);
    assert_eq!(again.form(CODE, &[("code", &code)]).await.status, 303);
    let log = stack.gateway().log();
    for event in [
        "two_factor.enabled",
        "sign_in.code_asked",
        "wrong_code",
        "sign_in.success",
    ] {
        assert!(log.contains(event), "{event} in {log}");
    }
    for secret in [&code, "271828", &codes[0], again.token()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
