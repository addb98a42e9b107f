//! Somebody's own page.

use doorward_identity::audit::By;
use doorward_identity::change::disable;
use jiff::SignedDuration;

use crate::browser::attribute;
use crate::house::{House, PASSWORD};

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1";

#[tokio::test]
async fn strangers_are_sent_to_sign_in() {
    let house = House::open().await;
    let mut browser = house.browser();
    assert_eq!(
        browser.get("/_auth/account").await.location(),
        "/_auth/login"
    );
    for post in ["profile", "password", "sessions/revoke"] {
        assert_eq!(
            browser
                .post(&format!("/_auth/account/{post}"), &[])
                .await
                .location(),
            "/_auth/login"
        );
    }
    assert_eq!(browser.get("/_auth").await.location(), "/_auth/account");
    assert_eq!(browser.get("/_auth/").await.location(), "/_auth/account");
}

#[tokio::test]
async fn the_page_says_who_one_is() {
    let house = House::open().await;
    house.add("anna").await;
    let page = house.signed_in("anna").await.get("/_auth/account").await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (200, "Your account · Doorward")
    );
    for text in [
        "<bdi>anna</bdi>",
        "<bdi>anna@example.com</bdi>",
        "Firefox on Linux",
        "192.0.2.7",
        "This device",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    assert!(
        page.field("current")
            .contains("autocomplete=\"current-password\"")
    );
    assert!(
        page.field("password")
            .contains("autocomplete=\"new-password\"")
    );
    assert!(
        page.field("username")
            .contains("autocomplete=\"username\" value=\"anna\"")
    );
}

#[tokio::test]
async fn the_profile_can_be_changed() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let form = browser
        .get("/_auth/account")
        .await
        .form("/_auth/account/profile");
    let form = form
        .fill("first_name", "Anna <3")
        .fill("last_name", "Lind")
        .fill("date_of_birth", "1990-05-17");
    let page = browser.submit(&form).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/account?done=profile")
    );
    let page = browser.get(page.location()).await;
    assert!(page.text.contains("Your profile is saved."));
    assert!(
        page.text.contains("<h1><bdi>Anna &#60;3 Lind</bdi></h1>"),
        "{}",
        page.text
    );
    let me: serde_json::Value =
        serde_json::from_str(&browser.get("/_auth/api/me").await.text).unwrap();
    assert_eq!(
        (&me["first_name"], &me["date_of_birth"]),
        (&"Anna <3".into(), &"1990-05-17".into())
    );
    let page = browser
        .submit(&form.fill("date_of_birth", "tomorrow"))
        .await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (422, "Error: Your account · Doorward")
    );
    assert!(
        page.field("date_of_birth")
            .contains("aria-invalid=\"true\"")
    );
    assert_eq!(
        page.form("/_auth/account/profile").value("date_of_birth"),
        Some("tomorrow")
    );
}

const NEW: &str = "violet ferry 77";

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_has_to_be_good() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let mut phone = house.signed_in("anna").await;
    let page = browser.get("/_auth/account").await;
    let form = page.form("/_auth/account/password").fill("password", NEW);
    let wrong = browser
        .submit(&form.clone().fill("current", "not mine"))
        .await;
    assert_eq!(wrong.status, 422);
    let said = wrong.explains("current");
    assert!(said.contains("That isn’t your current password."), "{said}");
    assert!(!wrong.text.contains("not mine") && !wrong.text.contains(NEW));
    let form = form.fill("current", PASSWORD).fill("password", "short");
    let weak = browser.submit(&form).await;
    assert_eq!(weak.status, 422);
    let said = weak.explains("password");
    assert!(said.contains("Use at least 10 characters."), "{said}");
    assert_eq!(phone.get("/_auth/api/me").await.status, 200);
    assert_eq!(house.browser().sign_in("anna", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let mut phone = house.signed_in("anna").await;
    let mut copy = browser.clone();
    let page = browser.get("/_auth/account").await;
    let form = page
        .form("/_auth/account/password")
        .fill("current", PASSWORD);
    let page = browser.submit(&form.fill("password", NEW)).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/account?done=password")
    );
    assert_ne!(browser.token(), copy.token(), "a new id");
    let page = browser.get(page.location()).await;
    assert!(page.text.contains("Your new password is set."));
    assert_eq!(phone.get("/_auth/api/me").await.status, 401);
    assert_eq!(copy.get("/_auth/api/me").await.status, 401);
    assert_eq!(house.browser().sign_in("anna", PASSWORD).await.status, 401);
    assert_eq!(house.browser().sign_in("anna", NEW).await.status, 303);
}

