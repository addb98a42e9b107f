use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::EncodingKey;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use super::*;
use crate::Clock;
use crate::keys::Rotated;
use crate::session::Opened;
use crate::testing::Room;

pub(super) const HERE: &str = "https://app.example.com";

pub(super) struct Desk {
    pub(super) room: Room,
    opened: Opened,
}

impl Desk {
    pub(super) async fn new() -> Self {
        let room = Room::open().await;
        room.add("anna", "anna@example.com").await;
        let opened = room.sign_in("anna").await;
        Self { room, opened }
    }

    pub(super) fn mint(&self) -> String {
        let order = Order {
            issuer: HERE,
            session: &self.opened.key,
            account: self.opened.record.account,
            now: self.room.clock.now(),
            life: Duration::from_mins(15),
        };
        mint(&self.room.identity.keys.now(), order).unwrap()
    }

    fn check(&self, token: &str) -> Result<Checked, NotGood> {
        self.check_at(token, HERE)
    }

    pub(super) fn check_at(&self, token: &str, issuer: &str) -> Result<Checked, NotGood> {
        let keys = self.room.identity.keys.now();
        check(&keys, issuer, token, self.room.clock.now())
    }

    /// A token signed with our own key that says something else.
    fn forge(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let good = self.mint();
        let mut parts = good.split('.').map(decoded);
        let (mut header, mut claims) = (parts.next().unwrap(), parts.next().unwrap());
        change(&mut header, &mut claims);
        self.sign(&header.to_string(), &claims.to_string())
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let keys = self.room.identity.keys.now();
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), keys.signer().1, Algorithm::ES256);
        format!("{message}.{}", signature.unwrap())
    }
}

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap_or_default()).unwrap_or_default()
}

#[tokio::test]
async fn a_token_names_its_session() {
    let desk = Desk::new().await;
    let token = desk.mint();
    let checked = desk.check(&token).unwrap();
    assert_eq!(checked.session, desk.opened.key);
    assert_eq!(checked.account, desk.opened.record.account);
    let header = decoded(token.split('.').next().unwrap());
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("at+jwt"), &json!("ES256"))
    );
    // What is forged the same way and says the same is good: the forgeries below fail for what they say.
    desk.check(&desk.forge(|_, _| {})).unwrap();
}

/// A58 and the rest of what people try.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn a58_attacks() {
    let desk = Desk::new().await;
    let now = desk.room.clock.now().as_second();
    let claim =
        |name: &'static str, value: Value| desk.forge(move |_, claims| claims[name] = value);
    let header =
        |name: &'static str, value: Value| desk.forge(move |header, _| header[name] = value);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    let attacks = [
        (
            "another audience",
            claim("aud", json!("https://other.example.com")),
        ),
        (
            "another issuer",
            claim("iss", json!("https://other.example.com")),
        ),
        (
            "no audience",
            desk.forge(|_, claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
        ),
        (
            "no issuer",
            desk.forge(|_, claims| drop(claims.as_object_mut().unwrap().remove("iss"))),
        ),
        (
            "no end",
            desk.forge(|_, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ),
        (
            "no session",
            desk.forge(|_, claims| drop(claims.as_object_mut().unwrap().remove("sid"))),
        ),
        (
            "no owner",
            desk.forge(|_, claims| drop(claims.as_object_mut().unwrap().remove("sub"))),
        ),
        ("over", claim("exp", json!(now - 6))),
        ("not yet", claim("nbf", json!(now + 60))),
        ("from the future", claim("iat", json!(now + 60))),
        ("an end in words", claim("exp", json!("never"))),
        ("another type", header("typ", json!("JWT"))),
        (
            "no type",
            desk.forge(|header, _| drop(header.as_object_mut().unwrap().remove("typ"))),
        ),
        ("an unknown key", header("kid", json!("0123456789abcdef"))),
        (
            "a key that is a path",
            header("kid", json!("../../../../dev/null")),
        ),
        (
            "no key",
            desk.forge(|header, _| drop(header.as_object_mut().unwrap().remove("kid"))),
        ),
        ("a key of its own", header("jwk", jwk)),
        (
            "a key elsewhere",
            header("jku", json!("https://evil.example/jwks.json")),
        ),
        (
            "a certificate elsewhere",
            header("x5u", json!("https://evil.example/x")),
        ),
        ("a certificate", header("x5c", json!(["AA"]))),
        ("something critical", header("crit", json!(["exp"]))),
        ("alg none, signed", header("alg", json!("none"))),
        ("alg ES384", header("alg", json!("ES384"))),
        ("alg HS256", header("alg", json!("HS256"))),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        (
            "a megabyte",
            format!("{}.{}", desk.mint(), "A".repeat(1 << 20)),
        ),
        ("a long claim", claim("x", json!("x".repeat(8192)))),
    ];
    for (what, token) in &attacks {
        assert_eq!(desk.check(token), Err(NotGood), "{what}");
    }
    assert_eq!(
        desk.check_at(&desk.mint(), "https://other.example.com"),
        Err(NotGood)
    );
    assert_eq!(
        desk.check_at(&desk.mint(), "http://app.example.com"),
        Err(NotGood)
    );
}

