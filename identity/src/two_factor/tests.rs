//! On an embedded store, with a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sea_orm::EntityTrait;

use super::*;
use crate::account::Account;
use crate::audit::By;
use crate::change::{self, Changed};
use crate::database::entity;
use crate::flow::FlowToken;
use crate::proof::{Again, Offered, Proof, prove};
use crate::session::{Amr, Opened, SessionKey};
use crate::sign_in::{
    Attempt, SecondStep, SignIn, StepUp, Stepped, half_way, second_step, sign_in, step_up,
};
use crate::testing::{PASSWORD, Room, client};
use crate::{Clock, Fault};

mod own;
mod races;
mod steps;

const STEP: SignedDuration = SignedDuration::from_secs(30);

/// Somebody whose second factor is on, in a room to test in.
struct Person {
    account: Account,
    key: AppKey,
    /// The session that it was turned on in.
    opened: Opened,
    codes: Vec<RecoveryCode>,
}

async fn again(room: &Room, session: SessionKey) -> Again {
    let client = client("192.0.2.1");
    let offered = Offered {
        session,
        current: PASSWORD,
        client: &client,
    };
    match prove(&room.identity, &room.live, offered).await.unwrap() {
        Proof::Given(again) => again,
        other => panic!("{other:?}"),
    }
}

async fn enrol(room: &Room, session: SessionKey) -> Enrolment {
    match begin(&room.identity, &again(room, session).await)
        .await
        .unwrap()
    {
        Begun::Enrolment(enrolment) => enrolment,
        Begun::AlreadyOn => panic!("it is on"),
    }
}

async fn confirming(room: &Room, session: SessionKey, token: &FlowToken, code: &str) -> Confirmed {
    let client = client("192.0.2.1");
    let asked = Confirmation {
        session,
        token,
        code,
        client: &client,
    };
    let idle = room.live.session.idle;
    confirm(&room.identity, idle, asked).await.unwrap()
}

fn code(room: &Room, key: &AppKey) -> String {
    key.code(room.clock.now())
}

/// An account with the second factor on, one step after the code that confirmed it.
async fn person(room: &Room, name: &str) -> Person {
    let account = room.add(name, &format!("{name}@x.example")).await;
    let before = room.sign_in(name).await;
    let Enrolment { token, key } = enrol(room, before.key).await;
    let confirmed = confirming(room, before.key, &token, &code(room, &key)).await;
    let Confirmed::Done { opened, codes } = confirmed else {
        panic!("{confirmed:?}");
    };
    assert!(!room.is_live(&before).await, "the session has a new id");
    room.clock.advance(STEP);
    Person {
        account: room
            .identity
            .accounts
            .find(account.id)
            .await
            .unwrap()
            .unwrap(),
        key,
        opened,
        codes,
    }
}

async fn attempt(room: &Room, name: &str) -> SignIn {
    let client = client("192.0.2.1");
    let attempt = Attempt {
        login: name,
        password: PASSWORD,
        remember: crate::session::Remembered::No,
        client: &client,
        former: None,
    };
    sign_in(&room.identity, &room.live, attempt).await.unwrap()
}

/// The password, and what it leads to.
async fn flow(room: &Room, name: &str) -> FlowToken {
    match attempt(room, name).await {
        SignIn::CodeNeeded(flow) => flow,
        other => panic!("{other:?}"),
    }
}

async fn step(room: &Room, flow: &FlowToken, code: &str) -> Result<Stepped, Fault> {
    let client = client("192.0.2.1");
    let step = SecondStep {
        flow,
        code,
        client: &client,
        former: None,
    };
    second_step(&room.identity, &room.live, step).await
}

fn word(stepped: &Stepped) -> &'static str {
    match stepped {
        Stepped::Welcome(_) => "welcome",
        Stepped::Refused => "refused",
        Stepped::Slow { .. } => "slow",
        Stepped::Gone => "gone",
    }
}

async fn steps(room: &Room, flow: &FlowToken, code: &str) -> &'static str {
    word(&step(room, flow, code).await.unwrap())
}

