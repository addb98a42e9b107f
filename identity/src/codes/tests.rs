use std::sync::Arc;

use futures_util::future::join_all;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::*;
use crate::flow::FlowToken;
use crate::testing::{Room, another};
use crate::{AccountId, SystemRandom};

const LIFE: Duration = Duration::from_mins(10);

fn address() -> EmailAddress {
    EmailAddress::parse("Anna@example.com").unwrap()
}

fn flow() -> FlowKey {
    FlowToken::generate(&SystemRandom).key()
}

fn order(address: &EmailAddress, flow: FlowKey, account: Option<AccountId>) -> Order<'_> {
    Order {
        purpose: Purpose::VerifyEmail,
        flow,
        account,
        address,
        remembered: Remembered::Yes,
        life: LIFE,
    }
}

async fn issue_in(room: &Room, order: Order<'_>) -> Issued {
    let transaction = room.identity.database.write().await.unwrap();
    let issued = issue(&room.identity, &transaction, order).await.unwrap();
    transaction.commit().await.unwrap();
    issued
}

async fn redeem_in(identity: &Identity, which: (Purpose, FlowKey), shown: Mailed<'_>) -> Redeemed {
    let transaction = identity.database.write().await.unwrap();
    let redeemed = redeem(identity, &transaction, which, shown).await.unwrap();
    transaction.commit().await.unwrap();
    redeemed
}

async fn type_in(room: &Room, flow: FlowKey, code: &str) -> Redeemed {
    redeem_in(
        &room.identity,
        (Purpose::VerifyEmail, flow),
        Mailed::Code(code),
    )
    .await
}

#[tokio::test]
async fn a44_a_code_counts_once_and_says_what_it_was_for() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@example.com").await.id;
    let (address, flow) = (address(), flow());
    let issued = issue_in(&room, order(&address, flow, Some(anna))).await;
    let right = Right {
        account: Some(anna),
        address: address.clone(),
        remembered: Remembered::Yes,
    };
    let code = issued.code.as_str();
    assert_eq!(type_in(&room, flow, code).await, Redeemed::Right(right));
    assert_eq!(type_in(&room, flow, code).await, Redeemed::Gone);
}

#[tokio::test]
async fn a44_five_may_be_wrong() {
    let room = Room::open().await;
    let (address, flow) = (address(), flow());
    let issued = issue_in(&room, order(&address, flow, None)).await;
    let (right, wrong) = (issued.code.as_str(), another(issued.code.as_str()));
    for _ in 0..4 {
        assert_eq!(type_in(&room, flow, &wrong).await, Redeemed::Wrong);
        // What cannot be a code is no guess.
        assert_eq!(type_in(&room, flow, "").await, Redeemed::Wrong);
    }
    assert!(matches!(
        type_in(&room, flow, right).await,
        Redeemed::Right(_)
    ));

    let issued = issue_in(&room, order(&address, flow, None)).await;
    let (right, wrong) = (issued.code.as_str(), another(issued.code.as_str()));
    for _ in 0..5 {
        assert_eq!(type_in(&room, flow, &wrong).await, Redeemed::Wrong);
    }
    assert_eq!(type_in(&room, flow, right).await, Redeemed::Gone);
    assert_eq!(type_in(&room, flow, "").await, Redeemed::Gone);
    let link = issued.link.text();
    let which = (Purpose::VerifyEmail, flow);
    assert_eq!(
        redeem_in(&room.identity, which, Mailed::Link(&link)).await,
        Redeemed::Gone
    );
}

#[tokio::test]
async fn a44_a_code_is_bound_to_its_purpose_browser_and_time() {
    let room = Room::open().await;
    let (address, flow) = (address(), flow());
    let issued = issue_in(&room, order(&address, flow, None)).await;
    let code = issued.code.as_str();
    for purpose in [Purpose::Recover, Purpose::SetPassword, Purpose::ChangeEmail] {
        let redeemed = redeem_in(&room.identity, (purpose, flow), Mailed::Code(code)).await;
        assert_eq!(redeemed, Redeemed::Gone, "{purpose:?}");
    }
    assert_eq!(type_in(&room, self::flow(), code).await, Redeemed::Gone);
    let just_before = SignedDuration::from_mins(10) - SignedDuration::from_millis(1);
    room.clock.advance(just_before);
    assert_eq!(type_in(&room, flow, &another(code)).await, Redeemed::Wrong);
    room.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(type_in(&room, flow, code).await, Redeemed::Gone);
}

#[tokio::test]
async fn another_browsers_code_is_wrong_here() {
    let room = Room::open().await;
    let (address, here, there) = (address(), flow(), flow());
    let _mine = issue_in(&room, order(&address, here, None)).await;
    let theirs = issue_in(&room, order(&address, there, None)).await;
    assert_eq!(
        type_in(&room, here, theirs.code.as_str()).await,
        Redeemed::Wrong
    );
}

