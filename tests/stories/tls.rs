//! TLS of the gateway's own: the journey over https, which certificate is shown to whom, and what plain http is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_tests::{
    Ask, Authority, Numbers, PASSWORD, Pipe, Plan, Site, Speech, Stack, Visitor, Wire, long, until,
    within,
};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SECOND: Duration = Duration::from_secs(1);

/// `app.test`, and its certificate.
fn plan() -> Plan {
    Stack::new().tls(&["app.test", "127.0.0.1"])
}

async fn signed_in(stack: &Stack, speech: Speech, name: &str) -> Visitor {
    let mut visitor = stack.secure(speech, "app.test");
    visitor.sign_in(name, PASSWORD).await;
    visitor
}

on_both_stores! {
    /// A stranger becomes somebody, is let in, and leaves; HTTP/1.1 and HTTP/2 alike.
    async fn a50_the_journey_over_https(plan) {
        let stack = plan.tls(&["app.test"]).start().await;
        for (speech, name) in [(Speech::Http1, "anna"), (Speech::Http2, "berta")] {
            let mut visitor = stack.secure(speech, "app.test");
            let sent = visitor.page("/secret").await;
            assert_eq!((sent.status, sent.location()), (302, "/_auth/login?to=%2Fsecret"));
            assert_eq!(sent.header("strict-transport-security"), Some("max-age=31536000"));
            let login = visitor.page(sent.location()).await;
            assert_eq!(login.status, 200);
            assert_eq!(login.header("strict-transport-security"), Some("max-age=31536000"));

            let email = format!("{name}@example.com");
            let fields = [("username", name), ("email", &email), ("password", PASSWORD), ("to", "/secret")];
            let registered = visitor.form("/_auth/register", &fields).await;
            assert_eq!((registered.status, registered.location()), (303, "/secret"), "{}", registered.text());
            let cookies = registered.all("set-cookie");
            assert_eq!(cookies.len(), 1, "{cookies:?}");
            assert!(cookies[0].starts_with("__Host-doorward="), "{cookies:?}");
            for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(cookies[0].contains(attribute), "{attribute} in {cookies:?}");
            }
            assert!(!cookies[0].contains("Domain"));

            let secret = visitor.page("/secret").await;
            assert_eq!(secret.status, 200);
            assert_eq!(secret.header("strict-transport-security"), Some("max-age=31536000"));
            let seen = stack.echo.last();
            assert_eq!(seen.all("remote-user"), [name]);
            assert_eq!(seen.all("x-forwarded-proto"), ["https"]);
            assert_eq!(seen.all("host"), [visitor.host()]);
            assert_eq!(seen.all("x-forwarded-host"), [visitor.host()]);
            assert_eq!(seen.all("x-forwarded-port"), [stack.gateway().tls().port().to_string()]);
            assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
            assert_eq!(seen.all("cookie"), Vec::<String>::new());

            let page = visitor.page("/_auth/account").await;
            assert!(page.text().contains(name), "{}", page.status);
            let thief = visitor.clone();
            let left = visitor.sign_out().await;
            assert!(left.all("set-cookie")[0].contains("Secure"), "{left:?}");
            assert!(!visitor.has_token());
            assert_eq!(thief.clone().page("/secret").await.status, 302);
        }
    }
}

/// The cookie of one scheme is worth nothing on the other.
#[tokio::test]
async fn each_scheme_has_its_own_cookie() {
    let stack = plan().start().await;
    let plain = stack.sign_in("anna").await;
    let secure = signed_in(&stack, Speech::Http1, "anna").await;
    for (name, token) in [
        ("doorward", plain.token()),
        ("__Host-doorward", plain.token()),
    ] {
        let mut visitor = stack.secure(Speech::Http2, "app.test");
        visitor.keep(name, token);
        let status = visitor.page("/secret").await.status;
        assert_eq!(status, if name == "doorward" { 302 } else { 200 });
    }
    let mut other_way = stack.anon();
    other_way.keep("__Host-doorward", secure.token());
    assert_eq!(other_way.page("/secret").await.status, 302);
    other_way.keep("doorward", secure.token());
    assert_eq!(other_way.page("/secret").await.status, 200);
}

