//! Signing in.

use std::time::Duration;

use doorward_identity::audit::By;
use doorward_identity::change::disable;
use jiff::SignedDuration;

use crate::house::{House, PASSWORD};

#[tokio::test]
async fn by_username_or_e_mail_to_where_one_wanted() {
    let house = House::open().await;
    house.add("anna").await;
    for login in ["anna", "ANNA", "anna@example.com", "Anna@Example.com"] {
        let mut browser = house.browser();
        let page = browser.get("/_auth/login?to=%2Freports%3Fq%3D1%262").await;
        assert_eq!(
            (page.status, page.title().as_str()),
            (200, "Sign in · Doorward")
        );
        let form = page
            .form("/_auth/login")
            .fill("login", login)
            .fill("password", PASSWORD);
        assert_eq!(form.value("to"), Some("/reports?q=1&2"));
        let page = browser.submit(&form).await;
        assert_eq!(
            (page.status, page.location()),
            (303, "/reports?q=1&2"),
            "{login}"
        );
        assert!(browser.token().is_some());
        assert_eq!(browser.get("/_auth/account").await.status, 200);
    }
}

#[tokio::test]
async fn the_form_has_what_password_managers_look_for() {
    let house = House::open().await;
    let page = house.browser().get("/_auth/login").await;
    assert!(
        page.field("login")
            .contains("autocomplete=\"username webauthn\"")
    );
    assert!(page.field("login").contains("autofocus"));
    assert!(
        page.field("password")
            .contains("autocomplete=\"current-password\"")
    );
    assert!(page.text.contains("<label for=\"login\">"));
    assert!(!page.field("remember").contains("checked"));
    assert!(page.text.contains("href=\"/_auth/register\""));
}

#[tokio::test]
async fn a_wrong_password_keeps_the_name_and_says_so_at_the_fields() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.browser();
    let form = browser.get("/_auth/login?to=/x").await.form("/_auth/login");
    let form = form
        .fill("login", "anna")
        .fill("password", "<wrong>")
        .fill("remember", "on");
    let page = browser.submit(&form).await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (401, "Error: Sign in · Doorward")
    );
    assert_eq!(page.form("/_auth/login").value("login"), Some("anna"));
    assert_eq!(page.form("/_auth/login").value("to"), Some("/x"));
    assert_eq!(page.form("/_auth/login").value("remember"), Some("on"));
    assert!(
        !page.text.contains("wrong"),
        "the password never comes back"
    );
    assert!(page.text.contains("role=\"alert\""));
    for field in ["login", "password"] {
        assert!(page.field(field).contains("aria-invalid=\"true\""));
        assert!(
            page.explains(field)
                .contains("That name and password don’t match.")
        );
        assert!(!page.field(field).contains("autofocus"));
    }
    assert!(browser.token().is_none() && page.header("set-cookie").is_none());
}

#[tokio::test]
async fn every_refusal_is_the_same() {
    let house = House::open().await;
    house.add("anna").await;
    let carol = house.add("carol").await;
    let _changed = disable(&house.identity, carol, By::Command).await.unwrap();
    let mut refusals = Vec::new();
    for (login, password) in [
        ("nobody", PASSWORD),
        ("anna", "not her password"),
        ("carol", PASSWORD),
        ("a@b@c", PASSWORD),
    ] {
        let mut page = house.browser().sign_in(login, password).await;
        page.headers.remove("content-length");
        assert_eq!(page.status, 401, "{login}");
        refusals.push((
            format!("{:?}", page.headers),
            page.text.replace(login, "LOGIN"),
        ));
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:#?}");
}

#[tokio::test]
async fn an_empty_form_is_a_refusal_that_says_what_is_missing() {
    let house = House::open().await;
    let mut browser = house.browser();
    for (fields, missing) in [
        (&[][..], &["login", "password"][..]),
        (&[("login", "anna")], &["password"]),
        (&[("password", PASSWORD)], &["login"]),
        (&[("login", ""), ("password", "")], &["login", "password"]),
    ] {
        let page = browser.post("/_auth/login", fields).await;
        assert_eq!(page.status, 401, "{fields:?}");
        for field in missing {
            assert!(
                page.explains(field).contains("This is needed."),
                "{fields:?}"
            );
        }
    }
    assert!(browser.token().is_none());
}

#[tokio::test]
async fn whoever_is_signed_in_is_sent_on() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    for page in ["login", "register"] {
        assert_eq!(
            browser
                .get(&format!("/_auth/{page}?to=/x"))
                .await
                .location(),
            "/x"
        );
        assert_eq!(
            browser
                .get(&format!("/_auth/{page}?to=//evil.test"))
                .await
                .location(),
            "/"
        );
        assert_eq!(
            browser
                .get(&format!("/_auth/{page}?to=/_auth/logout"))
                .await
                .location(),
            "/"
        );
        assert_eq!(
            browser
                .get(&format!("/_auth/{page}?to=/a&to=/b"))
                .await
                .location(),
            "/"
        );
    }
}

