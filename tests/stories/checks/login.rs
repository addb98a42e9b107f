//! What is sent to sign in or to register, and what it must not do.

use std::time::Instant;

use doorward_tests::{Answer, Ask, MailServer, PASSWORD, Stack, say};
use serde_json::json;

async fn hashes(stack: &Stack) -> f64 {
    let counted = stack
        .gateway()
        .metric("doorward_password_hash_seconds_count");
    counted.await.expect("a counter")
}

/// Long passwords are used whole, and too long ones cost nothing.
#[tokio::test]
async fn a34_long_passwords() {
    let stack = Stack::new().start().await;
    let before = hashes(&stack).await;
    let mebibyte = "x".repeat(1024 * 1024);
    for (password, status) in [(mebibyte.as_str(), 413), (&mebibyte[..1025], 401)] {
        let start = Instant::now();
        let answer = stack.anon().try_sign_in("anna", password).await;
        let took = start.elapsed();
        assert_eq!(answer.status, status, "{} bytes", password.len());
        say(&format!(
            "a password of {} bytes: {status} after {took:?}",
            password.len()
        ));
    }
    let register = async |name: &str, password: &str| {
        let email = format!("{name}@example.com");
        let fields = [
            ("username", name),
            ("email", &*email),
            ("password", password),
        ];
        stack.anon().form("/_auth/register", &fields).await.status
    };
    assert_eq!(register("carl", &mebibyte[..1025]).await, 422);
    assert!(
        (hashes(&stack).await - before).abs() < 0.1,
        "none of them was hashed"
    );

    let whole = format!(
        "{PASSWORD} {PASSWORD}-{}",
        "0123456789 mountain ".repeat(60)
    );
    let whole = &whole[..1024];
    assert_eq!(register("anna", whole).await, 303);
    assert_eq!(stack.anon().try_sign_in("anna", whole).await.status, 303);
    for near in [&whole[..1023], &format!("{}x", &whole[..1023])] {
        assert_eq!(stack.anon().try_sign_in("anna", near).await.status, 401);
    }
    // bcrypt would look at the first 72 bytes only.
    let long = format!("{}a", &whole[..72]);
    assert_eq!(register("berta", &long).await, 303);
    for near in [
        &whole[..72],
        &format!("{}b", &whole[..72]),
        &format!("{long} "),
    ] {
        assert_eq!(stack.anon().try_sign_in("berta", near).await.status, 401);
    }
    assert_eq!(stack.anon().try_sign_in("berta", &long).await.status, 303);
}

/// What grows when it is unpacked is not unpacked.
#[tokio::test]
async fn a36_bodies_that_grow() {
    let stack = Stack::new().start().await;
    stack.add_person("anna", &[]).await;
    let before = (hashes(&stack).await, stack.gateway().memory());
    let login = |target: &str, kind: &str| {
        Ask::form(target, &[])
            .without("Content-Type")
            .header("Content-Type", kind)
    };
    let form = "application/x-www-form-urlencoded";
    let nested = "[".repeat(60_000);
    let deep = format!("{{\"login\":{nested}");
    let huge = "[".repeat(100_000);
    let part = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n";
    let few = part.repeat(1000);
    let many = part.repeat(100_000);
    let fields = "a=&".repeat(20_000);
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        for (target, kind) in [
            ("/_auth/login", form),
            ("/_auth/api/login", "application/json"),
        ] {
            let ask = login(target, kind)
                .header("Content-Encoding", coding)
                .body(vec![0x1f; 1000]);
            assert_eq!(stack.anon().send(&ask).await.status, 415, "{coding}");
        }
    }
    for (kind, body, fine) in [
        ("application/json", &nested, &[400][..]),
        ("application/json", &deep, &[400]),
        ("application/json", &huge, &[413]),
        ("multipart/form-data; boundary=b", &few, &[415]),
        ("multipart/form-data; boundary=b", &many, &[413]),
        (form, &fields, &[400, 401, 422]),
    ] {
        let target = if kind.ends_with("json") {
            "/_auth/api/login"
        } else {
            "/_auth/login"
        };
        let status = stack
            .anon()
            .send(&login(target, kind).body(body.as_bytes()))
            .await
            .status;
        assert!(
            fine.contains(&status),
            "{kind}, {} bytes: {status}",
            body.len()
        );
    }
    let after = (hashes(&stack).await, stack.gateway().memory());
    assert!((after.0 - before.0).abs() < 1.1, "nothing to compare");
    assert!(after.1 < before.1 + 32 * 1024, "{before:?} {after:?}");
    assert_eq!(stack.anon().try_sign_in("anna", PASSWORD).await.status, 303);
}

/// Everything that a stranger sees, but what is different for everybody.
fn seen(answer: &Answer, who: &str) -> String {
    let head: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| match value.split_once('=') {
            // The token of a cookie.
            Some((cookie, rest)) if name == "set-cookie" => {
                let (token, rest) = rest.split_once(';').unwrap_or((rest, ""));
                format!("{name}: {cookie}=({});{rest}", token.len())
            }
            _ => format!("{name}: {value}"),
        })
        .collect();
    format!(
        "{} {head:?} {}",
        answer.status,
        answer.text().replace(who, "WHO")
    )
}

