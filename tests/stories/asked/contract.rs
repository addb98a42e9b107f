//! What a question must say, must not say, and is answered.

use std::time::Duration;

use doorward_tests::{Answer, Site, Speech, Stack, Store, until};

use super::{DIALECTS, Dialect, Row, plan, signed_in};

#[tokio::test]
async fn whoever_is_let_in_is_named_and_nobody_is_nobody() {
    let stack = plan().start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    let mut anon = stack.anon();
    let app = [
        "remote-user",
        "remote-groups",
        "remote-email",
        "remote-name",
    ];
    let loose = [
        "x-auth-request-user",
        "x-auth-request-groups",
        "x-auth-request-email",
        "x-auth-request-preferred-username",
    ];
    let is = |answer: &Answer, names: [&str; 4], values: [&str; 4]| {
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = names.map(|name| answer.all(name));
        assert_eq!(told, values.map(|value| vec![value]), "{answer:?}");
        let signed = answer.header("x-doorward-assertion").expect("signed");
        assert_eq!(signed.is_empty(), values[0].is_empty(), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("set-cookie"), None);
    };
    for dialect in DIALECTS {
        let page = Row::new("GET", "app.test", "/page").question(dialect);
        let open = Row::new("GET", "app.test", "/public/x").question(dialect);
        let other = Row::new("GET", "a.loose.test", "/page").question(dialect);
        let email = "anna@example.com";
        is(&anna.send(&page).await, app, ["anna", "user", email, ""]);
        is(&anna.send(&open).await, app, ["anna", "user", email, ""]);
        is(
            &anna.send(&other).await,
            loose,
            ["anna", "user", email, "anna"],
        );
        is(&anon.send(&open).await, app, ["", "", "", ""]);
    }
}

