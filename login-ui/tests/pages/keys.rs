//! API keys on the account page.

use jiff::SignedDuration;

use crate::browser::Page;
use crate::house::{House, PASSWORD};

const ACCOUNT: &str = "/_auth/account";
const PAGE: &str = "/_auth/account/keys";
const REVOKE: &str = "/_auth/account/keys/revoke";

/// The key that a page shows.
fn shown(page: &Page) -> String {
    let (_, rest) = page.text.split_once("<code>dwk_").unwrap();
    format!("dwk_{}", rest.split('<').next().unwrap())
}

#[tokio::test]
async fn made_shown_once_and_revoked() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let account = browser.get(ACCOUNT).await;
    assert!(account.text.contains("You have none."), "{}", account.text);
    let form = browser
        .get(PAGE)
        .await
        .form(PAGE)
        .fill("name", "<b>backup</b>");
    let made = browser
        .submit(
            &form
                .fill("methods", "get,head")
                .fill("hosts", "App.example.com"),
        )
        .await;
    assert_eq!(
        (made.status, made.title().as_str()),
        (200, "Your new API key · Doorward")
    );
    assert_eq!(made.headers["cache-control"], "no-store");
    let key = shown(&made);
    assert_eq!(key.len(), 47);
    let account = browser.get(ACCOUNT).await;
    assert!(!account.text.contains(&key) && !account.text.contains("<b>backup"));
    for said in ["GET, HEAD · app.example.com", "Never used", "API key made"] {
        assert!(account.text.contains(said), "{said}: {}", account.text);
    }
    let gone = browser.submit(&account.form(REVOKE)).await;
    assert_eq!(
        (gone.status, gone.location()),
        (303, "/_auth/account?done=key")
    );
    let account = browser.get(gone.location()).await;
    assert!(account.text.contains("That key doesn’t work any more."));
    assert!(account.text.contains("You have none.") && account.text.contains("API key revoked"));
}

#[tokio::test]
async fn it_takes_the_password_unless_the_sign_in_is_fresh() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    assert!(!browser.get(PAGE).await.text.contains("name=\"current\""));
    house.clock.advance(SignedDuration::from_mins(6));
    let page = browser.get(PAGE).await;
    let form = page.form(PAGE).fill("name", "backup");
    for wrong in ["", "wrong"] {
        let refused = browser.submit(&form.clone().fill("current", wrong)).await;
        assert_eq!(refused.status, 422, "{wrong:?}");
        assert!(!refused.text.contains("dwk_"));
        assert!(refused.field("name").contains("value=\"backup\""), "kept");
    }
    assert!(browser.get(ACCOUNT).await.text.contains("You have none."));
    let made = browser.submit(&form.fill("current", PASSWORD)).await;
    assert_eq!(made.status, 200);
    shown(&made);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let form = browser.get(PAGE).await.form(PAGE).fill("name", "backup");
    for (field, typed) in [
        ("name", " "),
        ("days", "0"),
        ("days", "367"),
        ("days", "soon"),
        ("days", "18446744073709551615"),
        ("hosts", "https://app.example.com"),
        ("paths", "reports"),
        ("methods", "FETCH"),
        ("from", "10.0.0.0/99"),
    ] {
        let page = browser.submit(&form.clone().fill(field, typed)).await;
        assert_eq!(page.status, 422, "{field} {typed}");
        assert!(
            page.field(field).contains("aria-invalid=\"true\""),
            "{field} {typed}"
        );
    }
    assert!(browser.get(ACCOUNT).await.text.contains("You have none."));
}

#[tokio::test]
async fn strangers_have_none_and_nobody_has_anothers() {
    let house = House::open().await;
    house.add("anna").await;
    house.add("ben").await;
    let mut anna = house.signed_in("anna").await;
    let form = anna.get(PAGE).await.form(PAGE).fill("name", "backup");
    let key = shown(&anna.submit(&form).await);
    let page = anna.get(ACCOUNT).await;
    let revoke = page.form(REVOKE);
    let mut ben = house.signed_in("ben").await;
    assert!(ben.get(ACCOUNT).await.text.contains("You have none."));
    assert_eq!(ben.submit(&revoke).await.status, 303);
    assert!(anna.get(ACCOUNT).await.text.contains("backup"));
    let mut stranger = house.browser();
    assert_eq!(stranger.get(PAGE).await.location(), "/_auth/login");
    assert_eq!(
        stranger.post(PAGE, &[("name", "x")]).await.location(),
        "/_auth/login"
    );
    assert_eq!(stranger.submit(&revoke).await.location(), "/_auth/login");
    // The key itself opens nothing here.
    let bearer = Box::leak(format!("Bearer {key}").into_boxed_str());
    let mut program = house.browser().saying("authorization", Some(bearer));
    assert_eq!(program.get("/_auth/api/me").await.status, 401);
    assert_eq!(program.get(ACCOUNT).await.location(), "/_auth/login");
}
