//! Signing in with a code.

use doorward_identity::Clock;
use jiff::SignedDuration;

use crate::app::{CODE, turned_on};
use crate::browser::{Browser, Page};
use crate::house::{House, PASSWORD};

async fn try_code(browser: &mut Browser, code: &str) -> Page {
    let form = browser.get(CODE).await.form(CODE);
    browser.submit(&form.fill("code", code)).await
}

#[tokio::test]
async fn signing_in_takes_the_code() {
    let house = House::open().await;
    house.add("bob").await;
    let (app, _) = turned_on(&house, &mut house.signed_in("bob").await).await;
    let mut browser = house.browser();
    let form = browser
        .get("/_auth/login?to=/reports")
        .await
        .form("/_auth/login");
    let form = form.fill("login", "bob").fill("password", PASSWORD);
    let page = browser.submit(&form).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/login/code?to=%2Freports")
    );
    assert!(browser.token().is_none(), "no session");
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-doorward-flow="), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }

    let asked = browser.get("/_auth/login/code?to=%2Freports").await;
    assert_eq!(
        (asked.status, asked.title().as_str()),
        (200, "Enter your code · Doorward")
    );
    assert!(asked.text.contains("<strong>bob</strong>"));
    assert!(
        asked
            .field("code")
            .contains("autocomplete=\"one-time-code\"")
    );
    let empty = browser.submit(&asked.form(CODE)).await;
    assert_eq!(empty.status, 401);
    assert!(empty.explains("code").contains("This is needed."));
    let wrong = browser
        .submit(&asked.form(CODE).fill("code", "000000"))
        .await;
    assert_eq!(
        (wrong.status, wrong.title().as_str()),
        (401, "Error: Enter your code · Doorward")
    );
    assert!(wrong.field("code").contains("aria-invalid=\"true\""));
    assert!(!wrong.text.contains("000000"), "it is not shown again");
    assert!(browser.token().is_none());

    let code = app.code(house.clock.now());
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let page = browser
        .submit(&wrong.form(CODE).fill("code", &spaced))
        .await;
    assert_eq!((page.status, page.location()), (303, "/reports"));
    assert_eq!(browser.get("/_auth/api/me").await.status, 200);
    assert!(
        !browser.jar.contains_key("__Host-doorward-flow"),
        "it is over"
    );
    assert_eq!(browser.get("/_auth/account").await.status, 200);
    assert_eq!(
        browser.get("/_auth/login/code?to=/x").await.location(),
        "/x"
    );
}

/// A55: half-way is nowhere.
#[tokio::test]
async fn nothing_works_before_the_code() {
    let house = House::open().await;
    house.add("bob").await;
    turned_on(&house, &mut house.signed_in("bob").await).await;
    let mut browser = house.browser();
    browser.sign_in("bob", PASSWORD).await;
    assert_eq!(browser.get("/_auth/api/me").await.status, 401);
    for page in ["account", "account/two-factor"] {
        let page = browser.get(&format!("/_auth/{page}")).await;
        assert_eq!((page.status, page.location()), (303, "/_auth/login"));
    }
    for post in [
        "account/profile",
        "account/password",
        "account/sessions/revoke",
        "account/two-factor/turn-off",
    ] {
        let page = browser
            .post(&format!("/_auth/{post}"), &[("current", PASSWORD)])
            .await;
        assert_eq!(
            (page.status, page.location()),
            (303, "/_auth/login"),
            "{post}"
        );
    }
    // Nor is the token of the one cookie good in the other.
    let mut thief = house.browser();
    let flow = browser.jar["__Host-doorward-flow"].clone();
    thief.jar.insert("__Host-doorward".to_owned(), flow);
    assert_eq!(thief.get("/_auth/api/me").await.status, 401);
}

#[tokio::test]
async fn a_recovery_code_does_as_well_once() {
    let house = House::open().await;
    house.add("bob").await;
    let (_, codes) = turned_on(&house, &mut house.signed_in("bob").await).await;
    for (expected, code) in [
        (303, codes[0].to_uppercase()),
        (401, codes[0].clone()),
        (303, codes[1].replace('-', "")),
    ] {
        let mut browser = house.browser();
        browser.sign_in("bob", PASSWORD).await;
        let link = "/_auth/login/code?with=recovery";
        assert!(
            browser
                .get(CODE)
                .await
                .text
                .contains(&format!("href=\"{link}\""))
        );
        let page = browser.get(link).await;
        assert!(
            !page.field("code").contains("inputmode"),
            "letters have to be typed"
        );
        let page = browser.submit(&page.form(CODE).fill("code", &code)).await;
        assert_eq!(page.status, expected, "{code}");
    }
}

