mod server;
mod words;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use doorward_config::{Smtp, SmtpSecurity};
use jiff::SignedDuration;
use sea_orm::EntityTrait;

use super::*;
use crate::Identity;
use crate::database::entity::outbox as rows;
use crate::testing::{Received, Room, client};
use server::{Answer, Server};

/// Puts a note into the outbox.
async fn note_to(room: &Room, to: &str) {
    put(
        room,
        Recipient::Address(to.to_owned()),
        Content::PasswordChanged,
    )
    .await;
}

async fn put(room: &Room, to: Recipient, content: Content) {
    let letter = Letter {
        to,
        content,
        asked: Some(Asked::from(&client("192.0.2.1"))),
    };
    let transaction = room.identity.database.write().await.unwrap();
    push(&room.identity, &transaction, &letter).await.unwrap();
    transaction.commit().await.unwrap();
}

fn code(room: &Room, life: SignedDuration) -> Content {
    use crate::Clock;
    Content::Verify(Key {
        code: "12345678".to_owned(),
        link: "x".repeat(43),
        until: (room.clock.now() + life).as_millisecond(),
    })
}

async fn deliver_to(server: &Server) -> Room {
    let mut room = Room::open().await;
    room.live.mail.smtp = Some(plain(server.port));
    room
}

fn plain(port: u16) -> Smtp {
    Smtp {
        host: "127.0.0.1".to_owned(),
        port,
        security: SmtpSecurity::Plain,
        login: None,
    }
}

async fn pass_once(room: &Room) -> usize {
    pass(&room.identity, &room.live).await.unwrap()
}

async fn waiting(room: &Room) -> usize {
    let all = rows::Entity::find().all(room.identity.database.reads());
    all.await.unwrap().len()
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn without_a_server_messages_are_private_files() {
    let room = Room::open().await;
    note_to(&room, "anna@example.com").await;
    assert_eq!(waiting(&room).await, 1);
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(waiting(&room).await, 0);
    let folder = room.boot.data_dir.join("outbox");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("20260101T000000-password_changed-"),
        "{name}"
    );
    assert_eq!(files[0].extension().unwrap(), "eml");
    assert_eq!(pass_once(&room).await, 0, "once");
}

#[tokio::test]
async fn the_outbox_tells_a_thief_nothing() {
    let room = Room::open().await;
    put(
        &room,
        Recipient::Address("anna@example.com".to_owned()),
        code(&room, seconds(600)),
    )
    .await;
    let rows = rows::Entity::find()
        .all(room.identity.database.reads())
        .await
        .unwrap();
    let sealed = String::from_utf8_lossy(&rows[0].sealed);
    assert!(!sealed.contains("12345678") && !sealed.contains("anna"));
}

#[tokio::test]
async fn a_server_gets_everything_in_one_conversation() {
    let server = Server::start(vec![]).await;
    let room = deliver_to(&server).await;
    for to in ["anna@example.com", "bob@example.com"] {
        note_to(&room, to).await;
    }
    assert_eq!(pass_once(&room).await, 2);
    let mut taken = server.taken();
    taken.sort_by(|one, other| one.to.cmp(&other.to));
    assert_eq!(taken.len(), 2);
    assert_eq!(server.conversations(), 1);
    assert_eq!(taken[0].from, "no-reply@example.com");
    assert_eq!(taken[0].to, ["anna@example.com"]);
    assert_eq!(taken[1].to, ["bob@example.com"]);
    assert_eq!(waiting(&room).await, 0);
    assert_eq!(
        room.notes
            .count("MailSent { kind: PasswordChanged, outcome: Sent }"),
        2
    );
    assert!(room.notes.count("MailQueue { length: 2 }") > 0);
    assert!(room.notes.count("MailQueue { length: 0 }") > 0);
}

#[tokio::test]
async fn what_a_server_refuses_for_now_comes_again() {
    let server = Server::start(vec![
        Answer::Refuse("RCPT", "451 4.7.1 try later"),
        Answer::Refuse("DATA", "421 4.3.0 shutting down"),
        Answer::Refuse("greeting", "421 busy"),
    ])
    .await;
    let room = deliver_to(&server).await;
    note_to(&room, "anna@example.com").await;
    for (wait, tries) in [(3, 1), (5, 2), (10, 3)] {
        assert_eq!(pass_once(&room).await, 1);
        assert_eq!(room.notes.count("outcome: Retry"), tries);
        assert_eq!(pass_once(&room).await, 0, "not at once");
        room.clock.advance(seconds(wait));
    }
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(server.taken().len(), 1);
    assert_eq!(waiting(&room).await, 0);
}