/// On plain http nothing is said of https; over TLS the site's own word stands.
#[tokio::test]
async fn browsers_are_told_to_come_by_https_over_https_only() {
    let stack = plan()
        .site(Site::usual().host("app.test").line("hsts = \"1d\""))
        .site(Site::usual().host("off.test").line("hsts = \"off\""))
        .server("trusted_proxies = [\"127.0.0.1\"]")
        .start()
        .await;
    let hsts = |answer: &doorward_tests::Answer| {
        let all = answer.all("strict-transport-security");
        assert!(all.len() < 2, "{all:?}");
        all.first().map(|&value| value.to_owned())
    };
    for target in [
        "/public/x",
        "/secret",
        "/_auth/login",
        "/deny/x",
        "/public/%2e%2e/x",
    ] {
        let mut plain = stack.anon().on_host("app.test");
        assert_eq!(hsts(&plain.page(target).await), None, "{target}");
        let mut secure = stack.secure(Speech::Http2, "app.test");
        let told = hsts(&secure.page(target).await);
        assert_eq!(told.as_deref(), Some("max-age=86400"), "{target}");
        let off = Ask::page(target).header("Host", "off.test");
        assert_eq!(hsts(&secure.send(&off).await), None, "{target}");
    }
    let through = Ask::page("/public/x")
        .header("Host", "app.test")
        .header("X-Forwarded-Proto", "https");
    let told = hsts(&stack.anon().send(&through).await);
    assert_eq!(
        told.as_deref(),
        Some("max-age=86400"),
        "a proxy that is believed"
    );
}

/// The name in the handshake chooses a certificate, and nothing else.
#[tokio::test]
async fn the_name_asked_for_chooses_the_certificate_and_never_the_site() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = Authority::new("Another");
    let at = |name: &str| folder.path().join(name);
    let wild = other.issue(&at("wild.pem"), &at("wild.key"), &["*.wild.test"]);
    let one = other.issue(&at("one.pem"), &at("one.key"), &["one.wild.test"]);
    let shown = folder.path().display();
    let stack = Stack::new()
        .tls(&["app.test", "127.0.0.1"])
        .site(Site::usual().host("app.test"))
        .site(Site::new().host("*.wild.test").rule("allow = \"anyone\""))
        .section(&format!(
            "[[certificate]]\nchain = \"{shown}/wild.pem\"\nkey = \"{shown}/wild.key\"\n\
             [[certificate]]\nchain = \"{shown}/one.pem\"\nkey = \"{shown}/one.key\"\n"
        ))
        .start()
        .await;
    let certificate = async |host: &str, authority: &Authority| {
        let pipe = Pipe::plain(stack.gateway().tls()).await.expect("connected");
        let pipe = pipe.encrypt(host, authority.trusted_by(&["h2"])).await;
        pipe.ok().and_then(|pipe| pipe.certificate())
    };
    assert_eq!(certificate("a.wild.test", &other).await, Some(wild.clone()));
    assert_eq!(certificate("one.wild.test", &other).await, Some(one));
    let first = certificate("app.test", stack.authority()).await;
    assert!(first.is_some() && first != Some(wild));
    assert_eq!(certificate("127.0.0.1", stack.authority()).await, first);
    assert_eq!(certificate("wild.test", &other).await, None, "the first");
    assert_eq!(
        certificate("a.b.wild.test", &other).await,
        None,
        "the first"
    );

    // Who shook hands with the open host and asks the protected one is a stranger there.
    for speech in [Speech::Http1, Speech::Http2] {
        let gate = stack.gateway().tls();
        let mut visitor = Visitor::secure(gate, "a.wild.test", &other, speech);
        assert_eq!(visitor.page("/secret").await.status, 200);
        let before = stack.echo.count();
        let protected = Ask::page("/secret").header("Host", "app.test");
        assert_eq!(visitor.send(&protected).await.status, 302);
        let unknown = Ask::page("/secret").header("Host", "evil.test");
        assert_eq!(visitor.send(&unknown).await.status, 421);
        assert_eq!(stack.echo.count(), before);
    }
}

