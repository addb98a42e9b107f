//! A password that is sent although the sign-in is fresh.

use crate::app::{SET_UP, turned_on};
use crate::browser::Browser;
use crate::house::{House, PASSWORD};

const EMAIL: &str = "/_auth/account/email";
const DELETE: &str = "/_auth/account/delete";
const KEYS: &str = "/_auth/account/keys";
const NEW_CODES: &str = "/_auth/account/two-factor/recovery-codes";
const TURN_OFF: &str = "/_auth/account/two-factor/turn-off";

/// Sends every form at once, with this password.
async fn with(browser: &mut Browser, page: &str, current: &str) -> u16 {
    let rest = [
        ("email", "new@example.com"),
        ("name", "backup"),
        ("days", "30"),
    ];
    let mut fields = vec![("current", current)];
    fields.extend(rest);
    let answer = browser.post(page, &fields).await;
    if current == "wrong" {
        assert!(
            answer
                .explains("current")
                .contains("isn’t your current password"),
            "{page}: {}",
            answer.text
        );
    }
    answer.status
}

#[tokio::test]
async fn a_wrong_one_is_refused_and_none_is_enough() {
    let house = House::open().await;
    for (name, pages) in [
        (
            "anna",
            &[(SET_UP, 200), (KEYS, 200), (EMAIL, 303), (DELETE, 303)][..],
        ),
        ("bert", &[(NEW_CODES, 200), (TURN_OFF, 303)]),
    ] {
        house.add(name).await;
        let mut browser = house.signed_in(name).await;
        if name == "bert" {
            turned_on(&house, &mut browser).await;
        }
        for (page, done) in pages {
            assert_eq!(with(&mut browser, page, "wrong").await, 422, "{page}");
            let mut right = browser.clone();
            let current = if *page == EMAIL { PASSWORD } else { "" };
            assert_eq!(with(&mut right, page, current).await, *done, "{page}");
        }
    }
}

#[tokio::test]
async fn guesses_are_slowed_and_whoever_sends_none_is_not() {
    let house = House::configured(|live| live.throttle.account_failures = 3).await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let page = loop {
        let page = browser.post(DELETE, &[("current", "wrong")]).await;
        if page.status != 422 {
            break page;
        }
    };
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").is_some());
    let right = browser.post(DELETE, &[("current", PASSWORD)]).await;
    assert_eq!(right.status, 429, "not judged");
    assert_eq!(browser.post(DELETE, &[]).await.status, 303);
}
