//! Which site, and which method: in every spelling the same, or none.

use std::time::Duration;

use doorward_tests::frames::{END_HEADERS, END_STREAM, Frames, fields, frame, kind};
use doorward_tests::{Ask, PASSWORD, Site, Speech, Stack, Visitor, Wire};
use tokio::net::TcpListener;

use super::{HOST, is_block, plan, raw};

async fn two_sites() -> Stack {
    let admin = Site::new()
        .host("admin.test")
        .rule("allow = [\"role:admin\"]");
    plan()
        .site(Site::usual().host(HOST))
        .site(admin)
        .start()
        .await
}

async fn signed_in(stack: &Stack, name: &str) -> Visitor {
    stack.add_person(name, &[]).await;
    let mut visitor = stack.anon().on_host(HOST);
    visitor.sign_in(name, PASSWORD).await;
    visitor
}

/// One host, said once.
#[tokio::test]
async fn a16_one_host() {
    let stack = two_sites().await;
    let anna = signed_in(&stack, "anna").await;
    let cookie = anna.cookies().expect("a cookie");
    for head in [
        "GET http://admin.test/ HTTP/1.1\r\nHost: app.test\r\n",
        "GET http://app.test/ HTTP/1.1\r\nHost: admin.test\r\n",
        "GET / HTTP/1.1\r\nHost: app.test\r\nHost: admin.test\r\n",
        "GET / HTTP/1.1\r\nHost: admin.test\r\nHost: app.test\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nHost: app.test, admin.test\r\n",
        "GET / HTTP/1.1\r\nHost: app.test@admin.test\r\n",
        "GET / HTTP/1.1\r\nHost: admin.test/app.test\r\n",
        "GET http:///x HTTP/1.1\r\nHost: app.test\r\n",
    ] {
        let statuses = raw(&stack, format!("{head}Cookie: {cookie}\r\n\r\n").as_bytes()).await;
        let fine = statuses.iter().all(|status| matches!(status, 400 | 421));
        assert!(fine && statuses.len() < 2, "{head:?}: {statuses:?}");
    }
    assert_eq!(stack.echo.count(), 0);
    let good =
        format!("GET http://app.test/x HTTP/1.1\r\nHost: app.test\r\nCookie: {cookie}\r\n\r\n");
    assert_eq!(raw(&stack, good.as_bytes()).await, [200]);
    assert!(!stack.gateway().log().contains("panicked"));
}

/// However a host is spelled, its own rules decide.
#[tokio::test]
async fn a17_spellings_of_a_host() {
    let stack = two_sites().await;
    let anna = signed_in(&stack, "anna").await;
    let spellings = [
        "admin.test",
        "ADMIN.TEST",
        "Admin.Test",
        "admin.test.",
        "admin.test:8443",
        "ADMIN.test.:80",
        "admin.test:",
    ];
    for host in spellings {
        let status = anna.on_host(host).page("/x").await.status;
        let fine = status == 403 || (host.ends_with(':') && status == 400);
        assert!(fine, "{host}: {status}");
    }
    let mut encrypted = stack.secure(Speech::Http2, HOST);
    encrypted.sign_in("anna", PASSWORD).await;
    for host in &spellings[..6] {
        let status = encrypted
            .send(&Ask::page("/x").header("Host", host))
            .await
            .status;
        assert_eq!(status, 403, "{host} over HTTP/2");
    }
    assert_eq!(stack.echo.count(), 0);
    let ada = signed_in(&stack, "ada").await;
    let _ = stack
        .command(&["user", "grant", "ada", "admin"])
        .await
        .exits(0);
    for host in &spellings[..6] {
        doorward_tests::until("the role is known", Duration::from_secs(2), async || {
            (ada.on_host(host).page("/x").await.status == 200).then_some(())
        })
        .await;
    }
}

/// A rule that is for GET is for GET, whatever a header says.
#[tokio::test]
async fn a18_a_method_in_a_header() {
    let site = Site::new()
        .rule("path = \"/public/**\"\nmethods = [\"GET\"]\nallow = \"anyone\"")
        .rule("allow = \"signed_in\"");
    let stack = plan().site(site).start().await;
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "x_http_method_override",
    ] {
        for mut stranger in super::strangers(&stack) {
            let ask = Ask::new("POST", "/public/x").header(name, "GET");
            let status = stranger.send(&ask).await.status;
            assert!(is_block(status), "{name}: {status}");
        }
        let mut stranger = stack.anon();
        let ask = Ask::get("/public/x").header(name, "DELETE");
        let before = stack.echo.count();
        assert_eq!(stranger.send(&ask).await.status, 200, "{name}");
        assert_eq!(stack.echo.count(), before + 1);
        assert!(!stack.echo.last().text().contains("DELETE"), "{name}");
    }
    let heads: Vec<_> = stack
        .echo
        .seen()
        .iter()
        .map(doorward_tests::Seen::method)
        .collect();
    assert!(heads.iter().all(|method| method == "GET"), "{heads:?}");
    for method in ["OPTIONS", "HEAD", "PROPFIND", "TRACE", "get"] {
        let answer = stack.anon().try_send(&Ask::new(method, "/secret")).await;
        let status = answer.map_or(0, |answer| answer.status);
        assert!(status == 0 || is_block(status), "{method}: {status}");
    }
}

/// Nobody gets a tunnel.
#[tokio::test]
async fn a29_no_tunnels() {
    let stack = plan().start().await;
    let anna = stack.sign_in("anna").await;
    let cookie = anna.cookies().expect("a cookie");
    let inside = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let there = inside.local_addr().expect("bound");
    for target in [
        there.to_string(),
        "app.test:443".to_owned(),
        "/public/x".to_owned(),
    ] {
        let mut wire = Wire::to(stack.gateway().gate()).await;
        let head =
            format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nCookie: {cookie}\r\n\r\n");
        let answer = wire.exchange(head.as_bytes()).await;
        let status = answer.map_or(0, |answer| answer.status);
        assert!(matches!(status, 0 | 400 | 405 | 501), "{target}: {status}");
    }
    let authority = there.to_string();
    let extended = [
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/ws"),
    ];
    for more in [&[][..], &extended[..]] {
        let mut frames = Frames::of(&stack.secure(Speech::Http2, HOST)).await;
        let head = [
            &[(":method", "CONNECT"), (":authority", &*authority)][..],
            more,
        ]
        .concat();
        let head = frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &fields(&head));
        frames.send(&head).await;
        let outcome = frames.outcome(1).await.expect("an outcome");
        assert!(
            outcome
                .status()
                .is_none_or(|status| matches!(status, 400 | 405 | 501)),
            "{outcome:?}"
        );
    }
    let visited = tokio::time::timeout(Duration::from_millis(50), inside.accept()).await;
    assert!(visited.is_err(), "somebody came through");
    assert_eq!(stack.echo.count(), 0);
    super::honest(&stack).await;
}