#[tokio::test]
async fn guessing_the_current_password_is_slowed() {
    let house = House::configured(|live| live.throttle.account_failures = 3).await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let fields = [("current", "a guess"), ("password", "violet ferry 77")];
    let page = loop {
        let page = browser.post("/_auth/account/password", &fields).await;
        if page.status != 422 {
            break page;
        }
    };
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").is_some() && page.text.contains("Too many tries."));
}

#[tokio::test]
async fn sessions_elsewhere_are_listed_and_can_be_ended() {
    let house = House::open().await;
    house.add("anna").await;
    let mut phone = house.browser();
    (phone.agent, phone.address) = (PHONE, "2001:db8::7");
    phone.sign_in("anna", PASSWORD).await;
    let mut tablet = house.signed_in("anna").await;
    house.clock.advance(SignedDuration::from_mins(50));
    let mut browser = house.signed_in("anna").await;
    let page = browser.get("/_auth/account").await;
    for text in [
        "Safari on iPhone",
        "2001:db8::7",
        ">50 minutes ago</time>",
        "datetime=\"2026-01-01T00:00:00Z\"",
    ] {
        assert!(page.text.contains(text), "{text} in {}", page.text);
    }
    assert_eq!(page.text.matches("This device").count(), 1);
    let ids: Vec<String> = page
        .text
        .split("<input ")
        .filter(|tag| tag.contains("name=\"id\""))
        .filter_map(|tag| attribute(tag, "value"))
        .collect();
    assert_eq!(ids.len(), 2, "this one cannot be ended here by mistake");
    browser
        .post("/_auth/account/sessions/revoke", &[("id", &ids[0])])
        .await;
    let left = [
        phone.get("/_auth/api/me").await.status,
        tablet.get("/_auth/api/me").await.status,
    ];
    assert_eq!(left.iter().filter(|status| **status == 200).count(), 1);
    let page = browser.get("/_auth/account?done=devices").await;
    assert!(page.text.contains("Signed out there."));
    let page = browser
        .submit(&page.form("/_auth/account/sessions/revoke").fill("all", "1"))
        .await;
    assert_eq!(page.location(), "/_auth/account?done=devices");
    assert_eq!(phone.get("/_auth/api/me").await.status, 401);
    assert_eq!(tablet.get("/_auth/api/me").await.status, 401);
    assert_eq!(
        browser.get("/_auth/api/me").await.status,
        200,
        "this one stays"
    );
}

#[tokio::test]
async fn nobody_ends_the_sessions_of_others() {
    let house = House::open().await;
    house.add("anna").await;
    house.add("eve").await;
    let mut anna = house.signed_in("anna").await;
    let mut eve = house.signed_in("eve").await;
    let account = house
        .identity
        .accounts
        .find_by_login("anna")
        .await
        .unwrap()
        .unwrap();
    let sessions = house
        .identity
        .sessions
        .list(account.id, std::time::Duration::from_mins(1))
        .await
        .unwrap();
    let id = sessions[0].0.to_string();
    for fields in [
        [("id", id.as_str())],
        [("id", "")],
        [("id", "x")],
        [("all", "1")],
    ] {
        assert_eq!(
            eve.post("/_auth/account/sessions/revoke", &fields)
                .await
                .status,
            303
        );
        assert_eq!(anna.get("/_auth/api/me").await.status, 200, "{fields:?}");
    }
    anna.post("/_auth/account/sessions/revoke", &[("id", &id)])
        .await;
    assert_eq!(
        anna.get("/_auth/api/me").await.status,
        401,
        "one's own can be ended"
    );
}

#[tokio::test]
async fn a_disabled_account_is_out() {
    let house = House::open().await;
    let id = house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    assert_eq!(browser.get("/_auth/account").await.status, 200);
    let _changed = disable(&house.identity, id, By::Command).await.unwrap();
    assert_eq!(browser.get("/_auth/account").await.status, 303);
    assert_eq!(browser.get("/_auth/api/me").await.status, 401);
}

#[tokio::test]
async fn scripts_of_the_site_may_ask_who_it_is() {
    let house = House::open().await;
    let id = house.add("anna").await;
    let mut browser = house
        .signed_in("anna")
        .await
        .saying("sec-fetch-mode", Some("cors"));
    let page = browser.get("/_auth/api/me").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("application/json"))
    );
    let me: serde_json::Value = serde_json::from_str(&page.text).unwrap();
    let expected = serde_json::json!({
        "id": id.to_string(), "username": "anna", "email": "anna@example.com", "email_verified": true,
        "first_name": "", "last_name": "", "date_of_birth": null, "roles": me["roles"], "mfa_enabled": false,
    });
    assert_eq!(me, expected);
    let page = house.browser().get("/_auth/api/me").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (401, Some("application/problem+json"))
    );
    let problem: serde_json::Value = serde_json::from_str(&page.text).unwrap();
    assert_eq!(problem["status"], 401);
}