/// A56.
#[tokio::test]
async fn steps_out_of_order() {
    let house = House::open().await;
    house.add("bob").await;
    let (app, _) = turned_on(&house, &mut house.signed_in("bob").await).await;
    let code = app.code(house.clock.now());
    let mut browser = house.browser();
    assert_eq!(browser.get(CODE).await.location(), "/_auth/login");
    let page = browser.post(CODE, &[("code", &code), ("to", "/x")]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/login?to=%2Fx&over=1")
    );
    let said = browser.get(page.location()).await;
    assert_eq!(said.status, 200);
    assert!(said.text.contains("Sign in again."), "{}", said.text);

    // Five codes, then from the beginning.
    browser.sign_in("bob", PASSWORD).await;
    let mut replay = browser.clone();
    for _ in 0..4 {
        assert_eq!(try_code(&mut browser, "000000").await.status, 401);
    }
    let page = try_code(&mut browser, "000000").await;
    assert_eq!((page.status, page.location()), (303, "/_auth/login?over=1"));
    let page = replay.post(CODE, &[("code", &code)]).await;
    assert_eq!(
        page.location(),
        "/_auth/login?over=1",
        "the same token again"
    );
    assert!(replay.token().is_none());

    // Ten minutes.
    browser.sign_in("bob", PASSWORD).await;
    house.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(browser.get(CODE).await.location(), "/_auth/login");
    browser.sign_in("bob", PASSWORD).await;
    let code = app.code(house.clock.now());
    assert_eq!(try_code(&mut browser, &code).await.location(), "/");
    assert_eq!(browser.get("/_auth/api/me").await.status, 200);
}

#[tokio::test]
async fn a_session_from_before_is_asked_before_it_sees_the_account() {
    let house = House::open().await;
    house.add("bob").await;
    let mut before = house.signed_in("bob").await;
    let (app, _) = turned_on(&house, &mut house.signed_in("bob").await).await;
    assert_eq!(before.get("/_auth/api/me").await.status, 200, "it goes on");
    for page in ["account", "account/two-factor/turn-off"] {
        let page = before.get(&format!("/_auth/{page}")).await;
        assert_eq!(
            (page.status, page.location()),
            (303, "/_auth/login/code?for=account")
        );
    }
    for post in [
        "account/password",
        "account/two-factor/turn-off",
        "account/profile",
    ] {
        let fields = [
            ("current", PASSWORD),
            ("password", "another tram 77"),
            ("first_name", "X"),
        ];
        let page = before.post(&format!("/_auth/{post}"), &fields).await;
        assert_eq!(
            (page.status, page.location()),
            (303, "/_auth/login/code?for=account"),
            "{post}"
        );
    }
    let old = before.clone();
    let asked = before.get("/_auth/login/code?for=account").await;
    let wrong = before
        .submit(&asked.form(CODE).fill("code", "000000"))
        .await;
    assert_eq!(wrong.status, 401);
    let form = wrong.form(CODE).fill("code", &app.code(house.clock.now()));
    let page = before.submit(&form).await;
    assert_eq!((page.status, page.location()), (303, "/_auth/account"));
    assert_eq!(before.get("/_auth/account").await.status, 200);
    assert_ne!(before.token(), old.token(), "a new id");
    assert_eq!(
        old.clone().get("/_auth/api/me").await.status,
        401,
        "the old one is dead"
    );
}

#[tokio::test]
async fn wrong_codes_are_slowed() {
    let house = House::configured(|live| live.throttle.account_failures = 3).await;
    house.add("bob").await;
    let (app, _) = turned_on(&house, &mut house.signed_in("bob").await).await;
    let mut browser = house.browser();
    browser.sign_in("bob", PASSWORD).await;
    let page = loop {
        let page = try_code(&mut browser, "000000").await;
        if page.status != 401 {
            break page;
        }
    };
    assert_eq!(page.status, 429);
    let wait: i64 = page.header("retry-after").unwrap().parse().unwrap();
    house.clock.advance(SignedDuration::from_secs(wait));
    let code = app.code(house.clock.now());
    assert_eq!(
        try_code(&mut browser, &code).await.status,
        303,
        "the delay ends by itself"
    );
}
