//! What an authenticator app and we both know, and the codes that follow from it and the time (TOTP, RFC 6238).
//!
//! Owns the secret in the clear, for as long as a request takes. Must not know where it is kept.

use std::fmt;

use jiff::Timestamp;
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use crate::secret::Purpose;
use crate::{AccountId, Fault, Identity, Random};

/// Digits of a code.
pub const CODE_LENGTH: usize = 6;
/// Seconds of a step (RFC 6238 §5.2).
const STEP: u64 = 30;
/// How many steps before and after the present one are accepted.
const SKEW: u16 = 1;
/// Bytes of a secret: as long as the hash (RFC 4226 §4, R6).
const BYTES: usize = 20;
/// Longest title and longest name that are put into an app, in characters.
const LONGEST_NAME: usize = 64;

/// An address has to have some name.
const NAMELESS: &str = "account";

/// The secret. Wiped from memory when dropped.
pub struct AppKey(Zeroizing<Vec<u8>>);

impl AppKey {
    pub(super) fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; BYTES]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// As it is kept: encrypted, and bound to its account.
    pub(super) fn seal(&self, identity: &Identity, account: AccountId) -> Result<Vec<u8>, Fault> {
        identity
            .secret
            .seal(Purpose::AuthenticatorApp, account.as_bytes(), &self.0)
    }

    pub(super) fn open(
        identity: &Identity,
        account: AccountId,
        sealed: &[u8],
    ) -> Result<Self, Fault> {
        identity
            .secret
            .open_sealed(Purpose::AuthenticatorApp, account.as_bytes(), sealed)
            .map(Self)
    }

    /// The step that `code` belongs to, if it is that of this moment or of one beside it.
    pub(super) fn step_of(&self, code: &str, now: Timestamp) -> Result<Option<i64>, Fault> {
        let Ok(now) = u64::try_from(now.as_second()) else {
            return Ok(None);
        };
        let step = self.totp("", "")?.check(code, now);
        Ok(step.and_then(|step| i64::try_from(step).ok()))
    }

    /// To be typed into an app: groups of four, base32 (RFC 4648 §6).
    ///
    /// # Errors
    /// [`Fault::Broken`] when it is no secret, which cannot be.
    pub fn text(&self) -> Result<String, Fault> {
        let plain = Zeroizing::new(self.totp("", "")?.secret().to_base32());
        let mut text = String::with_capacity(plain.len() * 5 / 4);
        for (index, letter) in plain.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push(' ');
            }
            text.push(letter);
        }
        Ok(text)
    }

    /// To be shown as a QR code: an `otpauth` address. `title` is who asks for codes, `name` whose they are.
    ///
    /// # Errors
    /// As [`AppKey::text`].
    pub fn address(&self, title: &str, name: &str) -> Result<String, Fault> {
        let name = match spoken(name) {
            name if name.is_empty() => NAMELESS.to_owned(),
            name => name,
        };
        self.totp(&spoken(title), &name)?
            .to_url()
            .map_err(|error| Fault::broken_by("the address for an app cannot be made", error))
    }

    fn totp(&self, title: &str, name: &str) -> Result<Totp, Fault> {
        // The only algorithm that every app has; what is known of SHA-1 does not touch HMAC (RFC 4226 §B.2).
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(STEP)
            .with_skew(SKEW)
            .with_secret(self.0.to_vec())
            .with_issuer((!title.is_empty()).then_some(title))
            .with_account_name(name)
            .build()
            .map_err(|error| Fault::broken_by("the secret of an app is none", error))
    }

    /// The code of the step at `now`.
    #[cfg(test)]
    pub(crate) fn code(&self, now: Timestamp) -> String {
        let now = u64::try_from(now.as_second()).unwrap();
        self.totp("", "").unwrap().generate(now).to_string()
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey([hidden])")
    }
}

/// A colon stands between title and name in the address, so neither may have one.
fn spoken(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c == ':' { ' ' } else { c })
        .take(LONGEST_NAME)
        .collect();
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of the eight digits there.
    #[test]
    fn the_codes_of_the_standard() {
        let key = AppKey(Zeroizing::new(b"12345678901234567890".to_vec()));
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(
                key.step_of(code, now).unwrap(),
                Some(second / 30),
                "{second}"
            );
            assert_eq!(key.code(now), code);
        }
    }

    #[test]
    fn one_step_beside_the_present_one_and_no_further() {
        let key = AppKey::generate(&crate::SystemRandom);
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let code = key.code(start);
        let at = |offset: i64| {
            let now = Timestamp::from_second(start.as_second() + offset).unwrap();
            key.step_of(&code, now).unwrap()
        };
        for offset in [-30, -1, 0, 29, 30, 59] {
            assert_eq!(at(offset), Some(60_000_000), "{offset}");
        }
        for offset in [-3000, -31, 60, 61, 3000] {
            assert_eq!(at(offset), None, "{offset}");
        }
        let before_time = Timestamp::from_second(-1).unwrap();
        assert_eq!(key.step_of(&code, before_time).unwrap(), None);
    }

    #[test]
    fn what_an_app_is_told() {
        let key = AppKey(Zeroizing::new(b"12345678901234567890".to_vec()));
        assert_eq!(
            key.text().unwrap(),
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
        );
        let address = key.address("Our: Site", "anna@example.com").unwrap();
        assert_eq!(
            address,
            "otpauth://totp/Our%20%20Site:anna%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Our%20%20Site"
        );
        for (title, name) in [("", ""), (":", ":"), (&*"x".repeat(999), &*"ü".repeat(999))] {
            let address = key.address(title, name).unwrap();
            assert!(
                address.starts_with("otpauth://totp/") && address.len() < 1200,
                "{address}"
            );
        }
        assert_eq!(format!("{key:?}"), "AppKey([hidden])");
    }
}
