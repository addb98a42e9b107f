//! The first admin's link.

use doorward_identity::setup::offer;

use crate::house::{House, PASSWORD};

#[tokio::test]
async fn the_link_works_once() {
    let house = House::open().await;
    let token = offer(&house.identity).await.unwrap().unwrap().text();
    let link = format!("/_auth/setup?t={token}");
    let mut browser = house.browser();
    assert_eq!(browser.get(&link).await.status, 200);
    let page = browser.get(&link).await;
    assert_eq!(page.title(), "Create the first account · Doorward");
    let form = page.form("/_auth/setup").fill("email", "admin@example.com");
    let wrong = browser
        .submit(&form.clone().fill("password", "short"))
        .await;
    assert_eq!(wrong.status, 422);
    assert_eq!(
        wrong.form("/_auth/setup").value("email"),
        Some("admin@example.com")
    );
    assert!(
        wrong
            .explains("password")
            .contains("Use at least 10 characters.")
    );
    let form = wrong.form("/_auth/setup").fill("password", PASSWORD);
    let page = browser.submit(&form).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.text);
    let me: serde_json::Value =
        serde_json::from_str(&browser.get("/_auth/api/me").await.text).unwrap();
    assert_eq!(me["roles"], serde_json::json!(["admin", "user"]));
    assert_eq!(house.browser().get(&link).await.status, 404);
    assert_eq!(house.browser().submit(&form).await.status, 404);
}

#[tokio::test]
async fn without_a_good_link_there_is_no_such_page() {
    let house = House::open().await;
    let token = offer(&house.identity).await.unwrap().unwrap().text();
    let mut browser = house.browser();
    let none = browser.get("/_auth/nothing").await.text;
    for query in [
        "",
        "?t=",
        "?t=x",
        "?t=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &format!("?t={token}&t={token}"),
    ] {
        let page = browser.get(&format!("/_auth/setup{query}")).await;
        assert_eq!((page.status, &page.text), (404, &none), "{query}");
    }
    let fields = [("email", "eve@example.com"), ("password", PASSWORD)];
    assert_eq!(browser.post("/_auth/setup", &fields).await.status, 404);
    assert_eq!(
        browser.get(&format!("/_auth/setup?t={token}")).await.status,
        200
    );
}
