//! A phone with an authenticator app on it, and two-step sign-in turned on with it.

use doorward_identity::Clock;
use jiff::{SignedDuration, Timestamp};
use totp_rs::{Builder, Secret};

use crate::browser::{Browser, Page};
use crate::house::House;

pub const CODE: &str = "/_auth/login/code";
pub const SET_UP: &str = "/_auth/account/two-factor/set-up";
pub const CONFIRM: &str = "/_auth/account/two-factor/confirm";

/// Until there is another code.
const STEP: SignedDuration = SignedDuration::from_secs(30);

/// The person's phone.
#[derive(PartialEq, Eq)]
pub struct App(Secret);

impl App {
    /// Types in the key that a page shows.
    pub fn told(page: &Page) -> Self {
        let (_, rest) = page.text.split_once("<p class=\"key\"><code>").unwrap();
        let key = rest.split_once("</code>").unwrap().0.replace(' ', "");
        Self(Secret::try_from_base32(key).unwrap())
    }

    pub fn code(&self, now: Timestamp) -> String {
        let totp = Builder::new().with_secret(self.0.clone()).build().unwrap();
        totp.generate(now.as_second().try_into().unwrap())
            .to_string()
    }
}

/// Turns it on in this browser, and waits until there is another code.
pub async fn turned_on(house: &House, browser: &mut Browser) -> (App, Vec<String>) {
    let form = browser.get("/_auth/account/two-factor").await.form(SET_UP);
    let page = browser.submit(&form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let app = App::told(&page);
    let form = page
        .form(CONFIRM)
        .fill("code", &app.code(house.clock.now()));
    let page = browser.submit(&form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    house.clock.advance(STEP);
    (app, codes_on(&page))
}

/// The recovery codes that a page shows.
pub fn codes_on(page: &Page) -> Vec<String> {
    let codes = page.text.split("<li><code>").skip(1);
    codes
        .map(|rest| rest.split_once("</code>").unwrap().0.to_owned())
        .collect()
}
