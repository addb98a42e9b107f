//! Who may send a form, who may look at an account, and the headers that keep pages to themselves.

use crate::browser::FORM;
use crate::house::{House, PASSWORD};

const SITE: &str = "sec-fetch-site";

#[tokio::test]
async fn forms_are_taken_from_our_own_pages_only() {
    let house = House::open().await;
    house.add("anna").await;
    let anna = house.signed_in("anna").await;
    for (site, origin, scheme, taken) in [
        (Some("same-origin"), None, "https", true),
        (Some("none"), None, "https", true),
        (Some("same-origin"), Some("null"), "https", true),
        (None, None, "https", true),
        (None, Some("https://app.test"), "https", true),
        (None, Some("http://app.test"), "http", true),
        (Some("cross-site"), None, "https", false),
        (Some("same-site"), None, "https", false),
        (Some("cross-site"), Some("https://app.test"), "https", false),
        (Some("nonsense"), None, "https", false),
        (None, Some("https://evil.test"), "https", false),
        (None, Some("https://app.test.evil.test"), "https", false),
        (None, Some("https://app.test:8443"), "https", false),
        (None, Some("http://app.test"), "https", false),
        (None, Some("https://app.test"), "http", false),
        (None, Some("null"), "https", false),
    ] {
        let case = format!("{site:?} {origin:?} {scheme}");
        let mut browser = anna.clone().saying(SITE, site).saying("origin", origin);
        browser.scheme = scheme;
        let page = browser.post("/_auth/logout", &[]).await;
        assert_eq!(page.status == 303, taken, "{case}");
        assert_eq!(page.status == 403, !taken, "{case}");
        let mut browser = house.browser().saying(SITE, site).saying("origin", origin);
        browser.scheme = scheme;
        let page = browser
            .post("/_auth/login", &[("login", "anna"), ("password", PASSWORD)])
            .await;
        assert_eq!(browser.token().is_some(), taken, "{case}");
        assert!(taken || page.text.contains("another site"), "{case}");
    }
}

#[tokio::test]
async fn a_doubled_origin_is_nobodys() {
    let house = House::open().await;
    let mut browser = house.browser().saying(SITE, None);
    browser.says.push(("origin", "https://app.test"));
    assert_eq!(browser.post("/_auth/logout", &[]).await.status, 303);
    browser.says.push(("origin", "https://evil.test"));
    assert_eq!(browser.post("/_auth/logout", &[]).await.status, 403);
}

/// Under the `no-referrer` of the header alone browsers send `Origin: null` with a form, and on plain http nothing else.
#[tokio::test]
async fn pages_with_forms_let_the_browser_name_its_origin() {
    let house = House::open().await;
    let page = house.browser().get("/_auth/login").await;
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(
        page.text
            .contains("<meta name=\"referrer\" content=\"strict-origin\">")
    );
}

#[tokio::test]
async fn an_account_is_shown_to_navigations_only() {
    let house = House::open().await;
    house.add("anna").await;
    let anna = house.signed_in("anna").await;
    for (mode, served) in [
        (Some("navigate"), true),
        (None, true),
        (Some("cors"), false),
        (Some("same-origin"), false),
        (Some("no-cors"), false),
        (Some(""), false),
    ] {
        let mut browser = anna.clone().saying("sec-fetch-mode", mode);
        let page = browser.get("/_auth/account").await;
        assert_eq!(
            (page.status == 200, page.text.contains("anna@example.com")),
            (served, served),
            "{mode:?}"
        );
        for post in ["profile", "password", "sessions/revoke"] {
            let status = browser
                .post(
                    &format!("/_auth/account/{post}"),
                    &[("first_name", "Eve"), ("all", "1")],
                )
                .await
                .status;
            assert_eq!(status == 403, !served, "{mode:?} {post}: {status}");
        }
        assert_eq!(
            browser.get("/_auth/api/me").await.status,
            200,
            "the site's scripts may ask who it is"
        );
    }
}

#[tokio::test]
async fn every_answer_keeps_to_itself() {
    let house = House::open().await;
    house.add("anna").await;
    let anna = house.signed_in("anna").await;
    for path in [
        "login",
        "register",
        "logout",
        "account",
        "setup",
        "nothing",
        "api/me",
        "api/nothing",
        "static/none",
        "",
    ] {
        for mut browser in [anna.clone(), house.browser()] {
            let page = browser.get(&format!("/_auth/{path}")).await;
            let policy = page.header("content-security-policy").unwrap();
            assert_eq!(
                policy,
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'; connect-src 'none'",
                "{path}"
            );
            for (name, value) in [
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("x-frame-options", "DENY"),
            ] {
                assert_eq!(page.header(name), Some(value), "{path} {name}");
            }
            assert!(
                !page.text.contains("<style")
                    && !page.text.contains(" style=")
                    && !page.text.contains("<script>")
            );
        }
    }
}

#[tokio::test]
async fn bodies_have_a_limit_and_a_type() {
    let house = House::open().await;
    let mut browser = house.browser();
    for page in ["login", "register", "logout", "setup"] {
        let path = format!("/_auth/{page}");
        let body = |length: usize| format!("x={}", "y".repeat(length - 2));
        assert_eq!(
            browser
                .ask("POST", &path, Some(FORM), body(64 * 1024 + 1))
                .await
                .status,
            413,
            "{page}"
        );
        assert_ne!(
            browser
                .ask("POST", &path, Some(FORM), body(64 * 1024))
                .await
                .status,
            413,
            "{page}"
        );
        for kind in [
            "application/json",
            "multipart/form-data; boundary=x",
            "text/plain",
        ] {
            assert_eq!(
                browser
                    .ask("POST", &path, Some(kind), "x=y".to_owned())
                    .await
                    .status,
                415,
                "{page} {kind}"
            );
        }
        assert_eq!(
            browser
                .ask("POST", &path, Some(FORM), "x=%ff".to_owned())
                .await
                .status,
            400,
            "{page}"
        );
        assert_eq!(
            browser
                .ask("POST", &path, Some(FORM), "x=1&x=2".to_owned())
                .await
                .status,
            400,
            "{page}"
        );
    }
}

#[tokio::test]
async fn who_did_not_come_through_the_gateway_is_not_served() {
    let house = House::open().await;
    let mut browser = house.browser();
    assert_eq!(browser.get("/_auth/login").await.status, 200);
    browser.address = "unknown";
    assert_eq!(browser.get("/_auth/login").await.status, 500);
    browser.address = "192.0.2.7";
    browser.scheme = "ftp";
    assert_eq!(browser.get("/_auth/login").await.status, 500);
}
