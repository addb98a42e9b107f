use super::*;
use crate::role::Role;
use crate::session::{Opened, Remembered};
use crate::sign_in::{Attempt, sign_in};
use crate::testing::{PASSWORD, Room, client};

fn word(changed: &Changed) -> &'static str {
    match changed {
        Changed::Done(_) => "done",
        Changed::Already(_) => "already",
        Changed::NotFound => "not found",
        Changed::LastAdmin => "last admin",
    }
}

fn role(text: &str) -> Role {
    Role::parse(text).unwrap()
}

#[tokio::test]
async fn disabling_ends_every_session_and_enabling_brings_none_back() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    room.add("bob", "bob@x.example").await;
    let (one, two, bob) = (
        room.sign_in("anna").await,
        room.sign_in("anna").await,
        room.sign_in("bob").await,
    );
    assert_eq!(
        word(&disable(identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
    assert!(!room.is_live(&one).await && !room.is_live(&two).await);
    assert!(room.is_live(&bob).await);
    assert!(room.try_sign_in("anna", PASSWORD).await.is_none());
    assert_eq!(
        word(&disable(identity, anna.id, By::Command).await.unwrap()),
        "already"
    );
    assert_eq!(
        word(&enable(identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
    assert_eq!(
        word(&enable(identity, anna.id, By::Command).await.unwrap()),
        "already"
    );
    assert!(!room.is_live(&one).await);
    assert!(room.try_sign_in("anna", PASSWORD).await.is_some());
    assert_eq!(
        room.notes
            .count("SessionsEnded { reason: Disabled, count: 2 }"),
        1
    );
}

async fn record_of(room: &Room, opened: &Opened) -> crate::session::Record {
    let idle = room.live.session.idle;
    let found = room
        .identity
        .sessions
        .find(&opened.key, idle)
        .await
        .unwrap();
    found.unwrap().record
}

#[tokio::test]
async fn sessions_have_new_roles_at_once() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = room.sign_in("anna").await;
    let grant = async |text| {
        word(
            &grant_role(identity, anna.id, &role(text), By::Command)
                .await
                .unwrap(),
        )
    };
    let revoke = async |text| {
        word(
            &revoke_role(identity, anna.id, &role(text), By::Command)
                .await
                .unwrap(),
        )
    };
    assert_eq!(grant("editor").await, "done");
    assert_eq!(record_of(&room, &opened).await.roles, ["editor", "user"]);
    assert_eq!(grant("editor").await, "already");
    assert_eq!(revoke("user").await, "done");
    assert_eq!(record_of(&room, &opened).await.roles, ["editor"]);
    assert_eq!(revoke("user").await, "already");
    let now = identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(
        (now.version, record_of(&room, &opened).await.generation),
        (3, 3)
    );
    let trail = identity.audit.list(anna.id, 2).await.unwrap();
    let events: Vec<_> = trail
        .iter()
        .map(|entry| (entry.event.as_str(), entry.detail.as_deref()))
        .collect();
    assert_eq!(
        events,
        [
            ("role.revoked", Some("user")),
            ("role.granted", Some("editor"))
        ]
    );
}

#[tokio::test]
async fn sessions_have_a_new_name_at_once_and_only_a_good_one() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = room.sign_in("anna").await;
    let browser = client("192.0.2.1");
    let good = Profile {
        first_name: "Anna",
        last_name: "Berg",
        date_of_birth: "1990-12-31",
    };
    for (typed, is_saved) in [
        (good, true),
        (
            Profile {
                date_of_birth: "tomorrow",
                ..Profile::default()
            },
            false,
        ),
    ] {
        let edited = edit_profile(identity, anna.id, typed, &browser)
            .await
            .unwrap();
        assert_eq!(matches!(edited, Edited::Saved), is_saved);
        assert_eq!(record_of(&room, &opened).await.name, "Anna Berg");
    }
    let now = identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(now.date_of_birth.unwrap().to_string(), "1990-12-31");
    assert_eq!(
        identity.audit.list(anna.id, 1).await.unwrap()[0].event,
        "profile.updated"
    );
}

#[tokio::test]
async fn deleting_ends_sessions_forgets_roles_and_frees_the_names() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = room.sign_in("anna").await;
    assert_eq!(
        word(&delete(&room.identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
    assert!(!room.is_live(&opened).await);
    assert_eq!(room.identity.accounts.find(anna.id).await.unwrap(), None);
    assert_eq!(
        word(&delete(&room.identity, anna.id, By::Command).await.unwrap()),
        "not found"
    );
    assert_eq!(
        word(&disable(&room.identity, anna.id, By::Command).await.unwrap()),
        "not found"
    );
    let again = room.add("anna", "anna@x.example").await;
    assert_ne!(again.id, anna.id);
    assert_eq!(again.roles, ["user"]);
    assert_eq!(
        room.identity.audit.list(anna.id, 9).await.unwrap()[0].event,
        "account.deleted"
    );
}

#[tokio::test]
async fn last_admin_stays_one() {
    let room = Room::open().await;
    let identity = &room.identity;
    let (anna, bob) = (
        room.add("anna", "anna@x.example").await,
        room.add("bob", "bob@x.example").await,
    );
    let admin = Role::admin();
    let _granted = grant_role(identity, anna.id, &admin, By::Command)
        .await
        .unwrap();
    assert_eq!(
        word(&disable(identity, anna.id, By::Command).await.unwrap()),
        "last admin"
    );
    assert_eq!(
        word(&delete(identity, anna.id, By::Command).await.unwrap()),
        "last admin"
    );
    assert_eq!(
        word(
            &revoke_role(identity, anna.id, &admin, By::Command)
                .await
                .unwrap()
        ),
        "last admin"
    );
    assert_eq!(
        word(
            &revoke_role(identity, anna.id, &role("user"), By::Command)
                .await
                .unwrap()
        ),
        "done"
    );
    let _granted = grant_role(identity, bob.id, &admin, By::Command)
        .await
        .unwrap();
    assert_eq!(
        word(&disable(identity, bob.id, By::Command).await.unwrap()),
        "done"
    );
    assert_eq!(
        word(&delete(identity, anna.id, By::Command).await.unwrap()),
        "last admin",
        "a disabled one does not count"
    );
    assert_eq!(
        word(&enable(identity, bob.id, By::Command).await.unwrap()),
        "done"
    );
    assert_eq!(
        word(&delete(identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_are_disabled_at_once_leave_one() {
    let room = Room::open().await;
    let identity = &room.identity;
    let (anna, bob) = (
        room.add("anna", "anna@x.example").await,
        room.add("bob", "bob@x.example").await,
    );
    for account in [&anna, &bob] {
        let _granted = grant_role(identity, account.id, &Role::admin(), By::Command)
            .await
            .unwrap();
    }
    let both = [&anna, &bob].map(|account| disable(identity, account.id, By::Command));
    let mut words: Vec<_> = futures_util::future::join_all(both)
        .await
        .iter()
        .map(|one| word(one.as_ref().unwrap()))
        .collect();
    words.sort_unstable();
    assert_eq!(words, ["done", "last admin"]);
}

#[tokio::test]
async fn adding_by_command() {
    let room = Room::open().await;
    let identity = &room.identity;
    let wanted = Addition {
        username: "admin",
        email: "Root@X.example",
        password: None,
        roles: &[Role::admin()],
    };
    let Added::Done(made) = add(identity, &room.live, wanted, By::Command)
        .await
        .unwrap()
    else {
        panic!("refused")
    };
    assert_eq!(
        (made.user(), made.verified_email()),
        ("admin", Some("Root@x.example"))
    );
    assert_eq!(made.roles, ["admin"]);
    assert!(!made.has_password() && made.enabled);
    assert!(room.try_sign_in("admin", "").await.is_none());
    let taken = Addition {
        email: "root@x.example",
        ..Addition::default()
    };
    let Added::Invalid(problems) = add(identity, &room.live, taken, By::Command).await.unwrap()
    else {
        panic!("made")
    };
    assert_eq!(problems[0].field, crate::register::Field::Email);
    let weak = Addition {
        email: "a@x.example",
        password: Some("short"),
        ..Addition::default()
    };
    assert!(matches!(
        add(identity, &room.live, weak, By::Command).await.unwrap(),
        Added::Invalid(_)
    ));
    assert_eq!(identity.accounts.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_is_written_down_once() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = room.sign_in("anna").await;
    let browser = client("192.0.2.1");
    for _ in 0..2 {
        crate::sign_out::sign_out(&room.identity, &opened.key, &browser)
            .await
            .unwrap();
    }
    assert!(!room.is_live(&opened).await);
    let trail = room.identity.audit.list(anna.id, 9).await.unwrap();
    let ended: Vec<_> = trail
        .iter()
        .filter(|entry| entry.event == "session.ended")
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].detail.as_deref(), Some("logout"));
}

/// The account is written and the process dies: what another one does about it.
#[tokio::test]
async fn what_a_dead_process_left_undone_is_done_by_the_next() {
    let room = Room::open().await;
    let (anna, bob) = (
        room.add("anna", "anna@x.example").await,
        room.add("bob", "bob@x.example").await,
    );
    let (carol, dave) = (
        room.add("carol", "carol@x.example").await,
        room.add("dave", "dave@x.example").await,
    );
    let mut opened = Vec::new();
    for login in ["anna", "bob", "carol", "dave"] {
        opened.push(room.sign_in(login).await);
    }
    let hash = dave.password_hash.clone().unwrap();
    let editor = role("editor");
    for (id, edit) in [
        (anna.id, Edit::Disable),
        (bob.id, Edit::Grant(&editor)),
        (carol.id, Edit::Delete),
        (dave.id, Edit::SetPassword(&hash)),
    ] {
        assert_eq!(word(&write_only(&room, id, edit).await), "done");
    }
    // What comes after a change nobody has followed must not save the sessions that it should have ended.
    for (id, edit) in [(anna.id, Edit::Enable), (dave.id, Edit::Grant(&editor))] {
        assert_eq!(word(&write_only(&room, id, edit).await), "done");
    }
    assert!(room.is_live(&opened[0]).await, "nothing has followed yet");
    catch_up(&room.identity).await.unwrap();
    for (session, lives) in opened.iter().zip([false, true, false, false]) {
        assert_eq!(
            room.is_live(session).await,
            lives,
            "{}",
            session.record.user
        );
    }
    assert_eq!(record_of(&room, &opened[1]).await.roles, ["editor", "user"]);
    let again = room.sign_in("anna").await;
    catch_up(&room.identity).await.unwrap();
    assert!(
        room.is_live(&again).await,
        "what was done is not done again"
    );
}

/// A gateway that runs: it leaves what is new to whoever is at it, and does it when they are gone.
#[tokio::test]
async fn what_stays_undone_is_done_while_running() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let ben = room.add("ben", "ben@x.example").await;
    let (old, other) = (room.sign_in("anna").await, room.sign_in("ben").await);
    let mut leftovers = Leftovers::default();
    leftovers.finish(&room.identity).await.unwrap();

    assert_eq!(
        word(&write_only(&room, anna.id, Edit::Disable).await),
        "done"
    );
    leftovers.finish(&room.identity).await.unwrap();
    assert!(room.is_live(&old).await, "its maker may be at it");
    let second = jiff::SignedDuration::from_secs(1);
    room.clock.advance(second);
    leftovers.finish(&room.identity).await.unwrap();
    assert!(room.is_live(&old).await);

    let editor = role("editor");
    let grant = Edit::Grant(&editor);
    assert_eq!(word(&write_only(&room, ben.id, grant).await), "done");
    room.clock.advance(second);
    leftovers.finish(&room.identity).await.unwrap();
    assert!(!room.is_live(&old).await);
    assert_eq!(record_of(&room, &other).await.roles, ["user"], "new yet");
    room.clock.advance(second * 2);
    leftovers.finish(&room.identity).await.unwrap();
    assert_eq!(record_of(&room, &other).await.roles, ["editor", "user"]);
    assert!(follow::left(&room.identity).await.unwrap().is_empty());
}

/// Pages move these between threads.
#[tokio::test]
async fn every_way_in_can_be_awaited_on_any_thread() {
    fn movable<T: Send>(future: T) -> T {
        future
    }
    let room = Room::open().await;
    let browser = client("192.0.2.1");
    let id = AccountId::new(jiff::Timestamp::UNIX_EPOCH, &crate::SystemRandom);
    let attempt = Attempt {
        login: "",
        password: "",
        remember: Remembered::No,
        client: &browser,
        former: None,
    };
    drop(movable(sign_in(&room.identity, &room.live, attempt)));
    drop(movable(disable(&room.identity, id, By::Command)));
    drop(movable(edit_profile(
        &room.identity,
        id,
        Profile::default(),
        &browser,
    )));
    drop(movable(crate::register::register(
        &room.identity,
        &room.live,
        crate::register::NewAccount::default(),
        &browser,
        None,
    )));
    drop(movable(crate::setup::redeem(
        &room.identity,
        &room.live,
        "",
        crate::setup::NewAdmin::default(),
        &browser,
    )));
}

/// A change whose process dies before it has ended or rewritten a session.
async fn write_only(room: &Room, id: AccountId, edit: Edit<'_>) -> Changed {
    let transaction = room.identity.database.write().await.unwrap();
    let changed = write(&room.identity, &transaction, (id, edit), By::Command)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    changed
}
