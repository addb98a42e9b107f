//! What a client says of itself, and what the site is told all the same; over HTTP/1.1 and HTTP/2.

use doorward_tests::frames::{END_HEADERS, END_STREAM, Frames, fields, frame, kind};
use doorward_tests::{Ask, PASSWORD, Visitor};
use serde_json::{Value, json};

use super::{HOST, honest, is_block, plan, strangers, twice};
use crate::api_keys;

/// What is nominated in `Connection` goes to the next hop no more; what we say does.
#[tokio::test]
async fn a03_nominated() {
    let stack = plan().start().await;
    let mut anna = stack.sign_in("anna").await;
    for (name, value) in [
        ("Connection", "close, Remote-User"),
        ("connection", "remote-groups"),
        (
            "Connection",
            "Remote-User, Remote-Groups, Remote-Email, X-Real-IP, X-Forwarded-For",
        ),
        ("Connection", "X-Doorward-Assertion, Host, Cookie"),
        ("Proxy-Connection", "Remote-User"),
        ("Keep-Alive", "Remote-User"),
    ] {
        for forged in [None, Some("root")] {
            let mut ask = Ask::get("/page").header(name, value);
            if let Some(forged) = forged {
                ask = ask
                    .header("Remote-User", forged)
                    .header("Remote-Groups", forged);
            }
            let before = stack.echo.count();
            let answer = anna.send(&ask).await;
            if answer.status == 400 {
                assert_eq!(stack.echo.count(), before, "{name}: {value}");
                continue;
            }
            assert_eq!(answer.status, 200, "{name}: {value}");
            let seen = stack.echo.last();
            let told = ["Remote-User", "Remote-Groups"].map(|name| seen.one(name));
            let told = told.each_ref().map(Option::as_deref);
            assert_eq!(
                told,
                [Some("anna"), Some("user")],
                "{value}: {}",
                seen.text()
            );
            assert_eq!(
                seen.one("X-Forwarded-For").as_deref(),
                Some("127.0.0.1"),
                "{value}"
            );
        }
    }
    honest(&stack).await;
}

/// Whoever has no groups has none.
#[tokio::test]
async fn a04_no_groups_are_no_groups() {
    let stack = plan().start().await;
    let mut browsers = twice(&stack, "alice").await;
    let taken = ["user", "revoke-role", "alice", "user"];
    let _ = stack.command(&taken).await.exits(0);
    for alice in &mut browsers {
        doorward_tests::until(
            "the role is gone",
            std::time::Duration::from_secs(2),
            async || {
                assert_eq!(alice.get("/page").await.status, 200);
                let groups = stack.echo.last().one("Remote-Groups");
                groups.is_none_or(|groups| groups.is_empty()).then_some(())
            },
        )
        .await;
        let ask = Ask::get("/page")
            .header("remote-groups", "admins")
            .header("remote_groups", "admin");
        assert_eq!(alice.send(&ask).await.status, 200);
        let seen = stack.echo.last();
        assert!(!seen.text().contains("admin"), "{}", seen.text());
        assert_eq!(seen.one("Remote-User").as_deref(), Some("alice"));
        assert_eq!(alice.send(&ask.at("/admin/x")).await.status, 403);
    }
}

/// A trailer is no header.
#[tokio::test]
async fn a05_trailers() {
    let stack = plan().start().await;
    let [mut plain, encrypted] = twice(&stack, "anna").await;
    let ask = Ask::new("POST", "/page")
        .header("Transfer-Encoding", "chunked")
        .header("Trailer", "Remote-User")
        .body("1\r\na\r\n0\r\nRemote-User: root\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
    assert_eq!(plain.send(&ask).await.status, 200);

    let cookies = encrypted.cookies().expect("a cookie");
    let head = fields(&[
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", HOST),
        (":path", "/page"),
        ("cookie", &cookies),
    ]);
    let trailers = fields(&[("remote-user", "root"), ("x-forwarded-for", "10.0.0.1")]);
    let mut frames = Frames::of(&encrypted).await;
    let bytes = [
        frame(kind::HEADERS, END_HEADERS, 1, &head),
        frame(kind::DATA, 0, 1, b"a"),
        frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &trailers),
    ];
    frames.send(&bytes.concat()).await;
    let outcome = frames.outcome(1).await.expect("an outcome");
    assert!(
        matches!(outcome.status(), Some(200 | 400) | None),
        "{outcome:?}"
    );

    for seen in stack.echo.seen() {
        assert!(
            !seen.text().contains("root") && !seen.text().contains("10.0.0.1"),
            "{}",
            seen.text()
        );
        assert_eq!(seen.one("Remote-User").as_deref(), Some("anna"));
    }
    honest(&stack).await;
}

/// Where a request comes from, or which it was before, is not for the client to say.
#[tokio::test]
async fn a06_another_address_in_a_header() {
    let stack = plan().start().await;
    let forged = [
        ("x-forwarded-uri", "/public/x"),
        ("x-original-url", "/public/x"),
        ("x-original-uri", "/public/x"),
        ("x-rewrite-url", "/public/x"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-forwarded-prefix", "/secret"),
        ("x-http-method-override", "OPTIONS"),
        ("script_name", "/secret"),
        ("path_info", "/public/x"),
        ("x-script-name", "/secret"),
    ];
    for (name, value) in forged {
        for mut stranger in strangers(&stack) {
            let status = stranger
                .send(&Ask::page("/secret").header(name, value))
                .await
                .status;
            assert!(is_block(status), "{name}: {status}");
            let answer = stranger
                .send(&Ask::page("/public/y").header(name, value))
                .await;
            assert_eq!(answer.status, 200, "{name}");
            let seen = stack.echo.last();
            assert_eq!(seen.target(), "/public/y");
            let passes = name == "x-http-method-override";
            assert!(
                passes || seen.all(name).is_empty(),
                "{name}: {}",
                seen.text()
            );
        }
    }
}

/// The cookie and the token stay here; what is the site's own passes.
#[tokio::test]
async fn a09_neither_cookie_nor_token() {
    let stack = plan().start().await;
    for (mut anna, mut program) in twice(&stack, "anna")
        .await
        .into_iter()
        .zip(strangers(&stack))
    {
        anna.keep("k", "v");
        assert_eq!(anna.get("/page").await.status, 200);
        let seen = stack.echo.last();
        assert_eq!(seen.all("cookie"), ["k=v"]);
        let text = seen.text();
        assert!(
            !text.contains(anna.token()) && !text.contains("doorward="),
            "{text}"
        );
        assert_eq!(anna.get("/public/x").await.status, 200);
        assert!(
            !stack.echo.last().text().contains(anna.token()),
            "on an open page"
        );

        let token = access_token(&mut program).await;
        let key = api_keys::key(&stack, "anna", &[]).await;
        program.keep("k", "v");
        for secret in [token, key] {
            let answer = api_keys::get(&mut program, &secret, "/page").await;
            assert_eq!(answer.status, 200);
            let seen = stack.echo.last();
            assert_eq!(seen.all("authorization"), Vec::<String>::new());
            assert_eq!(seen.all("cookie"), ["k=v"]);
            assert!(!seen.text().contains(&secret), "{}", seen.text());
        }
    }
}

/// Signs in as Anna with JSON.
async fn access_token(visitor: &mut Visitor) -> String {
    let document = json!({ "login": "anna", "password": PASSWORD });
    let ask = Ask::new("POST", "/_auth/api/login")
        .header("content-type", "application/json")
        .body(document.to_string());
    let answer = visitor.send(&ask).await;
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}