#[tokio::test]
async fn a_server_that_is_away_loses_nothing() {
    let away = Server::start(vec![]).await;
    let port = away.stop().await;
    let mut room = Room::open().await;
    room.live.mail.smtp = Some(plain(port));
    note_to(&room, "anna@example.com").await;
    for _ in 0..12 {
        assert_eq!(pass_once(&room).await, 1);
        room.clock.advance(seconds(20 * 60));
    }
    assert_eq!(waiting(&room).await, 1);
    let back = Server::start(vec![]).await;
    room.live.mail.smtp = Some(plain(back.port));
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(back.taken().len(), 1);
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_given_up() {
    let server = Server::start(vec![Answer::Refuse("RCPT", "550 5.1.1 no such person")]).await;
    let room = deliver_to(&server).await;
    note_to(&room, "gone@example.com").await;
    note_to(&room, "anna@example.com").await;
    assert_eq!(pass_once(&room).await, 2);
    assert_eq!(room.notes.count("outcome: Refused"), 1);
    assert_eq!(server.taken().len(), 1, "the other one is delivered");
    assert_eq!(waiting(&room).await, 0);
}

#[tokio::test]
async fn a_drop_before_the_answer_costs_one_copy_at_most() {
    let server = Server::start(vec![Answer::DropAfterTaking]).await;
    let room = deliver_to(&server).await;
    note_to(&room, "anna@example.com").await;
    assert_eq!(pass_once(&room).await, 1);
    room.clock.advance(seconds(40));
    assert_eq!(
        pass_once(&room).await,
        0,
        "a copy is less welcome than a wait"
    );
    room.clock.advance(seconds(40));
    assert_eq!(pass_once(&room).await, 1);
    let taken = server.taken();
    assert_eq!(taken.len(), 2);
    let id = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("Message-ID:"));
        line.unwrap().to_owned()
    };
    assert_eq!(
        id(&taken[0].text),
        id(&taken[1].text),
        "a reader can tell it is a copy"
    );
    assert_eq!(waiting(&room).await, 0);
}

#[tokio::test]
async fn a_code_that_is_over_is_not_delivered() {
    let server = Server::start(vec![Answer::Refuse("MAIL", "450 later")]).await;
    let room = deliver_to(&server).await;
    put(
        &room,
        Recipient::Address("anna@example.com".to_owned()),
        code(&room, seconds(600)),
    )
    .await;
    assert_eq!(pass_once(&room).await, 1);
    room.clock.advance(seconds(600));
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(
        room.notes
            .count("MailSent { kind: Verify, outcome: Expired }"),
        1
    );
    assert!(server.taken().is_empty());
    assert_eq!(waiting(&room).await, 0);

    put(
        &room,
        Recipient::Address("anna@example.com".to_owned()),
        code(&room, seconds(600)),
    )
    .await;
    room.clock.advance(seconds(599));
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(server.taken().len(), 1, "until then it is");
}

#[tokio::test]
async fn what_is_never_taken_is_given_up_after_three_days() {
    let away = Server::start(vec![]).await;
    let port = away.stop().await;
    let mut room = Room::open().await;
    room.live.mail.smtp = Some(plain(port));
    note_to(&room, "anna@example.com").await;
    assert_eq!(pass_once(&room).await, 1);
    room.clock.advance(SignedDuration::from_hours(72));
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(waiting(&room).await, 0);
    assert_eq!(room.notes.count("outcome: Expired"), 1);
}