#[tokio::test]
async fn a_question_that_names_somebody_is_refused() {
    let stack = plan().start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    for dialect in DIALECTS {
        let ask = |target| Row::new("GET", "app.test", target).question(dialect);
        for name in [
            "Remote-User",
            "remote_groups",
            "X-Forwarded-User",
            "X-Auth-Request-Email",
            "X-WEBAUTH-ROLE",
            "x_authentik.uid",
            "X-Doorward-Assertion",
            // The site has rules that look at methods.
            "X-HTTP-Method-Override",
            "X-Rewrite-URL",
            "x_rewrite_url",
            "SCRIPT_NAME",
            "path-info",
            "x_script.name",
        ] {
            for target in ["/page", "/public/x"] {
                for value in ["root", ""] {
                    let answer = anna.send(&ask(target).header(name, value)).await;
                    assert_eq!(answer.status, 403, "{dialect:?} {name}: {answer:?}");
                }
            }
        }
        for name in [
            "X-Remote-User",
            "Remote",
            "X-Forwarded-Port",
            "X-Real-IP",
            "Forwarded",
            "X-Script-Names",
            "Script",
        ] {
            let answer = anna.send(&ask("/page").header(name, "x")).await;
            assert_eq!(answer.status, 200, "{dialect:?} {name}");
        }
        // A site without such rules decides by itself what an override means.
        let other = Row::new("GET", "a.loose.test", "/page").question(dialect);
        let answer = anna
            .send(&other.header("X-HTTP-Method-Override", "PUT"))
            .await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn a_question_must_say_what_it_is_about() {
    let stack = plan().start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    let row = Row::new("GET", "app.test", "/page");
    for (dialect, names) in [
        (
            Dialect::AuthRequest,
            &["X-Original-URL", "X-Original-Method"][..],
        ),
        (
            Dialect::ForwardAuth,
            &[
                "X-Forwarded-Method",
                "X-Forwarded-Proto",
                "X-Forwarded-Host",
                "X-Forwarded-Uri",
            ],
        ),
        (Dialect::ExtAuthz, &["X-Forwarded-Proto"]),
    ] {
        let whole = row.question(dialect);
        assert_eq!(anna.send(&whole).await.status, 200);
        for name in names {
            for ask in [
                whole.clone().without(name),
                whole.clone().without(name).header(name, ""),
            ] {
                let answer = anna.send(&ask).await;
                assert_eq!(answer.status, 400, "{dialect:?} without {name}");
                assert!(
                    answer.text().contains(name),
                    "it says what: {}",
                    answer.text()
                );
            }
        }
    }
    for path in [
        "auth-request",
        "forward-auth",
        "ext-authz",
        "ext-authz/page",
    ] {
        let answer = anna.get(&format!("/_auth/authz/{path}")).await;
        assert_eq!(answer.status, 400, "{path}");
    }
    // Ours to serve, and nobody's to be let in to.
    for target in [
        "/_auth",
        "/_auth/login",
        "/_auth/authz/forward-auth",
        "/_auth/x",
    ] {
        for dialect in DIALECTS {
            let answer = anna
                .send(&Row::new("GET", "app.test", target).question(dialect))
                .await;
            assert_eq!(answer.status, 403, "{dialect:?} {target}");
        }
    }
}

#[tokio::test]
async fn only_trusted_proxies_may_ask() {
    let site = Site::usual().host("app.test");
    let stack = Stack::new().site(site).start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    assert_eq!(anna.page("/page").await.status, 200);
    for dialect in DIALECTS {
        for target in ["/page", "/public/x"] {
            let ask = Row::new("GET", "app.test", target).question(dialect);
            let answer = anna.send(&ask.without("Host")).await;
            assert_eq!(answer.status, 400, "{dialect:?}: {answer:?}");
            assert!(
                answer.text().contains("trusted_proxies"),
                "{}",
                answer.text()
            );
            assert_eq!(answer.header("remote-user"), None);
        }
        let ask = Row::new("GET", "app.test", "/page").question(dialect);
        let unknown = ask.without("Host").header("Host", "other.test");
        assert_eq!(anna.send(&unknown).await.status, 421);
    }
}

#[tokio::test]
async fn one_question_is_one_decision() {
    let stack = plan().start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    let count = async |labels: &str| {
        let series = format!("doorward_authz_decisions_total{{{labels}");
        stack.gateway().metric(&series).await.unwrap_or_default()
    };
    let allow = "decision=\"allow\",site=\"app.test\",via=\"session\"}";
    let challenge = "decision=\"challenge\",site=\"app.test\",via=\"none\"}";
    for dialect in DIALECTS {
        let (allowed, challenged) = (count(allow).await, count(challenge).await);
        let ask = Row::new("PUT", "app.test", "/page").question(dialect);
        assert_eq!(anna.send(&ask).await.status, 200);
        let refused = stack.anon().send(&ask).await;
        assert!([303, 401].contains(&refused.status), "{refused:?}");
        let counted = (
            count(allow).await - allowed,
            count(challenge).await - challenged,
        );
        assert!(counted == (1.0, 1.0), "{counted:?}");
    }
    let line =
        |line: &&str| line.contains("\"method\":\"PUT\"") && line.contains("\"path\":\"/page\"");
    let what = "the log says what was asked about";
    until(what, Duration::from_secs(2), async || {
        let lines = stack.gateway().log().lines().filter(line).count();
        (lines == 2 * DIALECTS.len()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_no_yes() {
    let mut stack = plan().store(Store::Redis).start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    let ask = |target, dialect| Row::new("GET", "app.test", target).question(dialect);
    for dialect in DIALECTS {
        assert_eq!(anna.send(&ask("/page", dialect)).await.status, 200);
    }
    stack.redis_mut().kill().await;
    let soon = std::time::Duration::from_secs(5);
    doorward_tests::until("the link is known to be gone", soon, async || {
        let answer = anna.send(&ask("/page", Dialect::ForwardAuth)).await;
        (answer.status == 503).then_some(())
    })
    .await;
    for dialect in DIALECTS {
        let answer = anna.send(&ask("/page", dialect)).await;
        assert_eq!(answer.status, 503, "{dialect:?}");
        assert!(answer.header("retry-after").is_some());
        let open = anna.send(&ask("/public/x", dialect)).await;
        assert_eq!((open.status, open.header("remote-user")), (200, Some("")));
    }
    stack.redis_mut().start_again().await;
    let back = std::time::Duration::from_secs(10);
    doorward_tests::until("anna is known again", back, async || {
        let answer = anna.send(&ask("/page", Dialect::ForwardAuth)).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

/// Envoy may send the body along; it is no next request.
#[tokio::test]
async fn a_body_is_not_read_and_not_taken_for_a_request() {
    let stack = plan().start().await;
    let anna = signed_in(&stack, "anna", &[]).await;
    for dialect in DIALECTS {
        for (who, expected) in [(&anna, 200), (&stack.anon(), 401)] {
            let hidden = "GET /page HTTP/1.1\r\nHost: app.test\r\n\r\n";
            let ask = Row::new("POST", "app.test", "/page").question(dialect);
            let ask = ask.header("Accept", "*/*").body(hidden);
            let mut wire = who.wire().await;
            wire.send(&who.bytes(&ask)).await;
            let answer = wire.answer_to("POST").await.expect("an answer");
            assert_eq!(answer.status, expected, "{dialect:?}");
            wire.closed(std::time::Duration::from_secs(5)).await;
        }
    }
    assert_eq!(stack.echo.count(), 0);
}

/// A proxy keeps its connection, and asks about everybody on it.
#[tokio::test]
async fn one_connection_serves_many_people() {
    let stack = plan().start().await;
    let anna = signed_in(&stack, "anna", &[]).await;
    let anon = stack.anon();
    let page = Row::new("GET", "app.test", "/page").page();
    for dialect in DIALECTS {
        let mut wire = anon.wire().await;
        for _ in 0..3 {
            let known = wire.exchange(&anna.bytes(&page.question(dialect))).await;
            let known = known.expect("an answer");
            assert_eq!(
                (known.status, known.header("remote-user")),
                (200, Some("anna"))
            );
            let stranger = wire.exchange(&anon.bytes(&page.question(dialect))).await;
            let stranger = stranger.expect("an answer");
            assert!([302, 401].contains(&stranger.status), "{stranger:?}");
            assert_eq!(stranger.header("remote-user"), None);
        }
    }
}

#[tokio::test]
async fn over_http2_too() {
    let stack = plan().tls(&["doorward.internal"]).start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    let mut proxy = stack.secure(Speech::Http2, "doorward.internal");
    for dialect in DIALECTS {
        let question = Row::new("GET", "app.test", "/page")
            .page()
            .question(dialect);
        let itself = anna.send(&question).await;
        let cookies = anna.cookies().expect("a session");
        let known = proxy
            .send(&question.clone().header("Cookie", &cookies))
            .await;
        assert_eq!(known.status, 200, "{known:?}");
        assert_eq!(known.header("remote-user"), itself.header("remote-user"));
        let stranger = proxy.send(&question).await;
        assert!([302, 401].contains(&stranger.status), "{stranger:?}");
    }
}

/// What came to the other proxy in the clear is sent to https by it, if that is wanted here.
#[tokio::test]
async fn in_the_clear_is_where_the_browser_is() {
    let plan = plan().tls(&["app.test"]).server("redirect_to_tls = true");
    let stack = plan.start().await;
    let mut anon = stack.anon();
    for dialect in DIALECTS {
        let ask = Row::new("GET", "app.test", "/public/x?y").question(dialect);
        let answer = anon.send(&ask).await;
        let status = if dialect == Dialect::AuthRequest {
            401
        } else {
            308
        };
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.location(), "https://app.test/public/x?y");
        let secure = match dialect {
            Dialect::AuthRequest => ask
                .without("X-Original-URL")
                .header("X-Original-URL", "https://app.test/public/x?y"),
            Dialect::ForwardAuth | Dialect::ExtAuthz => ask
                .without("X-Forwarded-Proto")
                .header("X-Forwarded-Proto", "https"),
        };
        assert_eq!(anon.send(&secure).await.status, 200);
    }
}
