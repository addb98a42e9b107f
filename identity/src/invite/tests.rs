use std::sync::Arc;

use doorward_config::{RegistrationMode, VerifyEmail};

use super::*;
use crate::register::{NewAccount, Registered, register};
use crate::testing::{PASSWORD, Room, client};

async fn room(mode: RegistrationMode) -> Room {
    let mut room = Room::open().await;
    room.live.registration.mode = mode;
    room
}

async fn token(room: &Room, email: &str, roles: &[&str]) -> String {
    let roles: Vec<_> = roles
        .iter()
        .map(|role| Role::parse(role).unwrap())
        .collect();
    match invite(&room.identity, &room.live, email, &roles, By::Command)
        .await
        .unwrap()
    {
        Invited::Done { token, .. } => token.text(),
        other => panic!("{other:?}"),
    }
}

fn form<'a>(email: &'a str, invite: &'a str) -> NewAccount<'a> {
    NewAccount {
        username: "anna",
        email,
        password: PASSWORD,
        invite,
        ..NewAccount::default()
    }
}

async fn come(room: &Room, form: NewAccount<'_>) -> Registered {
    let client = client("192.0.2.1");
    register(&room.identity, &room.live, form, &client, None)
        .await
        .unwrap()
}

#[tokio::test]
async fn who_is_invited_comes_in_once_with_a_proven_address_and_the_roles() {
    for verify in [VerifyEmail::Off, VerifyEmail::On] {
        let mut room = room(RegistrationMode::Invite).await;
        room.live.registration.verify_email = verify;
        // What strangers must bring does not matter for somebody an operator names.
        room.live.registration.allowed_domains = vec!["elsewhere.example".to_owned()];
        let token = token(&room, "Anna@Example.com", &["staff", "admin", "staff"]).await;
        let found = find(&room.identity, &token).await.unwrap().unwrap();
        assert_eq!(found.address.as_str(), "Anna@example.com");
        let Registered::Welcome(opened) = come(&room, form("anna@example.com", &token)).await
        else {
            panic!("not let in");
        };
        let account = room.identity.accounts.find(opened.record.account).await;
        let account = account.unwrap().unwrap();
        assert_eq!(account.roles, ["admin", "staff"]);
        assert!(account.email_verified);
        let again = come(&room, form("anna@example.com", &token)).await;
        assert!(matches!(again, Registered::Uninvited), "{again:?}");
        assert!(find(&room.identity, &token).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn without_a_word_about_roles_there_are_the_usual_ones() {
    let room = room(RegistrationMode::Invite).await;
    let token = token(&room, "anna@example.com", &[]).await;
    let Registered::Welcome(opened) = come(&room, form("anna@example.com", &token)).await else {
        panic!("not let in");
    };
    assert_eq!(opened.record.roles, ["user"]);
}

#[tokio::test]
async fn nobody_else_comes_in() {
    let room = room(RegistrationMode::Invite).await;
    let good = token(&room, "anna@example.com", &[]).await;
    let none = come(&room, form("anna@example.com", "")).await;
    assert!(matches!(none, Registered::Closed), "{none:?}");
    for bad in ["x", &"A".repeat(43), &good.to_lowercase()] {
        let refused = come(&room, form("anna@example.com", bad)).await;
        assert!(
            matches!(refused, Registered::Uninvited),
            "{bad}: {refused:?}"
        );
    }
    // An address of one's own choice is none of an operator's.
    let Registered::Invalid(problems) = come(&room, form("eve@example.com", &good)).await else {
        panic!("another address was taken");
    };
    assert_eq!(
        problems,
        [find(&room.identity, &good)
            .await
            .unwrap()
            .unwrap()
            .another_address()]
    );
    // What is wrong with the form does not use the invitation up.
    let weak = NewAccount {
        password: "short",
        ..form("anna@example.com", &good)
    };
    assert!(matches!(come(&room, weak).await, Registered::Invalid(_)));
    room.clock.advance(LIFE.try_into().unwrap());
    let late = come(&room, form("anna@example.com", &good)).await;
    assert!(matches!(late, Registered::Uninvited), "{late:?}");
    room.identity.prune().await.unwrap();
    let rows = Entity::find().all(room.identity.database.reads()).await;
    assert_eq!(rows.unwrap(), []);
}

#[tokio::test]
async fn a_taken_name_keeps_the_invitation() {
    let room = room(RegistrationMode::Invite).await;
    room.add("anna", "somebody@example.com").await;
    let token = token(&room, "anna@example.com", &[]).await;
    let refused = come(&room, form("anna@example.com", &token)).await;
    assert!(matches!(refused, Registered::Invalid(_)), "{refused:?}");
    let free = NewAccount {
        username: "anna2",
        ..form("anna@example.com", &token)
    };
    assert!(matches!(come(&room, free).await, Registered::Welcome(_)));
}

#[tokio::test]
async fn a_newer_one_takes_the_place_and_a_taken_address_gets_none() {
    let room = room(RegistrationMode::Open).await;
    let first = token(&room, "anna@example.com", &["staff"]).await;
    let second = token(&room, "ANNA@example.com", &["staff"]).await;
    assert!(find(&room.identity, &first).await.unwrap().is_none());
    assert!(find(&room.identity, &second).await.unwrap().is_some());
    // Where anybody may come, an invitation still gives its roles; one that is void takes nothing away.
    let stranger = NewAccount {
        username: "",
        ..form("b@example.com", &first)
    };
    assert!(matches!(
        come(&room, stranger).await,
        Registered::Welcome(_)
    ));
    let Registered::Welcome(opened) = come(&room, form("anna@example.com", &second)).await else {
        panic!("not let in");
    };
    assert_eq!(opened.record.roles, ["staff"]);
    let (identity, live) = (&room.identity, &room.live);
    let third = invite(identity, live, "anna@example.com", &[], By::Command).await;
    assert!(matches!(third.unwrap(), Invited::Invalid(_)));
}

#[tokio::test]
async fn where_nobody_may_come_nobody_is_invited() {
    let mut room = room(RegistrationMode::Invite).await;
    let token = token(&room, "anna@example.com", &[]).await;
    room.live.registration.mode = RegistrationMode::Closed;
    let refused = come(&room, form("anna@example.com", &token)).await;
    assert!(matches!(refused, Registered::Closed), "{refused:?}");
    let (identity, live) = (&room.identity, &room.live);
    let closed = invite(identity, live, "b@example.com", &[], By::Command).await;
    assert!(matches!(closed.unwrap(), Invited::Closed));
}

#[tokio::test]
async fn mail_carries_the_link_where_there_can_be_one() {
    let mut room = room(RegistrationMode::Invite).await;
    token(&room, "anna@example.com", &[]).await;
    assert!(room.mail().await.is_empty());
    room.live.portal.url = Some("https://auth.example.com".parse().unwrap());
    let token = token(&room, "anna@example.com", &[]).await;
    let mail = room.one_mail().await;
    assert_eq!(mail.to, "anna@example.com");
    let link = format!("https://auth.example.com/_auth/register?invite={token}");
    assert!(mail.text.contains(&link), "{}", mail.text);
}

/// Two hundred at once, through two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_comes_in() {
    let room = Arc::new(room(RegistrationMode::Invite).await);
    let other = Arc::new(room.again(room.boot.hashing).await);
    let token = Arc::new(token(&room, "anna@example.com", &[]).await);
    let tries: Vec<_> = (0..200)
        .map(|index| {
            let (room, other, token) = (room.clone(), other.clone(), token.clone());
            tokio::spawn(async move {
                let identity = if index % 2 == 0 {
                    &room.identity
                } else {
                    &other
                };
                let client = client(&format!("198.51.{}.{index}", index % 7));
                let name = format!("anna{index}");
                let form = NewAccount {
                    username: &name,
                    ..form("anna@example.com", &token)
                };
                loop {
                    match register(identity, &room.live, form, &client, None)
                        .await
                        .unwrap()
                    {
                        Registered::Busy { .. } => tokio::task::yield_now().await,
                        Registered::Welcome(_) => return 1,
                        Registered::Uninvited => return 0,
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    let mut welcome = 0;
    for task in tries {
        welcome += task.await.unwrap();
    }
    assert_eq!(welcome, 1);
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 1);
}
