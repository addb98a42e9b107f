use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation, decode, jwk::JwkSet};
use serde_json::{Value, json};

use super::*;
use crate::Clock;
use crate::access_token;
use crate::testing::Room;

const HERE: &str = "https://app.example.com";
const HOST: &str = "app.example.com";

async fn assertion(room: &Room) -> (String, Record) {
    room.add("anna", "anna@example.com").await;
    let record = room.sign_in("anna").await.record;
    let order = Order {
        issuer: HERE,
        audience: HOST,
        subject: Subject::from(&record),
        now: room.clock.now(),
    };
    (
        mint(&room.identity.keys.now(), order).unwrap(),
        record.clone(),
    )
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn it_says_who_and_how_and_for_whom() {
    let room = Room::open().await;
    let (token, record) = assertion(&room).await;
    let now = room.clock.now().as_second();
    assert_eq!(
        part(&token, 1),
        json!({
            "iss": HERE, "aud": HOST, "sub": record.account.to_string(),
            "preferred_username": "anna", "email": "anna@example.com", "roles": ["user"], "amr": ["pwd"],
            "auth_time": record.auth_time.as_second(), "iat": now, "exp": now + 300,
        })
    );
}

#[tokio::test]
async fn whoever_has_the_published_keys_can_check_it() {
    let room = Room::open().await;
    let (token, _) = assertion(&room).await;
    let keys = room.identity.keys.now();
    let set: JwkSet = serde_json::from_str(keys.published()).unwrap();
    let kid = part(&token, 0)["kid"].as_str().unwrap().to_owned();
    let key = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
    let mut expected = Validation::new(Algorithm::ES256);
    expected.set_issuer(&[HERE]);
    expected.set_audience(&[HOST]);
    // The clock of the test stands still elsewhere.
    expected.validate_exp = false;
    assert!(decode::<Value>(&token, &key, &expected).is_ok());
    expected.set_audience(&["other.example.com"]);
    assert!(decode::<Value>(&token, &key, &expected).is_err());
}

/// An upstream that is told of somebody must not be able to act for them.
#[tokio::test]
async fn it_is_no_access_token() {
    let room = Room::open().await;
    let (token, _) = assertion(&room).await;
    let keys = room.identity.keys.now();
    for issuer in [HERE, HOST] {
        let judged = access_token::check(&keys, issuer, &token, room.clock.now());
        assert_eq!(judged, Err(access_token::NotGood));
    }
}
