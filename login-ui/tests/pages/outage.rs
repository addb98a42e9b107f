//! A store that cannot be asked.

use crate::house::{House, PASSWORD};

#[tokio::test]
async fn nobody_is_told_that_their_password_is_wrong() {
    let house = House::without_sessions().await;
    house.add("anna").await;
    let mut browser = house.browser();
    assert_eq!(
        browser.get("/_auth/login").await.status,
        200,
        "a stranger's form needs no store"
    );
    let page = browser.sign_in("anna", PASSWORD).await;
    assert_eq!(page.status, 503);
    assert!(page.header("retry-after").is_some());
    assert!(page.text.contains("Back in a moment") && page.text.contains("r-42"));
    assert!(!page.text.contains("match"));
    assert!(browser.token().is_none());
    let page = browser.sign_in("anna", "not her password").await;
    assert_eq!(page.status, 401, "what can be judged is judged");
}

#[tokio::test]
async fn nobody_is_shown_as_signed_in_or_out() {
    let house = House::without_sessions().await;
    let mut browser = house.browser();
    browser
        .jar
        .insert("__Host-doorward".to_owned(), "A".repeat(43));
    for path in ["login", "register", "logout", "account"] {
        let page = browser.get(&format!("/_auth/{path}")).await;
        assert_eq!(page.status, 503, "{path}");
        assert!(page.header("retry-after").is_some(), "{path}");
    }
    let page = browser.get("/_auth/api/me").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (503, Some("application/problem+json"))
    );
    let page = browser.post("/_auth/logout", &[]).await;
    assert_eq!(
        page.status, 503,
        "it may still be live, so nobody is told that it has ended"
    );
    assert!(page.header("set-cookie").is_none());
}
