use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::session::{Amr, Remembered};
use crate::sign_in::{Attempt, SignIn, sign_in};
use crate::testing::{PASSWORD, Room, client};

const APP: &str = "https://app.example.com";
const WIKI: &str = "https://wiki.example.org";

async fn signed_in() -> (Room, Opened) {
    let room = Room::open().await;
    room.add("anna", "anna@example.com").await;
    let opened = room.sign_in("anna").await;
    (room, opened)
}

fn host(origin: &str) -> &str {
    origin.split_once("://").unwrap().1
}

/// A ticket from `opened` for the browser that holds the token.
async fn ticket(room: &Room, opened: &Opened, origin: &str) -> (String, FlowToken) {
    let flow = begin(&room.identity);
    let idle = room.live.session.idle;
    let found = room
        .identity
        .sessions
        .find(&opened.key, idle)
        .await
        .unwrap();
    let from = (&opened.key, &found.unwrap());
    let ticket = issue(&room.identity, from, origin, &flow.challenge())
        .await
        .unwrap();
    (ticket.text(), flow)
}

async fn show(
    (identity, live): (&Identity, &Live),
    ticket: &str,
    origin: &str,
    flow: &FlowToken,
) -> Option<Opened> {
    let shown = Shown {
        ticket,
        origin,
        host: host(origin),
        flow,
        client: &client("192.0.2.9"),
    };
    match redeem(identity, live, shown).await.unwrap() {
        Redeemed::Welcome(opened) => Some(opened),
        Redeemed::Gone => None,
    }
}

/// A session of `origin`, by the whole way.
async fn child(room: &Room, opened: &Opened, origin: &str) -> Option<Opened> {
    let (text, flow) = ticket(room, opened, origin).await;
    show((&room.identity, &room.live), &text, origin, &flow).await
}

#[tokio::test]
async fn another_host_gets_a_session_of_its_own() {
    let room = Room::open().await;
    room.add("anna", "anna@example.com").await;
    let attempt = Attempt {
        login: "anna",
        password: PASSWORD,
        remember: Remembered::Yes,
        client: &client("192.0.2.1"),
        former: None,
    };
    let SignIn::Welcome(parent) = sign_in(&room.identity, &room.live, attempt).await.unwrap()
    else {
        panic!("not signed in");
    };
    room.clock.advance(SignedDuration::from_hours(30));
    let child = child(&room, &parent, APP).await.unwrap();
    assert_ne!(child.key, parent.key);
    assert_ne!(child.token.text(), parent.token.text());
    let (own, from) = (&child.record, &parent.record);
    assert_eq!(own.ends_at, from.ends_at, "not a moment longer");
    assert_eq!(own.auth_time, from.auth_time);
    assert_eq!((&own.amr, own.remembered), (&from.amr, from.remembered));
    assert_eq!((own.account, &own.user), (from.account, &from.user));
    assert_eq!(own.sign_in(&child.key), parent.key);
    assert!(own.counts_on("app.example.com"));
    for other in ["wiki.example.org", "auth.example.com", "example.com", ""] {
        assert!(!own.counts_on(other), "{other}");
        assert!(from.counts_on(other), "{other}");
    }
}

#[tokio::test]
async fn a_ticket_counts_once_for_one_host_and_one_browser() {
    let (room, parent) = signed_in().await;
    let at = (&*room.identity, &room.live);
    let (text, flow) = ticket(&room, &parent, APP).await;
    for none in [
        &*text.to_lowercase(),
        &"A".repeat(43),
        "",
        &flow.text(),
        &parent.token.text(),
    ] {
        assert!(show(at, none, APP, &flow).await.is_none(), "{none}");
    }
    assert!(
        show(at, &text, APP, &flow).await.is_some(),
        "none of these was it"
    );
    assert!(show(at, &text, APP, &flow).await.is_none(), "once");
    let stranger = begin(&room.identity);
    for (origin, browser) in [
        (WIKI, None),
        ("http://app.example.com", None),
        ("https://app.example.com:8443", None),
        ("https://app.example.com.", None),
        (APP, Some(&stranger)),
    ] {
        let (text, flow) = ticket(&room, &parent, APP).await;
        let other = browser.unwrap_or(&flow);
        assert!(show(at, &text, origin, other).await.is_none(), "{origin}");
        let afterwards = show(at, &text, APP, &flow).await;
        assert!(
            afterwards.is_none(),
            "whoever was sent with it has shown it"
        );
    }
}