#[tokio::test]
async fn a_secret_counts_once_a_code_has_confirmed_it() {
    let room = Room::open().await;
    let account = room.add("bob", "bob@x.example").await;
    let opened = room.sign_in("bob").await;
    assert_eq!(
        standing(&room.identity, account.id).await.unwrap(),
        Standing::Off
    );
    let Enrolment { token, key } = enrol(&room, opened.key).await;
    assert!(
        room.try_sign_in("bob", PASSWORD).await.is_some(),
        "nothing counts yet"
    );
    let shown = look(&room.identity, account.id, &token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(shown.text().unwrap(), key.text().unwrap());
    for wrong in ["", "000000x", "abcd-efgh-jkmn"] {
        let confirmed = confirming(&room, opened.key, &token, wrong).await;
        assert!(
            matches!(confirmed, Confirmed::Wrong),
            "{wrong} {confirmed:?}"
        );
    }
    let other = FlowToken::generate(&*room.identity.random);
    let now = code(&room, &key);
    assert!(matches!(
        confirming(&room, opened.key, &other, &now).await,
        Confirmed::Gone
    ));
    assert!(
        look(&room.identity, account.id, &other)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        standing(&room.identity, account.id).await.unwrap(),
        Standing::Off
    );
}

#[tokio::test]
async fn once_confirmed_it_is_on_and_the_session_has_shown_both() {
    let room = Room::open().await;
    let account = room.add("bob", "bob@x.example").await;
    let opened = room.sign_in("bob").await;
    let Enrolment { token, key } = enrol(&room, opened.key).await;
    let now = code(&room, &key);
    let Confirmed::Done {
        opened: both,
        codes,
    } = confirming(&room, opened.key, &token, &now).await
    else {
        panic!("not confirmed");
    };
    assert_eq!(both.record.amr, [Amr::Password, Amr::OneTimeCode]);
    assert_eq!(both.record.ends_at, opened.record.ends_at, "no longer life");
    assert!(!room.is_live(&opened).await && room.is_live(&both).await);
    assert_eq!(codes.len(), RECOVERY_CODES);
    let Standing::On { codes_left, .. } = standing(&room.identity, account.id).await.unwrap()
    else {
        panic!("it is off");
    };
    assert_eq!(codes_left, 10);
    assert!(
        look(&room.identity, account.id, &token)
            .await
            .unwrap()
            .is_none()
    );
    let begun = begin(&room.identity, &again(&room, both.key).await)
        .await
        .unwrap();
    assert!(matches!(begun, Begun::AlreadyOn));
    assert!(matches!(
        confirming(&room, both.key, &token, &now).await,
        Confirmed::Gone
    ));
}

#[tokio::test]
async fn an_enrolment_ends_and_a_newer_one_voids_it() {
    let room = Room::open().await;
    room.add("bob", "bob@x.example").await;
    let opened = room.sign_in("bob").await;
    let first = enrol(&room, opened.key).await;
    let second = enrol(&room, opened.key).await;
    let old = code(&room, &first.key);
    assert!(matches!(
        confirming(&room, opened.key, &first.token, &old).await,
        Confirmed::Gone
    ));
    assert!(matches!(
        confirming(&room, opened.key, &second.token, &old).await,
        Confirmed::Wrong
    ));
    room.clock.advance(SignedDuration::from_mins(30));
    let now = code(&room, &second.key);
    assert!(matches!(
        confirming(&room, opened.key, &second.token, &now).await,
        Confirmed::Gone
    ));
    let third = enrol(&room, opened.key).await;
    room.clock.advance(SignedDuration::from_mins(29));
    let now = code(&room, &third.key);
    let confirmed = confirming(&room, opened.key, &third.token, &now).await;
    assert!(matches!(confirmed, Confirmed::Done { .. }), "{confirmed:?}");
}

#[tokio::test]
async fn what_is_kept_tells_nothing() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let reads = room.identity.database.reads();
    let kept = entity::two_factor::Entity::find()
        .one(reads)
        .await
        .unwrap()
        .unwrap();
    let plain: String = bob.key.text().unwrap().replace(' ', "");
    assert_eq!(plain.len(), 32, "160 bits");
    assert_eq!(kept.secret.len(), 60);
    assert!(!format!("{kept:?}").contains(&plain));
    // Under another account's id it is nobody's.
    let anna = room.add("anna", "anna@x.example").await;
    assert!(AppKey::open(&room.identity, bob.account.id, &kept.secret).is_ok());
    assert!(AppKey::open(&room.identity, anna.id, &kept.secret).is_err());
    let rows = entity::recovery_code::Entity::find()
        .all(reads)
        .await
        .unwrap();
    assert_eq!(rows.len(), RECOVERY_CODES);
    for code in &bob.codes {
        let text = code.text().replace('-', "");
        assert!(rows.iter().all(|row| row.hash != text.as_bytes()));
    }
    let token = flow(&room, "bob").await;
    let half_way = entity::login_flow::Entity::find()
        .one(reads)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(half_way.hash, token.key().to_vec());
}