#[tokio::test]
async fn the_way_on_is_judged_again_when_the_form_comes_back() {
    let house = House::open().await;
    house.add("anna").await;
    for (to, location) in [
        ("https://app.test/a?b", "/a?b"),
        ("https://evil.test/", "/"),
        ("http://app.test/", "/"),
        ("/\\evil.test", "/"),
        ("/_auth/account", "/"),
    ] {
        let fields = [("login", "anna"), ("password", PASSWORD), ("to", to)];
        let page = house.browser().post("/_auth/login", &fields).await;
        assert_eq!((page.status, page.location()), (303, location), "{to}");
    }
}

#[tokio::test]
async fn each_sign_in_is_a_new_session_and_ends_the_former() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let mut thief = browser.clone();
    assert_eq!(thief.get("/_auth/api/me").await.status, 200);
    browser
        .post("/_auth/login", &[("login", "anna"), ("password", PASSWORD)])
        .await;
    assert_ne!(browser.token(), thief.token());
    assert_eq!(browser.get("/_auth/api/me").await.status, 200);
    assert_eq!(
        thief.get("/_auth/api/me").await.status,
        401,
        "the former session has ended"
    );
}

#[tokio::test]
async fn a_planted_token_is_never_adopted() {
    let house = House::open().await;
    house.add("anna").await;
    let planted = "A".repeat(43);
    let mut browser = house.browser();
    browser
        .jar
        .insert("__Host-doorward".to_owned(), planted.clone());
    assert_eq!(browser.sign_in("anna", PASSWORD).await.status, 303);
    assert_ne!(browser.token(), Some(&planted));
    let mut attacker = house.browser();
    attacker.jar.insert("__Host-doorward".to_owned(), planted);
    assert_eq!(attacker.get("/_auth/api/me").await.status, 401);
}

#[tokio::test]
async fn too_many_tries_are_slowed_and_the_delay_ends_by_itself() {
    let house = House::configured(|live| live.throttle.account_failures = 3).await;
    house.add("anna").await;
    house.add("ben").await;
    let mut browser = house.browser();
    let page = loop {
        let page = browser.sign_in("anna", "wrong and wrong").await;
        if page.status != 401 {
            break page;
        }
    };
    assert_eq!(page.status, 429);
    let wait: i64 = page.header("retry-after").unwrap().parse().unwrap();
    assert!(
        page.text
            .contains(&format!("Too many tries. Try again in {wait} second")),
        "{}",
        page.text
    );
    assert_eq!(page.form("/_auth/login").value("login"), Some("anna"));
    assert_eq!(
        browser.sign_in("anna", PASSWORD).await.status,
        429,
        "the right one waits as well"
    );
    assert_eq!(
        house.browser().sign_in("ben", PASSWORD).await.status,
        303,
        "nobody else waits"
    );
    house.clock.advance(SignedDuration::from_secs(wait));
    assert_eq!(browser.sign_in("anna", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_session_that_was_idle_too_long_is_over() {
    let house = House::configured(|live| live.session.idle = Duration::from_mins(10)).await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    house.clock.advance(SignedDuration::from_secs(599));
    assert_eq!(browser.get("/_auth/login").await.status, 303);
    house.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(browser.get("/_auth/login").await.status, 200);
}

#[tokio::test]
async fn what_was_typed_comes_back_as_text() {
    let house = House::open().await;
    let typed = "\"><script>alert(1)</script>&amp;'";
    let page = house.browser().sign_in(typed, "x").await;
    assert_eq!(page.form("/_auth/login").value("login"), Some(typed));
    assert!(!page.text.contains("<script>"));
}
