use doorward_config::Url;
use futures_util::future::join_all;
use jiff::SignedDuration;

use super::*;
use crate::register::{Field, NewAccount, Registered, register};
use crate::session::Remembered;
use crate::sign_in::{Attempt, SignIn, sign_in};
use crate::testing::{PASSWORD, Room, another, client};
use crate::{SystemRandom, change};

async fn room() -> Room {
    let mut room = Room::open().await;
    room.live.registration.verify_email = doorward_config::VerifyEmail::On;
    room
}

async fn try_register(room: &Room, username: &str, email: &str) -> Registered {
    let form = NewAccount {
        username,
        email,
        password: PASSWORD,
        ..NewAccount::default()
    };
    register(&room.identity, &room.live, form, &client("192.0.2.1"), None)
        .await
        .unwrap()
}

async fn register_as(room: &Room, username: &str, email: &str) -> FlowToken {
    match try_register(room, username, email).await {
        Registered::Verify(flow) => flow,
        other => panic!("{other:?}"),
    }
}

async fn show(room: &Room, flow: &FlowToken, shown: Mailed<'_>) -> Verified {
    let client = client("192.0.2.1");
    redeem(&room.identity, &room.live, (flow, shown), &client, None)
        .await
        .unwrap()
}

async fn sign_in_as(room: &Room, login: &str, password: &str) -> SignIn {
    let attempt = Attempt {
        login,
        password,
        remember: Remembered::Yes,
        client: &client("192.0.2.1"),
        former: None,
    };
    sign_in(&room.identity, &room.live, attempt).await.unwrap()
}

#[tokio::test]
async fn an_account_opens_with_its_code() {
    let room = room().await;
    let flow = register_as(&room, "anna", "anna@example.com").await;
    let mail = room.one_mail().await;
    assert_eq!(mail.to, "anna@example.com");
    assert!(
        mail.text
            .contains("From an unknown device, 192.0.2.1, on 1 January 2026, 00:00 UTC.")
    );
    assert!(mail.text.contains("until 1 January 2026, 00:10 UTC"));
    let wrong = another(mail.code());
    assert!(matches!(
        show(&room, &flow, Mailed::Code(&wrong)).await,
        Verified::Wrong
    ));
    let Verified::Welcome(opened) = show(&room, &flow, Mailed::Code(mail.code())).await else {
        panic!("it was the code");
    };
    assert!(room.is_live(&opened).await);
    assert_eq!(opened.record.email.as_deref(), Some("anna@example.com"));
    assert_eq!(opened.record.remembered, Remembered::No);
    assert!(matches!(
        show(&room, &flow, Mailed::Code(mail.code())).await,
        Verified::Gone
    ));
    assert!(room.try_sign_in("anna", PASSWORD).await.is_some());
}

#[tokio::test]
async fn a_taken_address_looks_the_same_and_its_owner_is_told() {
    let room = room().await;
    let anna = room.add("anna", "Anna@example.com").await;
    let flow = register_as(&room, "stranger", "anna@EXAMPLE.com").await;
    let notice = room.one_mail().await;
    assert_eq!(notice.to, "Anna@example.com");
    assert_eq!(notice.subject, "You already have an account at Doorward");
    for _ in 0..5 {
        assert!(matches!(
            show(&room, &flow, Mailed::Code("12345678")).await,
            Verified::Wrong
        ));
    }
    assert!(matches!(
        show(&room, &flow, Mailed::Code("12345678")).await,
        Verified::Gone
    ));
    assert!(
        room.identity
            .accounts
            .find_by_login("stranger")
            .await
            .unwrap()
            .is_none()
    );
    let after = room.identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(after, anna);
    assert!(room.try_sign_in("anna", PASSWORD).await.is_some());
}

#[tokio::test]
async fn a_taken_username_is_told_whoever_has_the_address() {
    let room = room().await;
    room.add("anna", "anna@example.com").await;
    for email in ["anna@example.com", "free@example.com"] {
        let Registered::Invalid(problems) = try_register(&room, "ANNA", email).await else {
            panic!("{email}");
        };
        assert_eq!(problems[0].field, Field::Username);
        assert_eq!(problems.len(), 1);
    }
    assert!(room.mail().await.is_empty());
}

#[tokio::test]
async fn only_allowed_domains_may_register() {
    let mut room = room().await;
    room.live.registration.allowed_domains = vec!["example.com".to_owned()];
    for email in ["a@example.org", "a@sub.example.com", "a@notexample.com"] {
        let Registered::Invalid(problems) = try_register(&room, "anna", email).await else {
            panic!("{email}");
        };
        assert_eq!(problems[0].field, Field::Email);
    }
    let _ = register_as(&room, "anna", "a@EXAMPLE.com").await;
}

#[tokio::test]
async fn the_right_password_leads_to_another_code() {
    let room = room().await;
    let first = register_as(&room, "anna", "anna@example.com").await;
    let old = room.one_mail().await;
    assert!(matches!(
        sign_in_as(&room, "anna", "wrong password").await,
        SignIn::Refused
    ));
    assert!(
        room.mail().await.is_empty(),
        "a wrong password mails nothing"
    );
    let SignIn::Unverified(second) = sign_in_as(&room, "anna", PASSWORD).await else {
        panic!("not verified yet");
    };
    let new = room.one_mail().await;
    assert!(matches!(
        show(&room, &first, Mailed::Code(old.code())).await,
        Verified::Gone
    ));
    let Verified::Welcome(opened) = show(&room, &second, Mailed::Code(new.code())).await else {
        panic!("the newest works");
    };
    assert_eq!(
        opened.record.remembered,
        Remembered::Yes,
        "as it was ticked"
    );
}

