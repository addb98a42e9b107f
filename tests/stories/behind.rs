//! Real proxies in front that only ask: nginx, Caddy, `HAProxy`, Traefik and Envoy, as their pages in `docs/` set them up.
//!
//! The same journey before each of them, over TLS, by their own ports alone.

use doorward_tests::{Answer, Ask, Front, PASSWORD, Plan, Proxy, Seen, Site, Stack, Visitor};

const NAMES: [&str; 4] = [
    "Remote-User",
    "Remote-Groups",
    "Remote-Email",
    "Remote-Name",
];

fn plan() -> Plan {
    let site = Site::new()
        .host("app.example.com")
        .upstream("none")
        .rule("path = \"/office/**\"\nfrom = [\"10.0.0.0/8\"]\nallow = \"anyone\"")
        .usual_rules();
    Stack::new()
        .server("trusted_proxies = [\"127.0.0.1/32\"]")
        .site(site)
        .site(
            Site::new()
                .host("open.example.com")
                .rule("allow = \"anyone\""),
        )
}

/// Somebody signed in through the proxy.
async fn sign_in(front: &Front, name: &str) -> Visitor {
    let mut visitor = front.anon();
    visitor.sign_in(name, PASSWORD).await;
    visitor
}

/// The part of an absolute address on the visitor's own origin.
fn path(visitor: &Visitor, location: &str) -> String {
    let path = location.strip_prefix(&visitor.origin());
    assert!(path.is_some(), "{location} is not on {}", visitor.origin());
    path.unwrap_or_default().to_owned()
}

async fn tell(proxy: Proxy) {
    let stack = plan().start().await;
    let front = Front::start(proxy, stack.gateway().gate(), stack.echo.address()).await;
    stack.add_person("anna", &[]).await;
    stack.add_person("root", &["--role", "admin"]).await;
    signs_in_and_comes_back(&stack, &front).await;
    strangers_get_nothing(&stack, &front).await;
    one_host_is_asked_about_and_served(&stack, &front).await;
    nothing_but_a_websocket(&stack, &front).await;
    no_cookie_of_ours(&stack, &front).await;
    nobody_else_asks(&stack, &front).await;
    nobody_else_says_who_it_is(&stack, &front).await;
    rules_decide(&stack, &front).await;
    websockets(&stack, &front).await;
    signs_out(&stack, &front).await;
}

async fn signs_in_and_comes_back(stack: &Stack, front: &Front) {
    let mut anna = front.anon();
    let answer = anna.page("/secret?x=1").await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let login = path(&anna, answer.location());
    assert_eq!(login, "/_auth/login?to=%2Fsecret%3Fx%3D1");
    assert_eq!(stack.echo.count(), 0, "nothing was shown");
    let page = anna.page(&login).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("/secret?x=1"), "{}", page.text());
    let fields = [
        ("login", "anna"),
        ("password", PASSWORD),
        ("to", "/secret?x=1"),
    ];
    let answer = anna.form("/_auth/login", &fields).await;
    assert_eq!((answer.status, answer.location()), (303, "/secret?x=1"));
    assert!(anna.has_token(), "under the name for https");
    for (name, value) in [("a", "0"), ("theirs", "1"), ("zebra", "2")] {
        anna.keep(name, value);
    }
    anna.keep("__Host-doorward-flow", "half-done");
    let page = anna.page("/secret?x=1").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let seen = stack.echo.last();
    assert_eq!(seen.target(), "/secret?x=1");
    is_anna(&seen);
    let cookies = seen.all("cookie").join("; ");
    assert!(
        ["a=0", "theirs=1", "zebra=2"]
            .iter()
            .all(|pair| cookies.split("; ").any(|have| have == *pair)),
        "{cookies}"
    );
    if !front.is(Proxy::Traefik) && !front.is(Proxy::Envoy) {
        assert!(
            !cookies.contains("doorward"),
            "our cookie is ours: {cookies}"
        );
    }
}

fn is_anna(seen: &Seen) {
    let told = NAMES.map(|name| seen.one(name).unwrap_or_default());
    assert_eq!(
        told,
        ["anna", "user", "anna@example.com", ""],
        "{}",
        seen.text()
    );
}