/// Nobody learns by registering, or by recovering, who has an account; its owner is told.
#[tokio::test]
async fn a41_who_has_an_account() {
    let server = MailServer::start().await;
    let mail = format!("[mail]\nsmtp = \"smtp://{}\"", server.address());
    let stack = Stack::new().section(&mail).start().await;
    stack.add_person("anna", &[]).await;
    let [known, unknown] = ["anna@example.com", "nora@example.com"];
    let mut answers = Vec::new();
    for email in [known, unknown] {
        let mut visitor = stack.anon();
        let fields = [("email", email), ("password", "another-lantern-17-brook")];
        let first = visitor.form("/_auth/register", &fields).await;
        let next = visitor.page(first.location()).await;
        let wrong = visitor.form("/_auth/verify", &[("code", "00000000")]).await;
        answers.push([first, next, wrong].map(|answer| seen(&answer, email)));
    }
    assert_eq!(answers[0], answers[1], "registering");
    assert!(answers[0][0].starts_with("303"), "{}", answers[0][0]);
    let patience = std::time::Duration::from_secs(10);
    let told = server.letter(known, patience).await.text;
    let asked = server.letter(unknown, patience).await;
    assert!(!told.contains(&asked.code()), "{told}");
    assert!(
        told.contains("Subject:") && !told.contains(" is your "),
        "a notice and no code: {told}"
    );

    answers.clear();
    for email in ["anna@example.com", "nobo@example.com"] {
        let mut visitor = stack.anon();
        let first = visitor.form("/_auth/recover", &[("email", email)]).await;
        let next = visitor.page(first.location()).await;
        let wrong = visitor
            .form("/_auth/recover/code", &[("code", "00000000")])
            .await;
        answers.push([first, next, wrong].map(|answer| seen(&answer, email)));
    }
    assert_eq!(answers[0], answers[1], "recovering");
    assert!(answers[0][0].starts_with("303"), "{}", answers[0][0]);
    assert!(server.letters("nobo@example.com").is_empty());
}

/// Names that look like another's, are another's, or are none.
#[tokio::test]
async fn a54_names() {
    let stack = Stack::new().start().await;
    let register = async |name: &str| {
        let fields = [
            ("username", name),
            ("email", "other@example.com"),
            ("password", PASSWORD),
        ];
        let document =
            json!({ "username": name, "email": "other@example.com", "password": PASSWORD });
        let ask = Ask::new("POST", "/_auth/api/register")
            .header("Content-Type", "application/json")
            .body(document.to_string());
        let by_form = stack.anon().form("/_auth/register", &fields).await.status;
        [by_form, stack.anon().send(&ask).await.status]
    };
    stack.add_person("alice", &[]).await;
    stack.add_person("fine", &[]).await;
    for name in [
        "alice",
        "ALICE",
        "\u{430}lice",
        "\u{ff41}lice",
        "alice\u{200b}",
        "alice\u{202e}",
        "alice\0",
        "alice\n",
        "al\u{ad}ice",
        "alice@mail@evil",
        "\u{fb01}ne",
        "a b",
        "ali\u{301}",
        "\u{1d41a}lice",
    ] {
        let statuses = register(name).await;
        let canonical = matches!(name, "ali\u{301}");
        assert!(
            canonical || statuses == [422, 422],
            "{name:?}: {statuses:?}"
        );
    }
    let people = stack
        .command(&["user", "list", "--json"])
        .await
        .exits(0)
        .out;
    assert!(people.matches("\"email\":").count() <= 3, "{people}");
    let fields = [
        ("username", "bob"),
        ("email", "bob@example.com"),
        ("password", PASSWORD),
    ];
    assert_eq!(
        stack.anon().form("/_auth/register", &fields).await.status,
        303
    );
}

/// Roles, and what else one would like to be, are not for asking.
#[tokio::test]
async fn a60_more_than_may_be_asked_for() {
    let stack = Stack::new().start().await;
    let document = json!({
        "username": "eve", "email": "eve@example.com", "password": PASSWORD,
        "role": "admin", "roles": ["admin"], "groups": ["admins"], "verified": true, "email_verified": true,
        "email_verified_at": 1, "id": 1, "disabled": false, "mfa_enabled": true, "is_admin": true,
    });
    let ask = Ask::new("POST", "/_auth/api/register")
        .header("Content-Type", "application/json")
        .body(document.to_string());
    let status = stack.anon().send(&ask).await.status;
    assert!(matches!(status, 201 | 400), "{status}");
    let fields = [
        ("username", "mal"),
        ("email", "mal@example.com"),
        ("password", PASSWORD),
        ("role", "admin"),
        ("roles", "admin"),
        ("roles[]", "admin"),
        ("email_verified", "1"),
        ("id", "1"),
    ];
    assert_eq!(
        stack.anon().form("/_auth/register", &fields).await.status,
        303
    );
    for name in ["eve", "mal"] {
        let mut visitor = stack.anon();
        visitor.sign_in(name, PASSWORD).await;
        let profile = [
            ("first_name", "E"),
            ("role", "admin"),
            ("roles", "admin"),
            ("email", "root@example.com"),
            ("email_verified", "1"),
        ];
        assert_eq!(
            visitor
                .form("/_auth/account/profile", &profile)
                .await
                .status,
            303
        );
        let me: serde_json::Value =
            serde_json::from_slice(&visitor.fetch("/_auth/api/me").await.body).expect("JSON");
        assert_eq!(me["roles"], json!(["user"]), "{me}");
        assert_eq!(me["email_verified"], false, "{me}");
        assert_eq!(me["mfa_enabled"], false, "{me}");
        assert_eq!(me["email"], format!("{name}@example.com"), "{me}");
        assert_eq!(visitor.page("/admin/x").await.status, 403);
        assert_eq!(visitor.page("/page").await.status, 200);
        assert_eq!(
            stack.echo.last().one("Remote-Groups").as_deref(),
            Some("user")
        );
    }
}
