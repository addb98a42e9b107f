//! The pages: how they want to be treated, and who may send their forms.

use doorward_tests::{Answer, Ask, PASSWORD, Speech, Stack};

use super::HOST;

/// What belongs to a person is changed from our own pages only.
#[tokio::test]
async fn a38_forms_about_the_account() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let email = [("current", PASSWORD), ("email", "eve@example.com")];
    let password = [
        ("current", PASSWORD),
        ("password", "quite-another-77-umbrella"),
    ];
    let forms: [(&str, &[(&str, &str)]); 8] = [
        ("account/email", &email),
        ("account/password", &password),
        ("account/delete", &[("current", PASSWORD)]),
        ("account/profile", &[("first_name", "Eve")]),
        ("account/sessions/revoke", &[("all", "1")]),
        ("account/two-factor/set-up", &[]),
        ("account/two-factor/turn-off", &[("current", PASSWORD)]),
        ("logout", &[]),
    ];
    for (page, fields) in forms {
        let form = Ask::form(&format!("/_auth/{page}"), fields).without("Sec-Fetch-Site");
        for (name, value) in [
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "https://evil.test"),
            ("Origin", "null"),
        ] {
            let ask = form.clone().header(name, value);
            assert_eq!(anna.send(&ask).await.status, 403, "{page}, {name}: {value}");
        }
        let by_link = Ask::page(&format!("/_auth/{page}?current={PASSWORD}&all=1"));
        let status = anna.send(&by_link).await.status;
        assert!(
            matches!(status, 200 | 303 | 405),
            "{page} by a link: {status}"
        );
    }
    let page = anna.page("/_auth/account").await.text();
    assert!(page.contains("anna@example.com") && !page.contains("Eve"));
    stack.anon().sign_in("anna", PASSWORD).await;
    let profile = [("first_name", "Anna")];
    assert_eq!(
        anna.form("/_auth/account/profile", &profile).await.status,
        303
    );
}

/// One of each kind of page, over http and https.
async fn pages(stack: &Stack) -> Vec<(&'static str, Answer)> {
    let mut anna = stack.sign_in("anna").await;
    let mut stranger = stack.anon();
    let mut secure = stack.secure(Speech::Http2, HOST);
    let mut pages = Vec::new();
    for path in [
        "/_auth/login",
        "/_auth/register",
        "/_auth/recover",
        "/_auth/nothing-here",
        "/_auth/setup",
    ] {
        pages.push((path, stranger.page(path).await));
        let answer = secure.page(path).await;
        let hsts = answer.header("strict-transport-security");
        assert_eq!(hsts, Some("max-age=31536000"), "{path}");
        pages.push((path, answer));
    }
    for path in [
        "/_auth/account",
        "/_auth/account/email",
        "/_auth/account/two-factor",
        "/_auth/account/delete",
        "/_auth/logout",
        "/deny/x",
    ] {
        pages.push((path, anna.page(path).await));
    }
    let wrong = stranger.try_sign_in("anna", "a-wrong-guess-0815").await;
    pages.push(("a wrong password", wrong));
    stack.echo.kill().await;
    pages.push(("502", stranger.page("/public/x").await));
    pages
}

/// Every page of ours says how it wants to be treated.
#[tokio::test]
async fn a53_headers_of_pages() {
    let stack = super::plan().start().await;
    for (path, answer) in pages(&stack).await {
        let policy = answer.header("content-security-policy").unwrap_or_default();
        for said in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri",
            "form-action",
        ] {
            assert!(policy.contains(said), "{path}: {said} in {policy}");
        }
        assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
        let kept = answer.header("cache-control").unwrap_or_default();
        assert!(kept.contains("no-store"), "{path}: {kept}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let page = answer.text();
        assert!(page.contains("<html lang="), "{path}");
        assert!(
            !page.contains("<style") && !page.contains(" style=") && !page.contains("<script>"),
            "{path}"
        );
        assert!(page.len() < 50_000, "{path}: {}", page.len());
    }
    let mut stranger = stack.anon();
    let login = stranger.page("/_auth/login").await.text();
    let sheet = login
        .split('"')
        .find(|part| part.contains("/static/") && part.contains(".css"))
        .expect("a stylesheet");
    let sheet = stranger.get(sheet).await;
    assert_eq!(sheet.status, 200);
    let kept = sheet.header("cache-control").unwrap_or_default();
    assert!(kept.contains("immutable"), "{sheet:?}");
    assert!(sheet.body.len() < 10_000, "{}", sheet.body.len());
}