#[tokio::test]
async fn the_newest_voids_those_before_it_and_nobodys_voids_none() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@example.com").await.id;
    let address = address();
    let (first, second, stranger) = (flow(), flow(), flow());
    let old = issue_in(&room, order(&address, first, Some(anna))).await;
    let new = issue_in(&room, order(&address, second, Some(anna))).await;
    let _ = issue_in(&room, order(&address, stranger, None)).await;
    assert_eq!(
        type_in(&room, first, old.code.as_str()).await,
        Redeemed::Gone
    );
    assert!(matches!(
        type_in(&room, second, new.code.as_str()).await,
        Redeemed::Right(_)
    ));

    // Who asks to recover says an address only, so that is what counts.
    let recover = |flow| Order {
        purpose: Purpose::Recover,
        ..order(&address, flow, None)
    };
    let old = issue_in(&room, recover(first)).await;
    let _new = issue_in(&room, recover(second)).await;
    let redeemed = redeem_in(
        &room.identity,
        (Purpose::Recover, first),
        Mailed::Code(old.code.as_str()),
    );
    assert_eq!(redeemed.await, Redeemed::Gone);
}

#[tokio::test]
async fn a_link_works_like_the_code_and_with_it() {
    let room = Room::open().await;
    let (address, flow) = (address(), flow());
    let which = (Purpose::VerifyEmail, flow);
    let issued = issue_in(&room, order(&address, flow, None)).await;
    let link = issued.link.text();
    let looked = || look_at_link(&room.identity, Purpose::VerifyEmail, &link);
    for _ in 0..3 {
        assert_eq!(looked().await.unwrap(), Offer::Valid);
    }
    let other = LinkToken::generate(&SystemRandom).text();
    assert_eq!(
        redeem_in(&room.identity, which, Mailed::Link(&other)).await,
        Redeemed::Gone
    );
    let elsewhere = (Purpose::VerifyEmail, self::flow());
    assert_eq!(
        redeem_in(&room.identity, elsewhere, Mailed::Link(&link)).await,
        Redeemed::Gone
    );
    assert!(matches!(
        redeem_in(&room.identity, which, Mailed::Link(&link)).await,
        Redeemed::Right(_)
    ));
    assert_eq!(looked().await.unwrap(), Offer::Gone);
    assert_eq!(
        type_in(&room, flow, issued.code.as_str()).await,
        Redeemed::Gone
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_on_two_gateways_are_one_success() {
    let room = Room::open().await;
    let other = Arc::new(room.again(room.boot.hashing).await);
    let (address, flow) = (address(), flow());
    let issued = issue_in(&room, order(&address, flow, None)).await;
    let code = issued.code.as_str().to_owned();
    let tries = (0..200).map(|number| {
        let identity = [&room.identity, &other][number % 2].clone();
        let code = code.clone();
        tokio::spawn(async move {
            // Whoever does not get the turn to write in time tries again: that is an outage, and no answer.
            loop {
                let Ok(transaction) = identity.database.write().await else {
                    continue;
                };
                let which = (Purpose::VerifyEmail, flow);
                let redeemed = redeem(&identity, &transaction, which, Mailed::Code(&code))
                    .await
                    .unwrap();
                transaction.commit().await.unwrap();
                return redeemed;
            }
        })
    });
    let redeemed = join_all(tries).await;
    let right = redeemed
        .iter()
        .filter(|redeemed| matches!(redeemed.as_ref().unwrap(), Redeemed::Right(_)));
    assert_eq!(right.count(), 1);
}

#[tokio::test]
async fn the_database_holds_nothing_to_type() {
    let room = Room::open().await;
    let (address, flow) = (address(), flow());
    let issued = issue_in(&room, order(&address, flow, None)).await;
    let row = one_time_code::Entity::find()
        .one(room.identity.database.reads())
        .await
        .unwrap()
        .unwrap();
    let kept = format!("{row:?}");
    assert!(!kept.contains(issued.code.as_str()) && !kept.contains(&issued.link.text()));
    // Hashed with the server's secret: eight digits would be guessed from a plain hash at once.
    let plain = Sha256::digest(issued.code.as_str()).to_vec();
    assert_ne!(row.code_hash, Some(plain));
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    let room = Room::open().await;
    let (address, flow) = (address(), flow());
    let _issued = issue_in(&room, order(&address, flow, None)).await;
    room.clock.advance(SignedDuration::from_mins(11));
    room.identity.prune().await.unwrap();
    let left = one_time_code::Entity::find().all(room.identity.database.reads());
    assert!(left.await.unwrap().is_empty());
}
