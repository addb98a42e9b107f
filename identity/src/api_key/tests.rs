//! Keys and their sessions, on a real store.

mod revoked;

use std::time::Duration;

use doorward_config::{HostPattern, PathGlob};
use jiff::SignedDuration;

use super::*;
use crate::account::Account;
use crate::audit::By;
use crate::change;
use crate::proof::{Offered, Proof, prove};
use crate::session::{Amr, Snapshot};
use crate::testing::{Room, client};

const DAY: Duration = Duration::from_hours(24);

fn wish(name: &str) -> NewKey<'_> {
    NewKey {
        name,
        scope: Scope::default(),
        life: 90 * DAY,
    }
}

impl Room {
    async fn key(&self, account: &Account) -> (ApiKey, KeySecret) {
        match issue_for(&self.identity, account.id, wish("backup"))
            .await
            .unwrap()
        {
            Issued::Done { key, secret } => (*key, secret),
            other => panic!("{other:?}"),
        }
    }

    async fn look(&self, secret: &KeySecret) -> Looked {
        self.identity.api_keys.find(&secret.key()).await.unwrap()
    }

    async fn live(&self, secret: &KeySecret) -> Snapshot {
        match self.look(secret).await {
            Looked::Live(snapshot) => *snapshot,
            other => panic!("{other:?}"),
        }
    }

    fn later(&self, time: Duration) {
        self.clock.advance(SignedDuration::try_from(time).unwrap());
    }
}

#[tokio::test]
async fn a_key_has_a_session_in_its_owners_name_and_with_its_scope() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let scope = Scope {
        hosts: vec![HostPattern::parse("app.test").unwrap()],
        paths: vec![PathGlob::parse("/x/**").unwrap()],
        ..Scope::default()
    };
    let new = NewKey {
        scope: scope.clone(),
        ..wish(" backup ")
    };
    let issued = issue_for(&room.identity, anna.id, new).await.unwrap();
    let Issued::Done { key, secret } = issued else {
        panic!("{issued:?}")
    };
    assert_eq!(key.name, "backup");
    let record = room.live(&secret).await.record;
    assert_eq!((record.account, record.user.as_str()), (anna.id, "anna"));
    assert_eq!(record.amr, [Amr::ApiKey]);
    let grant = record.grant.unwrap();
    assert_eq!((grant.key, grant.scope), (key.id.clone(), scope));
    assert_eq!(list(&room.identity, None).await.unwrap(), [*key]);
    let unknown = KeySecret::generate(&*room.identity.random);
    assert_eq!(room.look(&unknown).await, Looked::Unknown);
}

#[tokio::test]
async fn it_is_never_one_of_the_persons_sessions() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let (_, secret) = room.key(&anna).await;
    let _ = room.live(&secret).await;
    let idle = room.live.session.idle;
    let sessions = &room.identity.sessions;
    assert_eq!(sessions.find(&secret.key(), idle).await.unwrap(), None);
    assert_eq!(sessions.list(anna.id, idle).await.unwrap(), []);
    let offered = Offered {
        session: secret.key(),
        current: crate::testing::PASSWORD,
        client: &client("192.0.2.1"),
    };
    let proof = prove(&room.identity, &room.live, offered).await.unwrap();
    assert!(matches!(proof, Proof::Wrong));
    let browser = room.sign_in("anna").await;
    let listed = sessions.list(anna.id, idle).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        room.identity.api_keys.find(&browser.key).await.unwrap(),
        Looked::Unknown
    );
}

#[tokio::test]
async fn it_ends_with_its_time_and_is_made_anew_until_then() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let (key, secret) = room.key(&anna).await;
    let first = room.live(&secret).await.record;
    room.later(DAY + Duration::from_secs(1));
    let second = room.live(&secret).await.record;
    assert!(second.opened_at >= first.ends_at && second.ends_at > first.ends_at);
    room.later(Duration::from_mins(89 * 24 * 60 - 1));
    assert_eq!(room.live(&secret).await.record.ends_at, key.expires_at);
    room.later(Duration::from_mins(1));
    assert_eq!(room.look(&secret).await, Looked::Unknown);
    room.identity.prune().await.unwrap();
    assert_eq!(list(&room.identity, None).await.unwrap(), []);
}

