//! Deleting one's own account.

use jiff::SignedDuration;

use crate::house::{House, PASSWORD};

const PAGE: &str = "/_auth/account/delete";

#[tokio::test]
async fn asked_for_and_gone() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let mut other = house.signed_in("anna").await;
    house.clock.advance(SignedDuration::from_mins(6));
    let page = browser.get(PAGE).await;
    assert_eq!(page.status, 200);
    assert_eq!(
        other.get("/_auth/account").await.status,
        200,
        "looking deletes nothing"
    );
    let form = page.form(PAGE);
    for wrong in ["", "wrong"] {
        let refused = browser.submit(&form.clone().fill("current", wrong)).await;
        assert_eq!(refused.status, 422, "{wrong:?}");
    }
    assert_eq!(other.get("/_auth/account").await.status, 200);
    let done = browser.submit(&form.fill("current", PASSWORD)).await;
    assert_eq!(
        (done.status, done.location()),
        (303, "/_auth/login?done=deleted")
    );
    assert_eq!(done.headers["clear-site-data"], "\"cache\"");
    let page = browser.get(done.location()).await;
    assert!(page.text.contains("Your account is deleted."));
    assert_eq!(other.get("/_auth/account").await.location(), "/_auth/login");
    assert_eq!(browser.sign_in("anna", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let house = House::open().await;
    house.add_admin("anna").await;
    let mut browser = house.signed_in("anna").await;
    let form = browser.get(PAGE).await.form(PAGE);
    let page = browser.submit(&form).await;
    assert_eq!(page.status, 422);
    assert!(page.text.contains("last administrator"), "{}", page.text);
    assert_eq!(browser.get("/_auth/account").await.status, 200);
}

#[tokio::test]
async fn strangers_delete_nothing() {
    let house = House::open().await;
    let mut browser = house.browser();
    assert_eq!(browser.get(PAGE).await.location(), "/_auth/login");
    assert_eq!(browser.post(PAGE, &[]).await.location(), "/_auth/login");
}
