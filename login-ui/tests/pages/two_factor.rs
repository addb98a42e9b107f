//! Turning two-step sign-in on and off.

use doorward_identity::Clock;
use jiff::SignedDuration;

use crate::app::{App, CODE, CONFIRM, SET_UP, codes_on, turned_on};
use crate::house::{House, PASSWORD};

const NEW_CODES: &str = "/_auth/account/two-factor/recovery-codes";
const TURN_OFF: &str = "/_auth/account/two-factor/turn-off";

#[tokio::test]
async fn it_is_turned_on_with_a_code() {
    let house = House::open().await;
    house.add("bob").await;
    let mut browser = house.signed_in("bob").await;
    let account = browser.get("/_auth/account").await;
    assert!(account.text.contains("href=\"/_auth/account/two-factor\""));
    let overview = browser.get("/_auth/account/two-factor").await;
    assert_eq!(
        (overview.status, overview.title().as_str()),
        (200, "Two-step sign-in · Doorward")
    );
    assert!(
        !overview.text.contains("name=\"current\""),
        "the sign-in is seconds old"
    );

    let page = browser.submit(&overview.form(SET_UP)).await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (200, "Connect an app · Doorward")
    );
    let app = App::told(&page);
    assert!(page.text.contains("<svg class=\"qr\"") && page.text.contains("otpauth://totp/"));
    assert!(!page.text.contains("data:"), "nothing to load");
    assert!(
        page.field("code")
            .contains("autocomplete=\"one-time-code\"")
    );
    assert!(page.field("code").contains("inputmode=\"numeric\""));
    for wrong in ["", "000000x", "abcdef"] {
        let again = browser
            .submit(&page.form(CONFIRM).fill("code", wrong))
            .await;
        assert_eq!(again.status, 422, "{wrong}");
        assert!(again.field("code").contains("aria-invalid=\"true\""));
        assert!(App::told(&again) == app, "the same secret");
    }
    let (before, me) = (browser.token().cloned(), browser.get("/_auth/api/me").await);
    assert!(me.text.contains("\"mfa_enabled\":false"), "{}", me.text);

    let form = page
        .form(CONFIRM)
        .fill("code", &app.code(house.clock.now()));
    let page = browser.submit(&form).await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (200, "Your recovery codes · Doorward")
    );
    let codes = codes_on(&page);
    assert_eq!(codes.len(), 10, "{}", page.text);
    assert_ne!(browser.token().cloned(), before, "a new id");
    let me = browser.get("/_auth/api/me").await;
    assert!(me.text.contains("\"mfa_enabled\":true"), "{}", me.text);
    let overview = browser.get("/_auth/account/two-factor").await;
    assert!(
        overview.text.contains("10 recovery codes left"),
        "{}",
        overview.text
    );
    assert!(!overview.text.contains(&codes[0]), "shown once");
    let late = browser.submit(&form).await;
    assert_eq!(late.location(), "/_auth/account/two-factor?done=late");
}

#[tokio::test]
async fn whoever_has_no_second_factor_is_told_where_to_get_it() {
    let house = House::open().await;
    house.add("alice").await;
    let mut alice = house.signed_in("alice").await;
    let page = alice.get("/_auth/login/code?to=%2Fadmin%2Fx").await;
    assert_eq!(page.status, 403);
    let way = "/_auth/account/two-factor?to=%2Fadmin%2Fx";
    assert!(
        page.text.contains(&format!("href=\"{way}\"")),
        "{}",
        page.text
    );
    let posted = alice
        .post(CODE, &[("code", "123456"), ("to", "/admin/x")])
        .await;
    assert_eq!(posted.status, 403);
    // All the way, and back to where she wanted to go.
    let page = alice.get(way).await;
    let page = alice.submit(&page.form(SET_UP)).await;
    let app = App::told(&page);
    let page = alice
        .submit(
            &page
                .form(CONFIRM)
                .fill("code", &app.code(house.clock.now())),
        )
        .await;
    assert!(page.text.contains("href=\"/admin/x\""), "{}", page.text);
    assert_eq!(
        house
            .browser()
            .get("/_auth/login/code?to=/x")
            .await
            .location(),
        "/_auth/login?to=%2Fx"
    );
}

