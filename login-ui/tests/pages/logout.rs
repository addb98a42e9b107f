//! Signing out.

use crate::house::House;

#[tokio::test]
async fn asks_first_and_then_ends_the_session() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let mut copy = browser.clone();
    let page = browser.get("/_auth/logout").await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (200, "Sign out? · Doorward")
    );
    assert!(page.text.contains("<bdi>anna</bdi>"));
    assert_eq!(
        browser.get("/_auth/api/me").await.status,
        200,
        "asking changes nothing"
    );
    let page = browser.submit(&page.form("/_auth/logout")).await;
    assert_eq!((page.status, page.location()), (303, "/"));
    assert_eq!(page.header("clear-site-data"), Some("\"cache\""));
    assert!(browser.token().is_none(), "the browser forgets");
    assert_eq!(
        copy.get("/_auth/api/me").await.status,
        401,
        "and so does the server"
    );
    assert!(
        browser
            .get("/_auth/logout")
            .await
            .text
            .contains("You’re signed out")
    );
}

#[tokio::test]
async fn without_a_session_the_cookie_is_cleared_all_the_same() {
    let house = House::open().await;
    for cookie in [
        None,
        Some("garbage"),
        Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        let mut browser = house.browser();
        browser
            .jar
            .extend(cookie.map(|value| ("__Host-doorward".to_owned(), value.to_owned())));
        let page = browser.post("/_auth/logout", &[]).await;
        assert_eq!((page.status, page.location()), (303, "/"));
        assert_eq!(
            page.header("set-cookie"),
            Some("__Host-doorward=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0")
        );
    }
}

#[tokio::test]
async fn a_post_without_any_body_is_enough() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    assert_eq!(
        browser
            .ask("POST", "/_auth/logout", None, String::new())
            .await
            .status,
        303
    );
    assert!(browser.token().is_none());
}