#[tokio::test]
async fn one_session_has_so_many_tickets_at_once() {
    let (room, parent) = signed_in().await;
    let at = (&*room.identity, &room.live);
    let (old, flow) = ticket(&room, &parent, APP).await;
    for _ in 1..MOST {
        let _ = ticket(&room, &parent, APP).await;
    }
    let rows = || async {
        let rows = Entity::find().count(room.identity.database.reads()).await;
        rows.unwrap()
    };
    assert_eq!(rows().await, MOST);
    let (new, its) = ticket(&room, &parent, APP).await;
    assert_eq!(rows().await, 1);
    assert!(show(at, &old, APP, &flow).await.is_none());
    assert!(show(at, &new, APP, &its).await.is_some());
}

#[tokio::test]
async fn a_ticket_is_good_for_a_minute() {
    let (room, parent) = signed_in().await;
    let at = (&*room.identity, &room.live);
    let (early, flow) = ticket(&room, &parent, APP).await;
    let (late, other) = ticket(&room, &parent, APP).await;
    room.clock.advance(SignedDuration::from_secs(59));
    assert!(show(at, &early, APP, &flow).await.is_some());
    room.clock.advance(SignedDuration::from_secs(1));
    assert!(show(at, &late, APP, &other).await.is_none());
    prune(&room.identity).await.unwrap();
    let left = Entity::find()
        .one(room.identity.database.reads())
        .await
        .unwrap();
    assert!(left.is_none(), "what is over is forgotten");
}

#[tokio::test]
async fn nobody_gets_in_by_a_ticket_whose_sign_in_is_over() {
    let (room, parent) = signed_in().await;
    let at = (&*room.identity, &room.live);
    let (text, flow) = ticket(&room, &parent, APP).await;
    room.identity
        .sessions
        .end(&parent.key, Ended::Logout)
        .await
        .unwrap();
    assert!(show(at, &text, APP, &flow).await.is_none());

    let parent = room.sign_in("anna").await;
    let (text, flow) = ticket(&room, &parent, APP).await;
    let disabled = crate::change::disable(
        &room.identity,
        parent.record.account,
        crate::audit::By::Command,
    );
    let _done = disabled.await.unwrap();
    assert!(show(at, &text, APP, &flow).await.is_none());
    let _done = crate::change::enable(
        &room.identity,
        parent.record.account,
        crate::audit::By::Command,
    )
    .await
    .unwrap();
    assert!(show(at, &text, APP, &flow).await.is_none());

    let parent = room.sign_in("anna").await;
    assert!(child(&room, &parent, APP).await.is_some());
}

#[tokio::test]
async fn of_two_hundred_at_two_gateways_one_gets_in() {
    let (room, parent) = signed_in().await;
    let other = Arc::new(room.again(room.boot.hashing).await);
    let (text, flow) = ticket(&room, &parent, APP).await;
    let live = Arc::new(room.live.clone());
    let tries: Vec<_> = (0..200)
        .map(|number| {
            let identity = Arc::clone(if number % 2 == 0 {
                &room.identity
            } else {
                &other
            });
            let (live, text, flow) = (Arc::clone(&live), text.clone(), flow.clone());
            tokio::spawn(async move {
                let shown = Shown {
                    ticket: &text,
                    origin: APP,
                    host: host(APP),
                    flow: &flow,
                    client: &client("192.0.2.9"),
                };
                // Whoever waited too long for the turn to write was told so, and has nothing.
                let redeemed = redeem(&identity, &live, shown).await;
                matches!(redeemed, Ok(Redeemed::Welcome(_)))
            })
        })
        .collect();
    let mut welcome = 0;
    for one in tries {
        welcome += usize::from(one.await.unwrap());
    }
    assert_eq!(welcome, 1);
    assert_eq!(sessions(&room, &parent).await, 2);
}

async fn sessions(room: &Room, of: &Opened) -> usize {
    let idle = room.live.session.idle;
    let all = room.identity.sessions.list(of.record.account, idle).await;
    all.unwrap().len()
}

