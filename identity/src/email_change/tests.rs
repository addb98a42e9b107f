use super::*;
use crate::proof::{self, Offered, Proof};
use crate::session::Opened;
use crate::testing::{Room, another, client};
use jiff::SignedDuration;

async fn room() -> Room {
    let mut room = Room::open().await;
    room.live.registration.verify_email = VerifyEmail::On;
    room
}

async fn again(room: &Room, opened: &Opened) -> Again {
    let offered = Offered {
        session: opened.key,
        current: "",
        client: &client("192.0.2.1"),
    };
    match proof::prove(&room.identity, &room.live, offered)
        .await
        .unwrap()
    {
        Proof::Given(again) => again,
        other => panic!("{other:?}"),
    }
}

async fn ask(room: &Room, opened: &Opened, email: &str) -> EmailChange {
    let again = again(room, opened).await;
    begin(
        &room.identity,
        &room.live,
        &again,
        email,
        &client("192.0.2.1"),
    )
    .await
    .unwrap()
}

async fn show(room: &Room, opened: &Opened, shown: Mailed<'_>) -> ConfirmedEmail {
    let whose = (opened.record.account, &opened.key);
    confirm(
        &room.identity,
        &room.live,
        whose,
        shown,
        &client("192.0.2.1"),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn the_new_address_proves_itself_and_the_old_one_is_told() {
    let room = room().await;
    let anna = room.add("", "anna@example.com").await;
    let opened = room.sign_in("anna@example.com").await;
    assert!(matches!(
        ask(&room, &opened, "New@example.org").await,
        EmailChange::Sent
    ));
    let mail = room.one_mail().await;
    assert_eq!(mail.to, "New@example.org");
    let pending = pending(&room.identity, &opened.key).await.unwrap().unwrap();
    assert_eq!(pending.as_str(), "New@example.org");
    let before = room.identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(before.email, "anna@example.com");

    let wrong = another(mail.code());
    assert_eq!(
        show(&room, &opened, Mailed::Code(&wrong)).await,
        ConfirmedEmail::Wrong
    );
    assert_eq!(
        show(&room, &opened, Mailed::Code(mail.code())).await,
        ConfirmedEmail::Done
    );
    let after = room.identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(
        (after.email.as_str(), after.email_verified),
        ("New@example.org", true)
    );
    let idle = room.live.session.idle;
    let session = room
        .identity
        .sessions
        .find(&opened.key, idle)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(session.record.email.as_deref(), Some("New@example.org"));
    assert_eq!(session.record.user, "New@example.org");
    let notice = room.one_mail().await;
    assert_eq!(notice.to, "anna@example.com");
    assert!(notice.text.contains("N***@example.org"), "{notice:?}");
    assert_eq!(
        show(&room, &opened, Mailed::Code(mail.code())).await,
        ConfirmedEmail::Gone
    );
    room.sign_in("new@example.org").await;
}

#[tokio::test]
async fn a_taken_address_looks_the_same_and_its_owner_is_told() {
    let room = room().await;
    room.add("anna", "anna@example.com").await;
    room.add("bob", "bob@example.com").await;
    let opened = room.sign_in("anna").await;
    assert!(matches!(
        ask(&room, &opened, "BOB@example.com").await,
        EmailChange::Sent
    ));
    let notice = room.one_mail().await;
    assert_eq!(notice.to, "bob@example.com");
    assert_eq!(notice.subject, "You already have an account at Doorward");
    for _ in 0..5 {
        assert_eq!(
            show(&room, &opened, Mailed::Code("12345678")).await,
            ConfirmedEmail::Wrong
        );
    }
    assert_eq!(
        show(&room, &opened, Mailed::Code("12345678")).await,
        ConfirmedEmail::Gone
    );
}

#[tokio::test]
async fn whoever_is_quicker_has_it() {
    let room = room().await;
    room.add("anna", "anna@example.com").await;
    room.add("bob", "bob@example.com").await;
    let (anna, bob) = (room.sign_in("anna").await, room.sign_in("bob").await);
    assert!(matches!(
        ask(&room, &anna, "new@example.com").await,
        EmailChange::Sent
    ));
    let annas = room.one_mail().await;
    assert!(matches!(
        ask(&room, &bob, "new@example.com").await,
        EmailChange::Sent
    ));
    let bobs = room.one_mail().await;
    assert_eq!(
        show(&room, &bob, Mailed::Code(annas.code())).await,
        ConfirmedEmail::Wrong
    );
    assert_eq!(
        show(&room, &bob, Mailed::Code(bobs.code())).await,
        ConfirmedEmail::Done
    );
    assert_eq!(
        show(&room, &anna, Mailed::Code(annas.code())).await,
        ConfirmedEmail::Taken
    );
}

#[tokio::test]
async fn what_cannot_be_an_address_is_said() {
    let mut room = room().await;
    room.live.registration.allowed_domains = vec!["example.com".to_owned()];
    room.add("anna", "anna@example.com").await;
    let opened = room.sign_in("anna").await;
    for email in [
        "",
        "anna",
        "anna@example.org",
        "ANNA@example.com",
        "a\r\nBcc: b@example.com",
    ] {
        let EmailChange::Invalid(problems) = ask(&room, &opened, email).await else {
            panic!("{email:?}");
        };
        assert_eq!(problems[0].field, Field::Email);
    }
    assert!(room.mail().await.is_empty());
}

#[tokio::test]
async fn the_code_counts_in_its_own_session_only() {
    let room = room().await;
    room.add("anna", "anna@example.com").await;
    let (here, there) = (room.sign_in("anna").await, room.sign_in("anna").await);
    assert!(matches!(
        ask(&room, &here, "new@example.com").await,
        EmailChange::Sent
    ));
    let mail = room.one_mail().await;
    assert_eq!(
        show(&room, &there, Mailed::Code(mail.code())).await,
        ConfirmedEmail::Gone
    );
    room.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(
        show(&room, &here, Mailed::Code(mail.code())).await,
        ConfirmedEmail::Gone
    );
}

#[tokio::test]
async fn without_verification_it_changes_at_once_and_is_not_verified() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@example.com").await;
    room.add("bob", "bob@example.com").await;
    let opened = room.sign_in("anna").await;
    assert!(matches!(
        ask(&room, &opened, "bob@example.com").await,
        EmailChange::Invalid(_)
    ));
    assert!(matches!(
        ask(&room, &opened, "new@example.com").await,
        EmailChange::Changed
    ));
    let after = room.identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(
        (after.email.as_str(), after.email_verified),
        ("new@example.com", false)
    );
    assert_eq!(room.one_mail().await.to, "anna@example.com");
}
