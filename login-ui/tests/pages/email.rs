//! Another e-mail address.

use doorward_config::VerifyEmail;
use jiff::SignedDuration;

use crate::house::{House, PASSWORD};

const PAGE: &str = "/_auth/account/email";

#[tokio::test]
async fn strangers_are_sent_to_sign_in() {
    let house = House::open().await;
    let mut browser = house.browser();
    assert_eq!(browser.get(PAGE).await.location(), "/_auth/login");
    let fields = [("email", "b@example.com")];
    let answer = browser.post(PAGE, &fields).await;
    assert_eq!(answer.location(), "/_auth/login");
}

#[tokio::test]
async fn where_addresses_are_not_verified_it_changes_at_once() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let form = browser.get(PAGE).await.form(PAGE);
    let page = browser.submit(&form.fill("email", "new@example.com")).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/account?done=email")
    );
    let page = browser.get("/_auth/account?done=email").await;
    assert!(page.text.contains("Your new e-mail is set."));
    assert!(page.text.contains("<bdi>new@example.com</bdi>"));
    assert!(page.text.contains("E-mail changed"));
}

#[tokio::test]
async fn an_older_sign_in_asks_for_the_password() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    assert!(!browser.get(PAGE).await.text.contains("name=\"current\""));
    house.clock.advance(SignedDuration::from_mins(6));
    let form = browser
        .get(PAGE)
        .await
        .form(PAGE)
        .fill("email", "new@example.com");
    for (wrong, text) in [
        ("", "This is needed."),
        ("wrong", "isn’t your current password"),
    ] {
        let page = browser.submit(&form.clone().fill("current", wrong)).await;
        assert_eq!(page.status, 422, "{wrong:?}");
        assert!(page.text.contains(text), "{wrong:?}: {}", page.text);
        assert!(page.field("email").contains("value=\"new@example.com\""));
    }
    let page = browser.submit(&form.fill("current", PASSWORD)).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/account?done=email")
    );
}

#[tokio::test]
async fn a_code_proves_it_in_the_browser_that_asked() {
    let house = House::configured(|live| live.registration.verify_email = VerifyEmail::On).await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let form = browser.get(PAGE).await.form(PAGE);
    let page = browser.submit(&form.fill("email", "new@example.com")).await;
    assert_eq!((page.status, page.location()), (303, PAGE));
    let page = browser.get(PAGE).await;
    assert!(
        page.text.contains("<bdi>new@example.com</bdi>"),
        "{}",
        page.text
    );
    let code = house.code_for("new@example.com").await;
    let wrong = if code == "00000000" {
        "00000001"
    } else {
        "00000000"
    };
    let form = page.form(PAGE);
    for (typed, text) in [("", "This is needed."), (wrong, "That isn’t the code")] {
        let refused = browser.submit(&form.clone().fill("code", typed)).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(text), "{}", refused.text);
    }
    // In another browser of the same person it is nothing.
    let mut other = house.signed_in("anna").await;
    let elsewhere = other.post(PAGE, &[("code", code.as_str())]).await;
    assert_eq!(elsewhere.location(), "/_auth/account/email?done=gone");
    let page = other.get(elsewhere.location()).await;
    assert!(page.text.contains("in another browser"), "{}", page.text);
    let page = browser.submit(&form.fill("code", &code)).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/account?done=email")
    );
    assert!(
        browser
            .get("/_auth/account")
            .await
            .text
            .contains("new@example.com")
    );
}

#[tokio::test]
async fn somebody_elses_address_looks_the_same() {
    let house = House::configured(|live| live.registration.verify_email = VerifyEmail::On).await;
    house.add("anna").await;
    house.add("bert").await;
    let mut browser = house.signed_in("anna").await;
    let form = browser.get(PAGE).await.form(PAGE);
    let page = browser
        .submit(&form.fill("email", "bert@example.com"))
        .await;
    assert_eq!((page.status, page.location()), (303, PAGE));
    let page = browser.get(PAGE).await;
    assert!(page.text.contains("<bdi>bert@example.com</bdi>"));
    // Another can be typed instead.
    let page = browser.get("/_auth/account/email?other=yes").await;
    let own = page.form(PAGE).fill("email", "anna@example.com");
    let page = browser.submit(&own).await;
    assert_eq!(page.status, 422);
    assert!(page.text.contains("your address already"), "{}", page.text);
}