#[tokio::test]
async fn a58_attacks_on_the_signature() {
    let desk = Desk::new().await;
    let good = desk.mint();
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let none = encoded(&json!({"alg": "none", "typ": TYPE, "kid": "x"}).to_string());
    for token in [
        format!("{none}.{claims}."),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}=="),
        format!(
            "{header}.{}.{signature}",
            encoded(&decoded(claims).to_string().replace("app.", "api."))
        ),
    ] {
        assert_eq!(desk.check(&token), Err(NotGood), "{token}");
    }
    // HS256 with the public half as the secret, which everybody knows.
    let set: Value = serde_json::from_str(desk.room.identity.keys.now().published()).unwrap();
    let kid = decoded(header)["kid"].clone();
    let key = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid)
        .unwrap();
    let head = encoded(&json!({"alg": "HS256", "typ": TYPE, "kid": kid}).to_string());
    for secret in [key.to_string(), key["x"].as_str().unwrap().to_owned()] {
        let message = format!("{head}.{claims}");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(message.as_bytes());
        let token = format!(
            "{message}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        );
        assert_eq!(desk.check(&token), Err(NotGood));
    }
    // A key that nobody here made.
    let random = ring::rand::SystemRandom::new();
    let foreign = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let foreign = EncodingKey::from_ec_der(foreign.as_ref());
    let message = format!("{header}.{claims}");
    let signed =
        jsonwebtoken::crypto::sign(message.as_bytes(), &foreign, Algorithm::ES256).unwrap();
    assert_eq!(desk.check(&format!("{message}.{signed}")), Err(NotGood));
    desk.check(&good).unwrap();
}

#[tokio::test]
async fn a_member_that_comes_twice_makes_it_none() {
    let desk = Desk::new().await;
    let good = desk.mint();
    let parts: Vec<_> = good
        .split('.')
        .map(|part| decoded(part).to_string())
        .collect();
    let twice = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    desk.check(&desk.sign(&parts[0], &twice(&parts[1], "\"other\":1")))
        .unwrap();
    for member in [
        "\"aud\":\"x\"",
        "\"iss\":\"x\"",
        "\"exp\":99999999999",
        "\"sub\":\"x\"",
        "\"sid\":\"x\"",
    ] {
        let token = desk.sign(&parts[0], &twice(&parts[1], member));
        assert_eq!(desk.check(&token), Err(NotGood), "{member}");
    }
    for member in ["\"alg\":\"none\"", "\"kid\":\"x\"", "\"typ\":\"JWT\""] {
        let token = desk.sign(&twice(&parts[0], member), &parts[1]);
        assert_eq!(desk.check(&token), Err(NotGood), "{member}");
    }
}

#[tokio::test]
async fn a58_it_ends_by_our_clock_and_outlives_a_turn_of_the_keys() {
    let desk = Desk::new().await;
    let token = desk.mint();
    desk.room.clock.advance(jiff::SignedDuration::from_mins(14));
    let rotated = crate::keys::rotate(&desk.room.identity, crate::audit::By::Command).await;
    assert_eq!(rotated.unwrap(), Rotated::Done);
    desk.check(&token).unwrap();
    assert_ne!(
        decoded(token.split('.').next().unwrap())["kid"],
        decoded(desk.mint().split('.').next().unwrap())["kid"]
    );
    desk.room.clock.advance(jiff::SignedDuration::from_secs(59));
    desk.check(&token).unwrap();
    desk.room.clock.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(desk.check(&token), Err(NotGood));
}

proptest::proptest! {
    #[test]
    fn anything_may_come(text in ".{0,200}", parts in proptest::collection::vec("[A-Za-z0-9_-]{0,60}", 0..5)) {
        let keys = keys();
        let now = crate::ManualClock::default().now();
        proptest::prop_assert_eq!(check(&keys, HERE, &text, now), Err(NotGood));
        proptest::prop_assert_eq!(check(&keys, HERE, &parts.join("."), now), Err(NotGood));
    }
}

/// The keys of a room that is made once.
fn keys() -> std::sync::Arc<Keys> {
    static KEYS: std::sync::OnceLock<std::sync::Arc<Keys>> = std::sync::OnceLock::new();
    let open = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { Room::open().await.identity.keys.now() })
    };
    std::sync::Arc::clone(KEYS.get_or_init(open))
}