#[tokio::test]
async fn rights_are_the_owners_as_they_are_now() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    room.add("bob", "bob@x.example").await;
    let (_, secret) = room.key(&anna).await;
    let _ = room.live(&secret).await;
    let role = crate::role::Role::parse("ops").unwrap();
    let done = change::grant_role(&room.identity, anna.id, &role, By::Command).await;
    assert!(matches!(done.unwrap(), change::Changed::Done(_)));
    assert!(
        room.live(&secret)
            .await
            .record
            .roles
            .contains(&"ops".to_owned())
    );

    let done = change::disable(&room.identity, anna.id, By::Command).await;
    assert!(matches!(done.unwrap(), change::Changed::Done(_)));
    assert_eq!(room.look(&secret).await, Looked::Disabled);
    let done = change::enable(&room.identity, anna.id, By::Command).await;
    assert!(matches!(done.unwrap(), change::Changed::Done(_)));
    let _ = room.live(&secret).await;
    let done = change::delete(&room.identity, anna.id, By::Command).await;
    assert!(matches!(done.unwrap(), change::Changed::Done(_)));
    assert_eq!(room.look(&secret).await, Looked::Unknown);
    assert_eq!(list(&room.identity, None).await.unwrap(), []);
}

#[tokio::test]
async fn the_last_use_is_kept_and_never_goes_back() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let (_, secret) = room.key(&anna).await;
    let keys = &room.identity.api_keys;
    let now = room.identity.clock.now();
    let earlier = now - SignedDuration::from_mins(5);
    keys.used(&secret.key(), now).await.unwrap();
    keys.used(&secret.key(), earlier).await.unwrap();
    let listed = list(&room.identity, Some(anna.id)).await.unwrap();
    assert_eq!(listed[0].last_used_at, Some(now));
}

#[tokio::test]
async fn what_cannot_be_a_key_is_none() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let glob = PathGlob::parse("/x").unwrap();
    let wide = Scope {
        paths: vec![glob; 33],
        ..Scope::default()
    };
    let long = "x".repeat(65);
    for (new, unfit) in [
        (wish(" "), Unfit::Name),
        (wish("a\nb"), Unfit::Name),
        (wish(&long), Unfit::Name),
        (
            NewKey {
                life: Duration::ZERO,
                ..wish("a")
            },
            Unfit::Life,
        ),
        (
            NewKey {
                life: 367 * DAY,
                ..wish("a")
            },
            Unfit::Life,
        ),
        (
            NewKey {
                scope: wide,
                ..wish("a")
            },
            Unfit::Scope,
        ),
    ] {
        match issue_for(&room.identity, anna.id, new).await.unwrap() {
            Issued::Unfit(said) => assert_eq!(said, unfit),
            other => panic!("{other:?}"),
        }
    }
    for _ in 0..MOST {
        room.key(&anna).await;
    }
    let more = issue_for(&room.identity, anna.id, wish("one more")).await;
    assert!(matches!(more.unwrap(), Issued::TooMany));
    let nobody = AccountId::new(room.identity.clock.now(), &*room.identity.random);
    let none = issue_for(&room.identity, nobody, wish("a")).await;
    assert!(matches!(none.unwrap(), Issued::NoAccount));
}

#[tokio::test]
async fn the_owner_is_told_by_mail() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let (_, secret) = room.key(&anna).await;
    let mail = room.one_mail().await;
    assert_eq!(mail.to, "anna@x.example");
    assert!(mail.text.contains("backup"), "{}", mail.text);
    assert!(!mail.text.contains(&secret.text()));
}