/// A new certificate is shown within ten seconds; a broken one never, and those who are connected notice nothing.
#[tokio::test]
async fn a71_certificates_are_read_again() {
    let stack = plan().start().await;
    let anna = stack.secure(Speech::Http2, "app.test");
    let open = anna.together().await.expect("HTTP/2");
    let shown = async || {
        let wire = anna.wire().await;
        wire.into_parts().0.certificate().expect("one").to_vec()
    };
    let before = shown().await;
    let start = Instant::now();
    let new = stack.replace_certificate(&["app.test"]);
    until("the new certificate is shown", 10 * SECOND, async || {
        (shown().await == new).then_some(())
    })
    .await;
    doorward_tests::say(&format!(
        "a new certificate was shown after {:?}",
        start.elapsed()
    ));
    assert_ne!(before, new);
    let answer = open.send("app.test", &Ask::get("/public/x")).await;
    assert_eq!(answer.expect("still open").status, 200);

    let key = stack.folder().join("key.pem");
    let good = std::fs::read(&key).expect("a key");
    std::fs::write(&key, "no key").expect("written");
    until("the log names the file", 10 * SECOND, async || {
        let log = stack.gateway().log();
        (log.contains("cannot be used") && log.contains("key.pem")).then_some(())
    })
    .await;
    assert_eq!(shown().await, new, "the old one stays");
    std::fs::write(&key, good).expect("written");
    let newer = stack.replace_certificate(&["app.test"]);
    until("the newest certificate is shown", 10 * SECOND, async || {
        (shown().await == newer).then_some(())
    })
    .await;
    assert_eq!(stack.gateway().log().matches("cannot be used").count(), 1);
}

/// A certificate whose time is over is served all the same, and said to be.
#[tokio::test]
async fn an_expired_certificate_is_a_warning() {
    let stack = plan().start().await;
    let fresh = stack.command(&["check", "--offline"]).await.exits(0);
    assert!(!fresh.err.contains("expired"), "{}", fresh.err);
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(["app.test".to_owned()]).expect("names");
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let old = params.self_signed(&key).expect("signed");
    std::fs::write(stack.folder().join("key.pem"), key.serialize_pem()).expect("written");
    std::fs::write(stack.folder().join("cert.pem"), old.pem()).expect("written");
    let expired = stack.command(&["check", "--offline"]).await.exits(0);
    assert!(
        expired.err.contains("cert.pem has expired"),
        "{}",
        expired.err
    );
    until("the gateway says so too", 10 * SECOND, async || {
        let log = stack.gateway().log();
        log.contains("a certificate has expired").then_some(())
    })
    .await;
}

