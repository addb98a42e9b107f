//! A phone with an authenticator app on it.

use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::{Builder, Secret, Totp};

use crate::Answer;

/// Seconds of a step.
const STEP: u64 = 30;

/// An app that was told a key. Its clock is the machine's.
#[derive(Clone, Debug)]
pub struct App {
    totp: Totp,
    used: Option<u64>,
}

impl App {
    /// Types in the key that a page shows.
    #[must_use]
    pub fn told(page: &Answer) -> Self {
        let text = page.text();
        let (_, rest) = text
            .split_once("<p class=\"key\"><code>")
            .unwrap_or_else(|| panic!("{} and no key: {text}", page.status));
        let key = rest.split('<').next().expect("a key").replace(' ', "");
        let secret = Secret::try_from_base32(key).expect("base 32");
        Self {
            totp: Builder::new().with_secret(secret).build().expect("a key"),
            used: None,
        }
    }

    /// A code that was not used yet: that of now, then the one after it, which is accepted before its time. A third
    /// within half a minute there is none.
    pub fn code(&mut self) -> String {
        let now = now() / STEP;
        let step = self.used.map_or(now, |used| now.max(used + 1));
        assert!(step <= now + 1, "no other code yet");
        self.used = Some(step);
        self.totp.generate(step * STEP).to_string()
    }

    /// A code that is not right, now or within a minute.
    #[must_use]
    pub fn wrong(&self) -> String {
        let near: Vec<_> = (now() / STEP - 2..now() / STEP + 4)
            .map(|step| self.totp.generate(step * STEP).to_string())
            .collect();
        let mut codes = [
            "000000", "111111", "222222", "333333", "444444", "555555", "666666",
        ]
        .into_iter();
        let free = codes.find(|code| near.iter().all(|taken| taken != code));
        free.expect("one of seven is free").to_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "a phone has a clock of its own")]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}