/// No answer of the site's, and nothing asked of it.
async fn refused(stack: &Stack, visitor: &mut Visitor, ask: &Ask) -> Answer {
    let before = stack.echo.count();
    let answer = visitor.send(ask).await;
    assert_eq!(stack.echo.count(), before, "{ask:?}");
    assert!(answer.status >= 300, "{} to {ask:?}", answer.status);
    answer
}

async fn strangers_get_nothing(stack: &Stack, front: &Front) {
    let mut anon = front.anon();
    let answer = refused(stack, &mut anon, &Ask::fetch("/secret")).await;
    assert_eq!(answer.status, 401, "a script is told, not sent");
    assert_eq!(answer.header("location"), None, "{answer:?}");
    let posted = refused(stack, &mut anon, &Ask::form("/secret", &[("a", "b")])).await;
    assert_eq!(posted.status, 303);
    for target in [
        "/public/../secret",
        "/public/%2e%2e/secret",
        "/public/..%2fsecret",
        "/public%2f..%2fsecret",
        "//secret",
        "/public//../secret",
        "/public/..;/secret",
        "/public;/../secret",
        "/public\\..\\secret",
        "/public/%5c..%5csecret",
        "/_auth/../secret",
        "/_auth/%2e%2e/secret",
        "/_auth;/secret",
        "/deny/x",
        "/%73ecret",
        "/office/x",
    ] {
        let _ = refused(stack, &mut anon, &Ask::page(target)).await;
    }
    let forged = [
        ("X-Original-URL", "https://open.example.com/x"),
        ("X-Original-Method", "OPTIONS"),
        ("X-Forwarded-Uri", "/public/x"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Host", "open.example.com"),
        ("X-Rewrite-URL", "/public/x"),
        ("X-Doorward-Status", "200"),
        (
            "Connection",
            "close, X-Forwarded-Uri, X-Original-URL, Cookie",
        ),
        ("Upgrade", "anything"),
    ];
    for (name, value) in forged {
        let _ = refused(stack, &mut anon, &Ask::page("/secret").header(name, value)).await;
    }
    let far = Ask::page("/office/x").header("X-Forwarded-For", "10.1.2.3");
    let _ = refused(stack, &mut anon, &far).await;
    // The way that is open is open.
    let before = stack.echo.count();
    assert_eq!(anon.page("/public/page").await.status, 200);
    assert_eq!(stack.echo.count(), before + 1);
}

/// Another site is open to all; what the client calls this one does not make it that.
async fn one_host_is_asked_about_and_served(stack: &Stack, front: &Front) {
    let anon = front.anon();
    let port = anon
        .origin()
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    for host in ["open.example.com", "auth.example.com"] {
        let hosts = [host.to_owned(), format!("{host}:{port}")];
        for host in &hosts {
            for target in ["/secret".to_owned(), format!("{}/secret", anon.origin())] {
                for forwarded in [None, Some(host)] {
                    let mut ask = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n");
                    if let Some(forwarded) = forwarded {
                        ask.extend(["X-Forwarded-Host: ", forwarded, "\r\n"]);
                    }
                    ask += "Accept: text/html\r\nConnection: close\r\n\r\n";
                    let before = stack.echo.count();
                    let _ = anon.wire().await.exchange(ask.as_bytes()).await;
                    assert_eq!(stack.echo.count(), before, "{ask}");
                }
            }
        }
    }
}

/// On a connection that speaks something else than HTTP/1.1 the site could be asked for anything.
async fn nothing_but_a_websocket(stack: &Stack, front: &Front) {
    let anon = front.anon();
    for (upgrade, connection) in [
        ("h2c", "Upgrade, HTTP2-Settings"),
        ("H2C", "upgrade"),
        ("anything", "Upgrade"),
        ("websocket, h2c", "Upgrade, HTTP2-Settings"),
    ] {
        let ask = Ask::page("/public/page")
            .header("Upgrade", upgrade)
            .header("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")
            .header("Connection", connection);
        let answer = anon.wire().await.exchange(&anon.bytes(&ask)).await;
        let status = answer.expect("an answer").status;
        assert!([200, 400, 403].contains(&status), "{upgrade}: {status}");
        if status == 200 {
            let seen = stack.echo.last();
            let asked = seen.all("upgrade");
            assert!(
                asked.iter().all(|asked| asked == "websocket"),
                "{}",
                seen.text()
            );
        }
    }
}

/// Whatever else is there under our names: others may have put it there.
async fn no_cookie_of_ours(stack: &Stack, front: &Front) {
    if front.is(Proxy::Traefik) || front.is(Proxy::Envoy) {
        return;
    }
    let anna = sign_in(front, "anna").await;
    let ours = anna.cookies().unwrap_or_default();
    assert!(ours.starts_with("__Host-doorward="), "{ours}");
    for cookies in [
        format!("doorward=planted; a=1; {ours}; doorward-flow=p; __Host-doorward-flow=half; b=2"),
        format!("{ours}; a=1; doorward=planted; __Host-doorward-flow=half; doorward-flow=p; b=2"),
        format!("a=1; b=2; __Host-doorward-flow=half; {ours}"),
    ] {
        let ask = Ask::page("/page").header("Cookie", &cookies);
        let answer = front.anon().send(&ask).await;
        assert_eq!(answer.status, 200, "{cookies}");
        let seen = stack.echo.last().all("cookie").join("; ");
        assert!(!seen.contains("doorward"), "{cookies}: {seen}");
        assert!(seen.contains("a=1") && seen.contains("b=2"), "{seen}");
    }
}

/// Questions are the proxy's to ask.
async fn nobody_else_asks(stack: &Stack, front: &Front) {
    let mut anon = front.anon();
    for target in [
        "/_auth/authz/auth-request",
        "/_auth/authz/forward-auth",
        "/_auth/authz/ext-authz/public/x",
    ] {
        let ask = Ask::get(target)
            .header("X-Original-URL", "https://app.example.com/public/x")
            .header("X-Original-Method", "GET")
            .header("X-Forwarded-Uri", "/public/x")
            .header("X-Forwarded-Method", "GET");
        let answer = refused(stack, &mut anon, &ask).await;
        assert!([403, 404].contains(&answer.status), "{target}: {answer:?}");
    }
}

async fn nobody_else_says_who_it_is(stack: &Stack, front: &Front) {
    let mut anna = sign_in(front, "anna").await;
    let mut anon = front.anon();
    for name in [
        "Remote-User",
        "remote_user",
        "REMOTE-GROUPS",
        "Remote.Email",
        "X-Forwarded-User",
        "X-Doorward-Assertion",
    ] {
        let _ = anon
            .send(&Ask::page("/public/page").header(name, "root"))
            .await;
        let _ = anna.send(&Ask::page("/page").header(name, "root")).await;
        let nominated = Ask::page("/page")
            .header("Connection", &format!("close, {name}"))
            .header(name, "root");
        let _ = anna.send(&nominated).await;
    }
    for seen in stack.echo.seen() {
        let told: Vec<_> = NAMES.iter().flat_map(|name| seen.all(name)).collect();
        assert!(!told.iter().any(|value| value == "root"), "{}", seen.text());
        let text = seen.text();
        let named: Vec<_> = text.lines().filter(|line| line.contains("root")).collect();
        assert!(named.is_empty(), "{named:?}");
    }
    let _ = anna.page("/page").await;
    is_anna(&stack.echo.last());
    let signed = stack.echo.last().one("X-Doorward-Assertion");
    let signed = signed.expect("an assertion");
    assert_eq!(signed.matches('.').count(), 2, "{signed}");
    let _ = anon.page("/public/page").await;
    let told = NAMES.map(|name| stack.echo.last().one(name).unwrap_or_default());
    assert_eq!(told, ["", "", "", ""], "nobody is nobody");
    let signed = stack.echo.last().one("X-Doorward-Assertion");
    assert_eq!(signed.unwrap_or_default(), "");
}

async fn rules_decide(stack: &Stack, front: &Front) {
    let (mut anna, mut root) = (sign_in(front, "anna").await, sign_in(front, "root").await);
    let answer = refused(stack, &mut anna, &Ask::page("/admin/x")).await;
    assert_eq!(answer.status, 403);
    if !front.is(Proxy::Nginx) {
        let text = answer.text();
        assert!(text.contains("anna"), "it says who they are: {text}");
        assert!(text.trim_end().ends_with("</html>"), "to its end: {text}");
    }
    let spelled = refused(stack, &mut anna, &Ask::page("/%61dmin/x")).await;
    assert_eq!(spelled.status, 403);
    assert_eq!(root.page("/admin/x").await.status, 200);
    assert_eq!(
        stack.echo.last().one("Remote-User").as_deref(),
        Some("root")
    );
    let deleted = anna
        .send(&Ask::new("DELETE", "/page").header("Accept", "*/*"))
        .await;
    assert_eq!(deleted.status, 200);
    assert_eq!(stack.echo.last().method(), "DELETE");
    let posted = anna.form("/page", &[("a", "b")]).await;
    assert_eq!(
        posted.status, 200,
        "a body goes to the site, and is not asked about"
    );
    assert_eq!(stack.echo.last().body(), b"a=b");
    // The question's connection serves for the next one, whoever asks.
    assert_eq!(anna.page("/page").await.status, 200);
}

async fn websockets(stack: &Stack, front: &Front) {
    let anna = sign_in(front, "anna").await;
    let mut socket = anna.websocket("/ws").await.expect("anna may");
    socket.say("hello").await;
    assert_eq!(
        socket.hear(std::time::Duration::from_secs(5)).await,
        "hello"
    );
    let before = stack.echo.count();
    let foreign = anna.websocket_from("/ws", "https://evil.example.com").await;
    assert_eq!(foreign.err(), Some(403));
    let stranger = front.anon().websocket("/ws").await;
    assert_eq!(stranger.err(), Some(401));
    assert_eq!(stack.echo.count(), before);
}

async fn signs_out(stack: &Stack, front: &Front) {
    let mut anna = sign_in(front, "anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    let mut thief = anna.clone();
    let _ = anna.sign_out().await;
    let answer = refused(stack, &mut thief, &Ask::page("/page")).await;
    assert_eq!(
        answer.status, 302,
        "the session has ended, not only the cookie"
    );
}

#[tokio::test]
async fn nginx() {
    tell(Proxy::Nginx).await;
}

#[tokio::test]
async fn caddy() {
    tell(Proxy::Caddy).await;
}

#[tokio::test]
async fn haproxy() {
    tell(Proxy::Haproxy).await;
}

/// In the long form: `tests/traefik/build` makes the program.
#[tokio::test]
async fn traefik() {
    if Proxy::Traefik.is_here() {
        tell(Proxy::Traefik).await;
    }
}

/// In the long form: `tests/envoy/fetch` gets the program.
#[tokio::test]
async fn envoy() {
    if Proxy::Envoy.is_here() {
        tell(Proxy::Envoy).await;
    }
}

/// Without the one that is asked, nobody gets in.
#[tokio::test]
async fn without_an_answer_nobody_gets_in() {
    let mut stack = plan().start().await;
    let (gate, site) = (stack.gateway().gate(), stack.echo.address());
    let mut fronts = Vec::new();
    for (proxy, status) in [
        (Proxy::Nginx, 500),
        (Proxy::Caddy, 502),
        (Proxy::Haproxy, 503),
        (Proxy::Traefik, 500),
        (Proxy::Envoy, 403),
    ] {
        if proxy.is_here() {
            fronts.push((Front::start(proxy, gate, site).await, status));
        }
    }
    for (front, _) in &fronts {
        assert_eq!(front.anon().page("/public/x").await.status, 200);
    }
    stack.gateway_mut().kill().await;
    for (front, status) in &fronts {
        let answer = refused(&stack, &mut front.anon(), &Ask::page("/public/x")).await;
        assert_eq!(answer.status, *status, "{answer:?}");
    }
}
