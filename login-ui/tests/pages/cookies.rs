//! The cookie on the wire.

use crate::house::{House, PASSWORD};

#[tokio::test]
async fn on_https_it_is_bound_to_the_host() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.browser();
    let page = browser.sign_in("anna", PASSWORD).await;
    let token = browser.token().unwrap();
    assert_eq!(token.len(), 43);
    let expected = format!("__Host-doorward={token}; Path=/; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(page.header("set-cookie"), Some(expected.as_str()));
    assert_eq!(page.headers.get_all("set-cookie").iter().count(), 1);
}

#[tokio::test]
async fn on_http_it_has_the_plain_name_and_the_other_is_not_read() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.browser();
    browser.scheme = "http";
    let page = browser.sign_in("anna", PASSWORD).await;
    let token = browser.token().unwrap().clone();
    let expected = format!("doorward={token}; Path=/; HttpOnly; SameSite=Lax");
    assert_eq!(page.header("set-cookie"), Some(expected.as_str()));
    assert_eq!(browser.get("/_auth/api/me").await.status, 200);
    browser.scheme = "https";
    assert_eq!(browser.get("/_auth/api/me").await.status, 401);
    browser.jar = [("__Host-doorward".to_owned(), token)].into();
    assert_eq!(browser.get("/_auth/api/me").await.status, 200);
    browser.scheme = "http";
    assert_eq!(browser.get("/_auth/api/me").await.status, 401);
}

#[tokio::test]
async fn it_outlives_the_browser_only_if_asked_to() {
    let house = House::open().await;
    house.add("anna").await;
    let fields = [
        ("login", "anna"),
        ("password", PASSWORD),
        ("remember", "on"),
    ];
    let page = house.browser().post("/_auth/login", &fields).await;
    assert!(
        page.header("set-cookie")
            .unwrap()
            .ends_with("; Max-Age=2592000")
    );
}

#[tokio::test]
async fn two_of_one_name_or_a_broken_one_are_no_session() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let token = browser.token().unwrap().clone();
    assert_eq!(browser.get("/_auth/api/me").await.status, 200);
    for value in [
        format!("{token}; __Host-doorward={token}"),
        format!("{token}x"),
        format!("\"{token}\""),
        token[..42].to_owned(),
        "x".repeat(5000),
        String::new(),
    ] {
        browser
            .jar
            .insert("__Host-doorward".to_owned(), value.clone());
        assert_eq!(browser.get("/_auth/api/me").await.status, 401, "{value:?}");
        assert_eq!(browser.get("/_auth/account").await.status, 303, "{value:?}");
        assert_eq!(browser.get("/_auth/login").await.status, 200, "{value:?}");
    }
}