#[tokio::test]
async fn whichever_session_is_ended_all_of_the_sign_in_end() {
    let (room, other) = signed_in().await;
    for end in 0..3 {
        let parent = room.sign_in("anna").await;
        let app = child(&room, &parent, APP).await.unwrap();
        let wiki = child(&room, &parent, WIKI).await.unwrap();
        let family = [&parent, &app, &wiki];
        assert_eq!(sessions(&room, &other).await, 4);
        let ended = room
            .identity
            .sessions
            .end(&family[end].key, Ended::Logout)
            .await;
        assert!(ended.unwrap().is_some());
        for one in family {
            assert!(!room.is_live(one).await, "{end}");
        }
        assert!(room.is_live(&other).await, "another sign-in goes on");
        assert!(
            room.identity
                .sessions
                .end(&family[end].key, Ended::Logout)
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn who_is_idle_on_one_host_is_signed_in_on_the_others() {
    let (room, parent) = signed_in().await;
    let app = child(&room, &parent, APP).await.unwrap();
    let wiki = child(&room, &parent, WIKI).await.unwrap();
    let sessions = &room.identity.sessions;
    room.clock.advance(SignedDuration::from_mins(90));
    let now = room.identity.clock.now();
    sessions
        .touch(&app.key, now, app.record.ends_at)
        .await
        .unwrap();
    room.clock.advance(SignedDuration::from_mins(90));
    assert!(!room.is_live(&parent).await && !room.is_live(&wiki).await);
    assert!(room.is_live(&app).await);
    let again = room.sign_in("anna").await;
    let wiki = child(&room, &again, WIKI).await.unwrap();
    sessions.end(&again.key, Ended::Logout).await.unwrap();
    assert!(!room.is_live(&wiki).await);
    assert!(room.is_live(&app).await, "it is of another sign-in");
}

#[tokio::test]
async fn using_a_ticket_keeps_the_sign_in_alive() {
    let (room, parent) = signed_in().await;
    for _ in 0..3 {
        room.clock.advance(SignedDuration::from_mins(90));
        assert!(child(&room, &parent, APP).await.is_some());
    }
}

#[tokio::test]
async fn another_sign_in_in_the_same_browser_ends_the_former_everywhere() {
    let (room, parent) = signed_in().await;
    let app = child(&room, &parent, APP).await.unwrap();
    let attempt = Attempt {
        login: "anna",
        password: PASSWORD,
        remember: Remembered::No,
        client: &client("192.0.2.1"),
        former: Some(parent.key),
    };
    let signed_in = sign_in(&room.identity, &room.live, attempt).await.unwrap();
    assert!(matches!(signed_in, SignIn::Welcome(_)));
    assert!(!room.is_live(&parent).await && !room.is_live(&app).await);
}

/// What takes the place of a session goes on in its sign-in.
#[tokio::test]
async fn an_heir_ends_with_what_it_inherited() {
    let (room, parent) = signed_in().await;
    let app = child(&room, &parent, APP).await.unwrap();
    let amr = [Amr::Password];
    let family = parent.record.heir(&parent.key);
    let client = client("192.0.2.1");
    let terms = Terms::as_before(
        (&parent.record, &family),
        room.identity.clock.now(),
        &amr,
        &client,
    );
    let heir = opening::open_fresh_on(&room.identity, parent.record.account, terms)
        .await
        .unwrap();
    let (text, flow) = ticket(&room, &parent, WIKI).await;
    room.identity
        .sessions
        .revoke(&parent.key, Ended::Replaced)
        .await
        .unwrap();
    assert!(room.is_live(&app).await && heir.record.counts_on("auth.example.com"));
    let at = (&*room.identity, &room.live);
    let late = show(at, &text, WIKI, &flow).await;
    assert!(late.is_none(), "its tickets are nobody's");
    let wiki = child(&room, &heir, WIKI).await.unwrap();
    room.identity
        .sessions
        .end(&wiki.key, Ended::Logout)
        .await
        .unwrap();
    assert!(!room.is_live(&app).await && !room.is_live(&heir).await);
}

/// Signing out while other hosts' tickets are on their way.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_redeemed_while_the_sign_in_ends_leaves_nothing() {
    let (room, _) = signed_in().await;
    let other = Arc::new(room.again(room.boot.hashing).await);
    let live = Arc::new(room.live.clone());
    for round in 0..40 {
        let parent = room.sign_in("anna").await;
        let app = child(&room, &parent, APP).await.unwrap();
        let (text, flow) = ticket(&room, &parent, WIKI).await;
        let redeeming = tokio::spawn({
            let (other, live) = (Arc::clone(&other), Arc::clone(&live));
            async move { show((&other, &live), &text, WIKI, &flow).await }
        });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        let key = if round % 2 == 0 { parent.key } else { app.key };
        room.identity
            .sessions
            .end(&key, Ended::Logout)
            .await
            .unwrap();
        let late = redeeming.await.unwrap();
        for one in [Some(&parent), Some(&app), late.as_ref()]
            .into_iter()
            .flatten()
        {
            assert!(!room.is_live(one).await, "round {round}");
        }
    }
}
