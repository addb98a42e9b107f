//! The addresses of Authelia and oauth2-proxy, at the host of `portal.url`.

use doorward_tests::{Ask, Visitor};

use super::{Dialect, Row, plan, signed_in};

#[tokio::test]
async fn at_the_portals_own_host_the_others_addresses_answer_too() {
    let stack = plan().start().await;
    let mut anna = signed_in(&stack, "anna", &[]).await;
    stack.edit(|text| format!("{text}\n[portal]\nurl = \"https://auth.test\"\n"));
    let _ = stack.gateway().reload("ok").await;
    let mut anon = stack.anon();
    for (dialect, path) in [
        (Dialect::AuthRequest, "auth-request"),
        (Dialect::ForwardAuth, "forward-auth"),
        (Dialect::ExtAuthz, "ext-authz"),
    ] {
        let ask = Row::new("GET", "app.test", "/page").question(dialect);
        let rest = if dialect == Dialect::ExtAuthz {
            "/page"
        } else {
            ""
        };
        let theirs = ask.at(&format!("/api/authz/{path}{rest}"));
        let to_us = match dialect {
            Dialect::ExtAuthz => theirs
                .without("Host")
                .header("X-Forwarded-Host", "app.test"),
            Dialect::AuthRequest | Dialect::ForwardAuth => theirs.without("Host"),
        };
        let here = to_us.header("Host", "auth.test");
        assert_eq!(anna.send(&here).await.header("remote-user"), Some("anna"));
        let refused = anon.send(&here).await;
        assert!([302, 401].contains(&refused.status), "{refused:?}");
        // On a site's own host it is the site's own address.
        let there = here.without("Host").header("Host", "app.test");
        let there = there.without("X-Forwarded-Host");
        let before = stack.echo.count();
        assert_eq!(anna.send(&there).await.status, 200);
        assert_eq!(stack.echo.count(), before + 1);
    }
    about_itself(&mut anna).await;
    oauth2(&mut anna, &mut anon).await;
}

/// It has no site: whoever asks about it serves another one's under its name.
async fn about_itself(anna: &mut Visitor) {
    for host in ["auth.test", "AUTH.test", "auth.test:80", "auth.test."] {
        for target in ["/", "/page", "/public/x", "/.well-known/acme-challenge/x"] {
            for dialect in super::DIALECTS {
                let ask = Row::new("GET", host, target).question(dialect);
                let answer = anna.send(&ask).await;
                let refused = [302, 401, 403].contains(&answer.status);
                assert!(refused, "{dialect:?} {host}{target}: {answer:?}");
            }
            let ask = Ask::get("/oauth2/auth")
                .header("Host", "auth.test")
                .header("X-Original-URL", &format!("http://{host}{target}"))
                .header("X-Original-Method", "GET");
            let answer = anna.send(&ask).await;
            let refused = [302, 401, 403].contains(&answer.status);
            assert!(refused, "oauth2 {host}{target}: {answer:?}");
        }
    }
}

async fn oauth2(anna: &mut Visitor, anon: &mut Visitor) {
    let at = |target: &str| Ask::get(target).header("Host", "auth.test");
    let about = |ask: Ask| {
        ask.header("X-Original-URL", "http://app.test/page")
            .header("X-Original-Method", "GET")
    };
    let known = anna.send(&about(at("/oauth2/auth"))).await;
    assert_eq!(
        (known.status, known.header("remote-user")),
        (202, Some("anna"))
    );
    let stranger = anon.send(&about(at("/oauth2/auth"))).await;
    assert_eq!(stranger.status, 401);
    assert_eq!(
        stranger.location(),
        "http://app.test/_auth/login?to=%2Fpage"
    );
    assert_eq!(anna.send(&at("/oauth2/auth")).await.status, 400);
    let restricted = about(at("/oauth2/auth?allowed_groups=staff"));
    assert_eq!(
        anna.send(&restricted).await.status,
        400,
        "not by a wider rule"
    );
    for (rd, location) in [
        (
            "https%3A%2F%2Fapp.test%2Fa%3Fb",
            "https://app.test/_auth/login?to=%2Fa%3Fb",
        ),
        (
            "https://x.loose.test/",
            "https://x.loose.test/_auth/login?to=%2F",
        ),
        ("https://loose.test/", "/_auth/login"),
        ("https://evil.test/", "/_auth/login"),
        ("https://app.test.evil.test/", "/_auth/login"),
        ("https://app.test@evil.test/", "/_auth/login"),
        ("https://app.test:8443/", "/_auth/login"),
        ("http://app.test/", "/_auth/login"),
        ("//app.test/", "/_auth/login"),
        ("javascript:alert(1)", "/_auth/login"),
        ("", "/_auth/login"),
    ] {
        let answer = anon.send(&at(&format!("/oauth2/start?rd={rd}"))).await;
        assert_eq!((answer.status, answer.location()), (302, location), "{rd}");
    }
    let out = anna.send(&at("/oauth2/sign_out")).await;
    assert_eq!((out.status, out.location()), (302, "/_auth/logout"));
}