/// Who connects and says nothing, or stops in the midst of a handshake, is cut off after five seconds.
#[tokio::test]
async fn a31_handshakes_that_do_not_end() {
    const SLOW: usize = 500;
    let stack = plan()
        .section("[limits]\nconnections_per_address = 2000")
        .start()
        .await;
    // Each comes anew, and so shakes hands as well.
    let honest = async |limit: Duration| {
        let mut numbers = Numbers::default();
        let start = Instant::now();
        let mut every = tokio::time::interval(SECOND / 50);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while start.elapsed() < limit {
            every.tick().await;
            let asked = Instant::now();
            let mut visitor = stack.secure(Speech::Http2, "app.test");
            assert_eq!(visitor.get("/public/x").await.status, 200);
            numbers.add(asked.elapsed());
        }
        numbers
    };
    let alone = honest(if long() { 5 * SECOND } else { SECOND }).await;
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 40]].concat();
    let slow = (0..SLOW).map(async |index| {
        let mut pipe = Pipe::plain(stack.gateway().tls()).await.expect("connected");
        let start = Instant::now();
        if index % 2 == 0 {
            pipe.write_all(&hello).await.expect("said");
        }
        Wire::on(pipe).closed(10 * SECOND).await;
        start.elapsed()
    });
    let (took, beside) = tokio::join!(join_all(slow), honest(5 * SECOND));
    alone.report("honest handshakes and requests, alone");
    beside.report("honest handshakes and requests beside 500 handshakes that do not end");
    beside.is_under_twice(&alone);
    for took in took {
        assert!(
            (4 * SECOND..7 * SECOND).contains(&took),
            "cut after {took:?}"
        );
    }
    assert!(
        !stack.gateway().log().contains("andshake"),
        "no line for each"
    );
}

/// Old versions and old suites are not spoken.
#[tokio::test]
async fn a72_only_tls_1_2_and_1_3() {
    let stack = plan().start().await;
    let (address, authority) = (stack.gateway().tls(), stack.authority());
    for (version, spoken) in [
        (&rustls::version::TLS12, true),
        (&rustls::version::TLS13, true),
    ] {
        let mut roots = rustls::RootCertStore::empty();
        let root = authority.root();
        let root = rustls::pki_types::pem::PemObject::from_pem_slice(root.as_bytes());
        roots.add(root.expect("a root")).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let pipe = Pipe::plain(address).await.expect("connected");
        let pipe = pipe.encrypt("app.test", Arc::new(config)).await;
        assert_eq!(pipe.is_ok(), spoken, "{version:?}");
    }
    // A client that offers TLS 1.1 at most: the answer is a fatal alert, and the end.
    let mut hello = vec![0x16, 3, 1, 0, 0x2f, 1, 0, 0, 0x2b, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len() - 5).expect("short");
    (hello[4], hello[8]) = (length, length - 4);
    let mut pipe = Pipe::plain(address).await.expect("connected");
    pipe.write_all(&hello).await.expect("said");
    let mut said = Vec::new();
    within("an alert", 4 * SECOND, pipe.read_to_end(&mut said))
        .await
        .expect("read");
    assert!(
        said[0] == 0x15 && said[5] == 2 && said.len() == 7,
        "{said:?}"
    );
}

/// What comes in the clear is sent to https, to the same host and target; but never out of the order of questions.
#[tokio::test]
async fn plain_http_is_sent_to_https() {
    let stack = plan()
        .server("redirect_to_tls = true\ntrusted_proxies = [\"127.0.0.2\"]")
        .site(Site::usual().host("app.test"))
        .start()
        .await;
    let port = stack.gateway().tls().port();
    let mut plain = stack.anon().on_host("app.test:8080");
    for (ask, target) in [
        (Ask::page("/"), "/"),
        (Ask::page("/secret?a=b&c"), "/secret?a=b&c"),
        (Ask::get("/public/x"), "/public/x"),
        (Ask::page("/_auth/login?to=%2F"), "/_auth/login?to=%2F"),
        (Ask::new("HEAD", "/public/x"), "/public/x"),
        (
            Ask::form("/_auth/login", &[("login", "anna")]),
            "/_auth/login",
        ),
        (Ask::get("/public/%61"), "/public/a"),
    ] {
        let answer = plain.send(&ask).await;
        let location = format!("https://app.test:{port}{target}");
        assert_eq!(
            (answer.status, answer.location()),
            (308, location.as_str()),
            "{ask:?}"
        );
        assert_eq!(answer.header("strict-transport-security"), None);
    }
    assert_eq!(stack.echo.count(), 0);
    for (ask, status) in [
        (Ask::page("/").header("Host", "evil.test"), 421),
        (Ask::page("/public/%2e%2e/secret"), 400),
        (Ask::new("TRACE", "/"), 405),
        (Ask::page("/").header("X-Forwarded-Proto", "https"), 308),
    ] {
        assert_eq!(plain.send(&ask).await.status, status, "{ask:?}");
    }
    assert_eq!(plain.websocket("/ws").await.err(), Some(308));
    let explained = stack
        .command(&[
            "explain",
            "GET",
            "http://app.test/secret",
            "--from",
            "192.0.2.1",
        ])
        .await
        .exits(1);
    let location = format!("308 to https://app.test:{port}/secret: sent to https");
    assert!(explained.out.contains(&location), "{}", explained.out);
    // Where that leads it is served, and not sent on.
    let mut secure = stack.secure(Speech::Http1, "app.test");
    assert_eq!(secure.get("/public/x").await.status, 200);
    let challenge = plain.get("/.well-known/acme-challenge/tOken").await;
    assert_eq!(
        challenge.status, 200,
        "a certificate authority asks in the clear"
    );
    assert_eq!(stack.echo.count(), 2);
}