#[tokio::test]
async fn a_link_opens_an_account_in_its_own_browser_only() {
    let mut room = room().await;
    room.live.portal.url = Some(Url::parse("https://auth.example.com:8443").unwrap());
    let flow = register_as(&room, "anna", "anna@example.com").await;
    let mail = room.one_mail().await;
    assert!(
        mail.text
            .contains("https://auth.example.com:8443/_auth/verify?t=")
    );
    let link = mail.link();
    assert_eq!(look(&room.identity, link).await.unwrap(), Offer::Valid);
    // Somebody who registered with an address that is not theirs waits for its owner to click.
    let owner = FlowToken::generate(&SystemRandom);
    assert!(matches!(
        show(&room, &owner, Mailed::Link(link)).await,
        Verified::Gone
    ));
    let account = room.identity.accounts.find_by_login("anna").await.unwrap();
    assert!(!account.unwrap().email_verified);
    assert!(matches!(
        show(&room, &flow, Mailed::Link(link)).await,
        Verified::Welcome(_)
    ));
}

#[tokio::test]
async fn another_code_can_be_asked_for_in_the_same_browser() {
    let room = room().await;
    let flow = register_as(&room, "anna", "anna@example.com").await;
    let old = room.one_mail().await;
    let client = client("192.0.2.1");
    let again = || resend(&room.identity, &room.live, &flow, &client);
    assert_eq!(again().await.unwrap(), Resent::Sent);
    let new = room.one_mail().await;
    assert_ne!(old.code(), new.code());
    assert!(matches!(
        show(&room, &flow, Mailed::Code(old.code())).await,
        Verified::Wrong
    ));
    for _ in 0..2 {
        assert_eq!(again().await.unwrap(), Resent::Sent);
        let _ = room.one_mail().await;
    }
    assert_eq!(again().await.unwrap(), Resent::Sent);
    let last = room.one_mail().await;
    assert!(matches!(again().await.unwrap(), Resent::Slow { .. }));
    assert!(room.mail().await.is_empty());
    assert!(matches!(
        show(&room, &flow, Mailed::Code(last.code())).await,
        Verified::Welcome(_)
    ));
    assert_eq!(again().await.unwrap(), Resent::Gone);
}

#[tokio::test]
async fn an_account_that_changed_meanwhile_does_not_open() {
    let room = room().await;
    let flow = register_as(&room, "anna", "anna@example.com").await;
    let mail = room.one_mail().await;
    let anna = room
        .identity
        .accounts
        .find_by_login("anna")
        .await
        .unwrap()
        .unwrap();
    let _ = change::disable(&room.identity, anna.id, By::Command)
        .await
        .unwrap();
    assert!(matches!(
        show(&room, &flow, Mailed::Code(mail.code())).await,
        Verified::Gone
    ));
    let found = room.identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert!(!found.email_verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_is_welcome() {
    let mut room = room().await;
    room.live.throttle.address_failures = 1000;
    let flow = register_as(&room, "anna", "anna@example.com").await;
    let mail = room.one_mail().await;
    let all = (0..40).map(|_| show(&room, &flow, Mailed::Code(mail.code())));
    let all = join_all(all).await;
    let welcome = all.iter().filter(|one| matches!(one, Verified::Welcome(_)));
    assert_eq!(welcome.count(), 1);
    let anna = room
        .identity
        .accounts
        .find_by_login("anna")
        .await
        .unwrap()
        .unwrap();
    let sessions = room
        .identity
        .sessions
        .list(anna.id, Duration::MAX)
        .await
        .unwrap();
    assert_eq!(sessions.len(), 1);
}

#[tokio::test]
async fn verification_that_is_turned_on_later_asks_at_the_next_sign_in() {
    let mut room = Room::open().await;
    assert!(matches!(
        try_register(&room, "anna", "anna@example.com").await,
        Registered::Welcome(_)
    ));
    assert!(room.try_sign_in("anna", PASSWORD).await.is_some());
    room.live.registration.verify_email = doorward_config::VerifyEmail::On;
    let SignIn::Unverified(flow) = sign_in_as(&room, "anna", PASSWORD).await else {
        panic!("not verified");
    };
    let mail = room.one_mail().await;
    assert!(matches!(
        show(&room, &flow, Mailed::Code(mail.code())).await,
        Verified::Welcome(_)
    ));
}

#[tokio::test]
async fn guesses_from_one_place_are_slowed() {
    let mut room = room().await;
    room.live.throttle.address_failures = 7;
    let mut slowed = false;
    for number in 0..3 {
        let name = format!("p{number}");
        let flow = register_as(&room, &name, &format!("{name}@example.com")).await;
        for _ in 0..4 {
            slowed |= matches!(
                show(&room, &flow, Mailed::Code("00000000")).await,
                Verified::Slow { .. }
            );
        }
    }
    assert!(slowed);
    room.clock.advance(SignedDuration::from_hours(1));
    let flow = register_as(&room, "last", "last@example.com").await;
    let mail = room.mail().await.pop().unwrap();
    assert!(matches!(
        show(&room, &flow, Mailed::Code(mail.code())).await,
        Verified::Welcome(_)
    ));
}
