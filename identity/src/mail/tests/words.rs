//! What stands in the messages, and what can never get into them.

use doorward_config::{Live, Url};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::mail::message::{Outgoing, compose};
use crate::{Clock, EmailAddress, ManualClock};

fn live(url: Option<&str>) -> Live {
    let mut live = Live::default();
    live.portal.title = "Example & Co".to_owned();
    live.portal.url = url.map(|url| Url::parse(url).unwrap());
    live
}

fn key() -> Key {
    Key {
        code: "12345678".to_owned(),
        link: "t".repeat(43),
        until: ManualClock::default().now().as_millisecond() + 600_000,
    }
}

fn composed(to: &str, content: &Content, live: &Live) -> String {
    let asked = Asked::from(&client("192.0.2.1"));
    let outgoing = Outgoing {
        id: Uuid::from_u128(7),
        to,
        content,
        asked: Some(&asked),
        created_at: ManualClock::default().now(),
    };
    let message = compose(&outgoing, live).unwrap();
    String::from_utf8(message.formatted()).unwrap()
}

#[test]
fn a_message_with_a_code() {
    let live = live(Some("https://auth.example.com/"));
    let raw = composed("anna@example.com", &Content::Verify(key()), &live);
    let (head, _) = raw.split_once("\r\n\r\n").unwrap();
    for line in [
        "From: Doorward <no-reply@example.com>",
        "To: anna@example.com",
        "Subject: 12345678 is your Example & Co code",
        "Date: Thu, 01 Jan 2026 00:00:00 +0000",
        "Message-ID: <00000000000000000000000000000007@example.com>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|one| one == line), "{line}\n{head}");
    }
    let mail = Received::read(&raw);
    for text in [
        "text/plain",
        "text/html",
        "12345678",
        "https://auth.example.com/_auth/verify?t=ttttttttt",
        "1 January 2026, 00:10 UTC",
        "From an unknown device, 192.0.2.1, on 1 January 2026, 00:00 UTC.",
        "If this wasn't you, you can ignore this.",
        "Example &#38; Co",
    ] {
        assert!(mail.text.contains(text), "{text}\n{}", mail.text);
    }
    assert!(!mail.text.contains("<img"));
}

#[test]
fn links_are_there_only_where_the_portal_has_an_address() {
    let all = || {
        [
            Content::Verify(key()),
            Content::Recover(key()),
            Content::ProveEmail(key()),
            Content::AddressTaken,
            Content::PasswordChanged,
            Content::TwoFactor(Turned::On),
            Content::RecoveryCodeUsed { left: 9 },
            Content::Invite {
                token: "i".repeat(43),
                until: 0,
            },
        ]
    };
    for content in all() {
        let with = composed(
            "a@b.example",
            &content,
            &live(Some("https://auth.example.com")),
        );
        assert!(with.contains("https://auth.example.com/_auth/"), "{with}");
        let without = composed("a@b.example", &content, &live(None));
        assert!(!without.contains("://"), "{without}");
    }
}

#[test]
fn every_kind_has_words_of_its_own() {
    let mut subjects = std::collections::HashSet::new();
    for content in [
        Content::AddressTaken,
        Content::PasswordChanged,
        Content::TwoFactor(Turned::On),
        Content::TwoFactor(Turned::Off),
        Content::RecoveryCodeUsed { left: 1 },
        Content::AccountDeleted,
        Content::EmailChanged {
            new: "new@example.org".to_owned(),
        },
        Content::Invite {
            token: "i".repeat(43),
            until: 0,
        },
        Content::Test,
        Content::Verify(key()),
    ] {
        let mail = Received::read(&composed("a@b.example", &content, &live(None)));
        assert!(subjects.insert(mail.subject.clone()), "{}", mail.subject);
        assert!(!mail.text.contains("new@example.org"), "masked");
    }
}

#[test]
fn markup_stays_text() {
    let content = Content::EmailChanged {
        new: "<script>@example.org".to_owned(),
    };
    let mut live = live(None);
    live.portal.title = "<b>x</b>".to_owned();
    let mail = Received::read(&composed("a@b.example", &content, &live));
    let (_, html) = mail.text.split_once("<!doctype").unwrap();
    assert!(!html.contains("<b>") && !html.contains("<script"), "{html}");
    assert!(html.contains("&#60;b&#62;"), "{html}");
}

proptest! {
    /// Whatever is an address here can be written to, and is one line and one reader.
    #[test]
    fn every_address_can_be_written_to(text in "[^@]{0,20}@[a-zß-öÄ.-]{1,20}") {
        if let Ok(address) = EmailAddress::parse(&text) {
            let content = Content::EmailChanged { new: address.as_str().to_owned() };
            let raw = composed(address.as_str(), &content, &live(None));
            let (head, _) = raw.split_once("\r\n\r\n").unwrap();
            let to = head.lines().filter(|line| line.starts_with("To:")).count();
            prop_assert_eq!(to, 1);
            let bcc = head.to_lowercase().contains("\r\nbcc:") || head.to_lowercase().contains("\r\ncc:");
            prop_assert!(!bcc);
        }
    }
}

#[test]
fn addresses_with_lines_in_them_are_none() {
    for text in [
        "a\r\nBcc: x@y.example@b.example",
        "a@b.example\r\nBcc: x@y.example",
        "\"a\\r\\n\"@b.example",
        "a@b.example, x@y.example",
        "a@b.example>\r\nRCPT TO:<x@y.example",
        "<b>@b.example",
    ] {
        assert!(EmailAddress::parse(text).is_err(), "{text:?}");
    }
}