#[tokio::test]
async fn starttls_that_is_not_offered_sends_nothing_in_the_clear() {
    let server = Server::start(vec![]).await;
    let mut room = deliver_to(&server).await;
    room.live.mail.smtp = Some(Smtp {
        security: SmtpSecurity::StartTls,
        ..plain(server.port)
    });
    note_to(&room, "anna@example.com").await;
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(room.notes.count("outcome: Retry"), 1);
    assert!(server.taken().is_empty());
    assert!(!server.heard().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn implicit_tls_speaks_to_nothing_else() {
    let server = Server::start(vec![]).await;
    let mut room = deliver_to(&server).await;
    room.live.mail.smtp = Some(Smtp {
        security: SmtpSecurity::Tls,
        ..plain(server.port)
    });
    note_to(&room, "anna@example.com").await;
    assert_eq!(pass_once(&room).await, 1);
    assert!(server.taken().is_empty());
    assert_eq!(waiting(&room).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_deliver_everything_once() {
    let server = Server::start(vec![]).await;
    let room = deliver_to(&server).await;
    for number in 0..40 {
        note_to(&room, &format!("p{number}@example.com")).await;
    }
    let mut all = Vec::new();
    for _ in 0..4 {
        let other: Arc<Identity> = Arc::new(room.again(room.boot.hashing).await);
        let live = room.live.clone();
        all.push(tokio::spawn(async move {
            while pass(&other, &live).await.unwrap() > 0 {}
        }));
    }
    for one in all {
        one.await.unwrap();
    }
    let mut readers: Vec<_> = server
        .taken()
        .into_iter()
        .map(|mail| mail.to[0].clone())
        .collect();
    readers.sort();
    readers.dedup();
    assert_eq!(readers.len(), 40);
    assert_eq!(server.taken().len(), 40);
    assert_eq!(waiting(&room).await, 0);
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_is_taken_up() {
    let room = Room::open().await;
    note_to(&room, "anna@example.com").await;
    let dead = room.again(room.boot.hashing).await;
    assert_eq!(outbox::take(&dead).await.unwrap().len(), 1);
    assert_eq!(pass_once(&room).await, 0, "it may still be alive");
    room.clock.advance(seconds(61));
    assert_eq!(pass_once(&room).await, 1);
    assert_eq!(waiting(&room).await, 0);
}

#[tokio::test]
async fn whoever_says_so_keeps_what_is_in_hand() {
    let room = Room::open().await;
    note_to(&room, "anna@example.com").await;
    let slow = room.again(room.boot.hashing).await;
    let in_hand = outbox::take(&slow).await.unwrap();
    for _ in 0..5 {
        room.clock.advance(seconds(40));
        outbox::keep(&slow, &in_hand).await.unwrap();
        assert_eq!(pass_once(&room).await, 0);
    }
    // Who lost it has no say any more.
    room.clock.advance(seconds(61));
    assert_eq!(pass_once(&room).await, 1);
    outbox::done(&slow, &in_hand[0]).await.unwrap();
    assert_eq!(room.notes.count("outcome: Sent"), 1);
}

#[tokio::test]
async fn the_endless_sender_delivers_what_comes() {
    let server = Server::start(vec![]).await;
    let room = deliver_to(&server).await;
    let live = Arc::new(room.live.clone());
    let sender = tokio::spawn(deliver(
        Arc::clone(&room.identity),
        Arc::new(move || Arc::clone(&live)),
    ));
    note_to(&room, "anna@example.com").await;
    tokio::time::timeout(Duration::from_secs(20), server.wait_for(1))
        .await
        .unwrap();
    note_to(&room, "bob@example.com").await;
    tokio::time::timeout(Duration::from_secs(20), server.wait_for(2))
        .await
        .unwrap();
    sender.abort();
}

#[tokio::test]
async fn a_trial_says_what_went_wrong() {
    let server = Server::start(vec![Answer::Refuse("RCPT", "550 5.7.1 not you")]).await;
    let room = deliver_to(&server).await;
    let try_it = || test(&room.identity, &room.live, "me@example.com");
    let Tested::Failed(why) = try_it().await.unwrap() else {
        panic!("refused");
    };
    assert!(why.contains("5.7.1"), "{why}");
    assert_eq!(try_it().await.unwrap(), Tested::Sent);
    assert_eq!(server.taken().len(), 1);
    let tested = test(&room.identity, &room.live, "me").await.unwrap();
    assert!(matches!(tested, Tested::Invalid(_)));

    let room = Room::open().await;
    let Tested::Written(file) = test(&room.identity, &room.live, "me@example.com")
        .await
        .unwrap()
    else {
        panic!("there is no server");
    };
    let mail = Received::read(&std::fs::read_to_string(file).unwrap());
    assert_eq!(mail.subject, "Mail from Doorward works");
}
