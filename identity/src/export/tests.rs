use std::io;

use super::*;
use crate::audit::By;
use crate::change::{self, Addition};
use crate::import::{BadRow, Format as From, Imported, Manner, import};
use crate::role::Role;
use crate::testing::{PASSWORD, Room};

async fn exported(room: &Room, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    match export(&room.identity, format, &mut out).await.unwrap() {
        Exported::Done(count) => {
            let there = room.identity.accounts.list().await.unwrap().len();
            assert_eq!(usize::try_from(count), Ok(there));
        }
        other => panic!("{other:?}"),
    }
    out
}

async fn imported(room: &Room, format: From, text: &[u8]) {
    let manner = Manner {
        format,
        bad_row: BadRow::Stops,
        domain: None,
    };
    let outcome = import(&room.identity, &room.live, text, manner, &mut |news| {
        assert!(matches!(news, crate::import::News::Progress(_)), "{news:?}");
    })
    .await
    .unwrap();
    assert!(matches!(outcome, Imported::Done(_)), "{outcome:?}");
}

/// All that makes an account, but its id and when it was made.
async fn accounts(room: &Room) -> Vec<Row> {
    let accounts = room.identity.accounts.list().await.unwrap();
    accounts.iter().map(row).collect()
}

/// Everybody there can be: admins, people without a role, a password or a name, disabled ones, unverified ones.
async fn with_all_kinds() -> Room {
    let room = Room::open().await;
    let hashes = include_bytes!("../import/fixtures/hashes.csv");
    imported(&room, From::Csv, hashes).await;
    let text = "email,roles,disabled,email_verified\nnobody@example.com,,,\ngone@example.com,user,true,\nnew@example.com,user,,false\n";
    imported(&room, From::Csv, text.as_bytes()).await;
    let admin = Role::admin();
    let addition = Addition {
        username: "Ōe-san",
        email: "o'brien+tag@xn--exmple-cua.com",
        password: Some(PASSWORD),
        roles: &[admin, Role::parse("user").unwrap()],
    };
    let added = change::add(&room.identity, &room.live, addition, By::Command)
        .await
        .unwrap();
    assert!(matches!(added, change::Added::Done(_)), "{added:?}");
    room
}

#[tokio::test]
async fn what_was_exported_makes_equal_accounts() {
    let room = with_all_kinds().await;
    let before = accounts(&room).await;
    assert_eq!(before.len(), 26);
    for (format, from) in [
        (Format::JsonLines, From::JsonLines),
        (Format::Csv, From::Csv),
    ] {
        let text = exported(&room, format).await;
        let other = Room::open().await;
        imported(&other, from, &text).await;
        assert_eq!(accounts(&other).await, before, "{format:?}");
        assert_eq!(exported(&other, format).await, text, "the order stays");
        assert!(
            other
                .try_sign_in("bcrypt-2b", "bcrypt-2b likes trams")
                .await
                .is_some()
        );
        assert!(
            other
                .try_sign_in("gone@example.com", PASSWORD)
                .await
                .is_none()
        );
    }
}

#[tokio::test]
async fn more_than_a_page_each_once_and_the_oldest_first() {
    let room = Room::open().await;
    let emails: Vec<_> = (0..1203)
        .map(|number| format!("p{number:04}@example.com"))
        .collect();
    imported(
        &room,
        From::Csv,
        format!("email\n{}\n", emails.join("\n")).as_bytes(),
    )
    .await;
    let text = exported(&room, Format::Csv).await;
    let text = String::from_utf8(text).unwrap();
    assert_eq!(
        text.lines().next(),
        Some("username,email,password_hash,first_name,last_name,date_of_birth,roles,mfa_enabled")
    );
    let seen: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(seen, emails);
}

#[tokio::test]
async fn columns_for_what_is_seldom_are_there_when_they_are_needed() {
    let room = with_all_kinds().await;
    let text = String::from_utf8(exported(&room, Format::Csv).await).unwrap();
    assert!(
        text.lines()
            .next()
            .is_some_and(|line| line.ends_with(",mfa_enabled,disabled,email_verified")),
        "{text}"
    );
    let json = String::from_utf8(exported(&room, Format::JsonLines).await).unwrap();
    assert_eq!(json.matches("\"disabled\":true").count(), 1);
    assert_eq!(json.matches("\"email_verified\":false").count(), 1);
    // Without the columns there is no way to say it, and silence would let people in.
    let mut table = Table::begin(Vec::new(), false).unwrap();
    let disabled = Row {
        disabled: true,
        ..Row::default()
    };
    assert!(matches!(table.write(&disabled), Ok(Wrote::NoColumn)));
    assert!(matches!(table.write(&Row::default()), Ok(Wrote::Row)));
}

/// A pipe that was closed.
struct Closed;

impl io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it() {
    let room = with_all_kinds().await;
    for format in [Format::JsonLines, Format::Csv] {
        let outcome = export(&room.identity, format, &mut Closed).await.unwrap();
        let Exported::Stopped(error) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