/// A proxy that spoke https itself is not sent in circles.
#[tokio::test]
async fn what_a_trusted_proxy_says_was_https_is_served() {
    let stack = plan()
        .server("redirect_to_tls = true\ntrusted_proxies = [\"127.0.0.1\"]")
        .start()
        .await;
    for (said, status, location) in [
        (Some("https"), 200, ""),
        (None, 200, ""),
        (Some("http"), 308, "https://app.test/public/x"),
    ] {
        let mut ask = Ask::get("/public/x").header("Host", "app.test");
        if let Some(said) = said {
            ask = ask.header("X-Forwarded-Proto", said);
        }
        let answer = stack.anon().send(&ask).await;
        assert_eq!(
            (answer.status, answer.location()),
            (status, location),
            "{said:?}"
        );
    }
}

/// Connections over TLS count like all others, before anything is computed for them.
#[tokio::test]
async fn connections_are_counted_before_they_shake_hands() {
    let stack = plan()
        .section("[limits]\nconnections_per_address = 3")
        .start()
        .await;
    let gate = stack.gateway().tls();
    // Ten come, three are let in, and none of them says anything.
    let silent = (0..10).map(async |_| {
        let mut pipe = Pipe::plain(gate).await.expect("connected");
        let closed = tokio::time::timeout(2 * SECOND, pipe.read_u8()).await;
        closed.is_err().then_some(pipe)
    });
    let silent: Vec<_> = join_all(silent).await.into_iter().flatten().collect();
    assert_eq!(silent.len(), 3);
    let shaken = async || {
        let pipe = Pipe::plain(gate).await.expect("connected");
        let trust = stack.authority().trusted_by(&["http/1.1"]);
        pipe.encrypt("app.test", trust).await.ok()
    };
    assert!(shaken().await.is_none(), "no room");
    drop(silent);
    let pipe = until("there is room again", 4 * SECOND, shaken).await;
    let ask = Ask::get("/public/x").header("Host", "app.test");
    let answer = Wire::on(pipe).exchange(&ask.bytes()).await;
    assert_eq!(answer.expect("served").status, 200);
}

/// A WebSocket over TLS, and its end when the session ends.
#[tokio::test]
async fn websockets_over_tls() {
    let stack = plan().start().await;
    stack.add_person("anna", &[]).await;
    let mut anna = signed_in(&stack, Speech::Http1, "anna").await;
    let mut socket = anna.websocket("/ws").await.expect("open");
    socket.is_alive().await;
    let foreign = anna.websocket_from("/ws", "https://evil.test").await;
    assert_eq!(foreign.err(), Some(403));
    anna.sign_out().await;
    socket.closed(5 * SECOND).await;
}