#[tokio::test]
async fn setting_up_asks_for_the_password_unless_the_sign_in_is_fresh() {
    let house = House::open().await;
    house.add("bob").await;
    let mut browser = house.signed_in("bob").await;
    house.clock.advance(SignedDuration::from_mins(6));
    let overview = browser.get("/_auth/account/two-factor").await;
    assert!(
        overview
            .field("current")
            .contains("autocomplete=\"current-password\"")
    );
    for (current, said) in [
        ("", "This is needed."),
        ("wrong and wrong", "That isn’t your current password."),
    ] {
        let page = browser
            .submit(&overview.form(SET_UP).fill("current", current))
            .await;
        assert_eq!(page.status, 422, "{current}");
        assert!(page.explains("current").contains(said), "{}", page.text);
        assert!(!page.text.contains("class=\"key\""), "no secret");
    }
    let page = browser
        .submit(&overview.form(SET_UP).fill("current", PASSWORD))
        .await;
    assert_eq!(page.status, 200);
    let app = App::told(&page);
    let page = browser
        .submit(
            &page
                .form(CONFIRM)
                .fill("code", &app.code(house.clock.now())),
        )
        .await;
    assert_eq!(codes_on(&page).len(), 10);
}

#[tokio::test]
async fn new_codes_and_turning_off_ask_for_the_password() {
    let house = House::open().await;
    house.add("bob").await;
    let mut browser = house.signed_in("bob").await;
    let (_, codes) = turned_on(&house, &mut browser).await;

    house.clock.advance(SignedDuration::from_mins(6));
    for (address, done) in [(NEW_CODES, 200), (TURN_OFF, 303)] {
        let asked = browser.get(address).await;
        assert_eq!(asked.status, 200);
        let form = asked.form(address);
        for current in ["", "wrong and wrong"] {
            let page = browser.submit(&form.clone().fill("current", current)).await;
            assert_eq!(page.status, 422, "{address} {current}");
            assert!(page.field("current").contains("aria-invalid=\"true\""));
        }
        let page = browser.submit(&form.fill("current", PASSWORD)).await;
        assert_eq!(page.status, done, "{address} {}", page.text);
        if address == NEW_CODES {
            assert!(codes_on(&page).len() == 10 && !codes_on(&page).contains(&codes[0]));
        }
    }
    let page = browser.get("/_auth/account/two-factor?done=off").await;
    assert!(
        page.text.contains("Two-step sign-in is off."),
        "{}",
        page.text
    );
    assert_eq!(
        house.browser().sign_in("bob", PASSWORD).await.location(),
        "/"
    );
    for address in [NEW_CODES, TURN_OFF] {
        assert_eq!(
            browser.get(address).await.location(),
            "/_auth/account/two-factor"
        );
    }
}

#[tokio::test]
async fn guesses_at_the_password_are_slowed() {
    let house = House::configured(|live| live.throttle.account_failures = 3).await;
    house.add("bob").await;
    let mut browser = house.signed_in("bob").await;
    house.clock.advance(SignedDuration::from_mins(6));
    let page = loop {
        let page = browser
            .post(SET_UP, &[("current", "wrong and wrong")])
            .await;
        if page.status != 422 {
            break page;
        }
    };
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").is_some());
    assert_eq!(
        browser.post(SET_UP, &[("current", PASSWORD)]).await.status,
        429
    );
}

#[tokio::test]
async fn it_is_for_the_person_alone() {
    let house = House::open().await;
    house.add("bob").await;
    let browser = house.signed_in("bob").await;
    let mut script = browser.clone().saying("sec-fetch-mode", Some("cors"));
    let mut foreign = browser.clone().saying("sec-fetch-site", Some("cross-site"));
    for address in [SET_UP, CONFIRM, NEW_CODES, TURN_OFF] {
        assert_eq!(script.post(address, &[]).await.status, 403, "{address}");
        assert_eq!(foreign.post(address, &[]).await.status, 403, "{address}");
        assert_eq!(
            house.browser().post(address, &[]).await.location(),
            "/_auth/login",
            "{address}"
        );
    }
    assert_eq!(foreign.post(CODE, &[("code", "123456")]).await.status, 403);
    // Reloading an address that only takes forms leads back.
    let mut browser = browser;
    for address in [SET_UP, CONFIRM] {
        let page = browser.get(address).await;
        assert_eq!(
            (page.status, page.title().as_str()),
            (200, "Two-step sign-in · Doorward")
        );
    }
}
