//! Addresses: what is served, what is not, and how.

use crate::browser::Browser;
use crate::house::House;

async fn file(browser: &mut Browser, ending: &str) -> String {
    let page = browser.get("/_auth/login").await.text;
    page.split('"')
        .find(|part| part.contains("/static/") && part.ends_with(ending))
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn unknown_addresses_have_a_page_of_their_own() {
    let house = House::open().await;
    let mut browser = house.browser();
    for path in [
        "/_auth/nothing",
        "/_auth/login/",
        "/_auth/login/x",
        "/_auth/static/",
        "/_auth/static/style.css",
        "/elsewhere",
        "/login",
        "/_authx/login",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(
            page.text.contains("There’s no page here") && page.text.contains("r-42"),
            "{path}"
        );
    }
    let page = browser.get("/_auth/api/nothing").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (404, Some("application/problem+json"))
    );
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_right() {
    let house = House::open().await;
    let mut browser = house.browser();
    for (method, path, allowed) in [
        ("DELETE", "login", "GET,HEAD,POST"),
        ("PUT", "register", "GET,HEAD,POST"),
        ("GET", "account/profile", "POST"),
        ("POST", "account", "GET,HEAD"),
        ("OPTIONS", "login", "GET,HEAD,POST"),
    ] {
        let page = browser
            .ask(method, &format!("/_auth/{path}"), None, String::new())
            .await;
        assert_eq!(
            (page.status, page.header("allow")),
            (405, Some(allowed)),
            "{method} {path}"
        );
        assert!(page.text.contains("That can’t be done here"));
    }
    let page = browser
        .ask("POST", "/_auth/api/me", None, String::new())
        .await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (405, Some("application/problem+json"))
    );
}

#[tokio::test]
async fn head_is_get_without_the_page() {
    let house = House::open().await;
    let mut browser = house.browser();
    for path in ["login", "register", "logout"] {
        let page = browser
            .ask("HEAD", &format!("/_auth/{path}"), None, String::new())
            .await;
        assert_eq!((page.status, page.text.as_str()), (200, ""), "{path}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
}

#[tokio::test]
async fn files_are_kept_for_ever_and_travel_compressed() {
    let house = House::open().await;
    let mut browser = house.browser();
    for (ending, kind) in [
        (".css", "text/css; charset=utf-8"),
        (".js", "text/javascript; charset=utf-8"),
        (".svg", "image/svg+xml"),
    ] {
        let address = file(&mut browser, ending).await;
        let page = browser.get(&address).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some(kind))
        );
        assert_eq!(
            page.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(page.header("content-encoding"), None);
        let small = browser
            .clone()
            .saying("accept-encoding", Some("br, gzip"))
            .get(&address)
            .await;
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{ending}");
        assert!(
            small.header("vary").unwrap().contains("accept-encoding"),
            "{:?}",
            small.headers
        );
    }
}

#[tokio::test]
async fn the_portal_moves_with_a_reload() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    house.reload(|live| {
        live.portal.path = "/door".to_owned();
        live.portal.title = "Kür & <Co>".to_owned();
    });
    assert_eq!(browser.get("/_auth/logout").await.status, 404);
    let page = browser.get("/door/logout").await;
    assert_eq!(page.title(), "Sign out? · Kür & <Co>");
    assert_eq!(browser.submit(&page.form("/door/logout")).await.status, 303);
    let style = browser.get("/door/login").await.text;
    assert!(style.contains("href=\"/door/static/"));
}

#[tokio::test]
async fn no_page_is_heavy() {
    let house = House::open().await;
    house.add("anna").await;
    for path in ["login", "register", "account", "logout"] {
        let page = house
            .signed_in("anna")
            .await
            .get(&format!("/_auth/{path}"))
            .await;
        assert!(page.text.len() < 20_000, "{path}: {}", page.text.len());
    }
}
