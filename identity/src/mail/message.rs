//! The words of each kind of message, and the message as it goes out (RFC 5322, RFC 2046).
//!
//! A link's origin is `portal.url` and nothing else: what a request said about its host never gets here.

use askama::Template;
use doorward_config::{Live, Sender};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use uuid::Uuid;

use super::{Asked, Content, Key, Turned};
use crate::Fault;

const IGNORE: &str = "If this wasn't you, you can ignore this.";

/// A letter that found its reader.
pub(super) struct Outgoing<'a> {
    pub(super) id: Uuid,
    pub(super) to: &'a str,
    pub(super) content: &'a Content,
    pub(super) asked: Option<&'a Asked>,
    pub(super) created_at: Timestamp,
}

/// What stands in a message.
#[derive(Default)]
struct Words {
    subject: String,
    heading: String,
    sentence: String,
    code: Option<String>,
    link: Option<Link>,
    until: Option<String>,
    asked: Option<String>,
    closing: &'static str,
    site: String,
}

struct Link {
    label: &'static str,
    url: String,
}

#[derive(Template)]
#[template(path = "mail/plain.txt", escape = "none")]
struct Plain<'a> {
    words: &'a Words,
}

#[derive(Template)]
#[template(path = "mail/page.html")]
struct Page<'a> {
    words: &'a Words,
}

/// Puts a message together.
///
/// # Errors
/// [`Fault::Broken`] when something cannot stand in a message, an address for instance.
pub(super) fn compose(outgoing: &Outgoing<'_>, live: &Live) -> Result<Message, Fault> {
    let broken = |error: &dyn std::fmt::Display| {
        Fault::broken(format!("a message cannot be put together: {error}"))
    };
    let words = words(outgoing, live);
    let plain = Plain { words: &words }
        .render()
        .map_err(|error| broken(&error))?;
    let page = Page { words: &words }
        .render()
        .map_err(|error| broken(&error))?;
    let from = &live.mail.from;
    let to: Address = outgoing.to.parse().map_err(|error| broken(&error))?;
    let domain = from.address.rsplit('@').next().unwrap_or("localhost");
    // The same however often it is tried, so that a copy can be told from another message (RFC 5322 §3.6.4).
    let message_id = format!("<{}@{domain}>", outgoing.id.simple());
    Message::builder()
        .from(mailbox(from)?)
        .to(Mailbox::new(None, to))
        .subject(&words.subject)
        .date(outgoing.created_at.into())
        .message_id(Some(message_id))
        .raw_header(raw("Auto-Submitted", "auto-generated")?)
        .multipart(MultiPart::alternative_plain_html(plain, page))
        .map_err(|error| broken(&error))
}

fn mailbox(from: &Sender) -> Result<Mailbox, Fault> {
    let address = from
        .address
        .parse()
        .map_err(|error| Fault::broken_by("the sender of mail has no address", error))?;
    Ok(Mailbox::new(from.name.clone(), address))
}

/// `Auto-Submitted` keeps answering machines from answering (RFC 3834 §5).
fn raw(name: &'static str, value: &str) -> Result<HeaderValue, Fault> {
    let name = HeaderName::new_from_ascii(name.to_owned())
        .map_err(|error| Fault::broken_by("this is no header", error))?;
    Ok(HeaderValue::new(name, value.to_owned()))
}

fn words(outgoing: &Outgoing<'_>, live: &Live) -> Words {
    let said = match outgoing.content {
        Content::Verify(key) => Words {
            heading: format!("Your code for {}", live.portal.title),
            sentence: "Enter this code where you created your account:".to_owned(),
            ..with_key(key, ("Confirm your address", "/verify"), live)
        },
        Content::Recover(key) => Words {
            heading: "Choose a new password".to_owned(),
            sentence: "Enter this code where you asked for it:".to_owned(),
            ..with_key(key, ("Choose a new password", "/recover/code"), live)
        },
        Content::ProveEmail(key) => Words {
            heading: "Confirm your new address".to_owned(),
            sentence:
                "Enter this code on your account page. The address of your account changes then."
                    .to_owned(),
            ..with_key(key, ("Confirm your address", "/account/email"), live)
        },
        Content::AddressTaken => address_taken(live),
        Content::PasswordChanged => password_changed(live),
        Content::EmailChanged { new } => email_changed(new, live),
        Content::TwoFactor(turned) => two_factor(*turned, live),
        Content::RecoveryCodeUsed { left } => recovery_code_used(*left, live),
        Content::AccountDeleted => account_deleted(live),
        Content::Invite { token, until } => invite(token, *until, live),
        Content::ApiKeyMade { name } => api_key_made(name, live),
        Content::Test => Words {
            subject: format!("Mail from {} works", live.portal.title),
            heading: "Mail works".to_owned(),
            sentence: "Somebody who runs this site asked for this message.".to_owned(),
            closing: "There is nothing to do.",
            ..Words::default()
        },
    };
    let at = moment(outgoing.created_at.as_millisecond());
    Words {
        asked: outgoing
            .asked
            .map(|asked| format!("From {}, on {at}.", asked.place())),
        site: live.portal.title.clone(),
        ..said
    }
}

fn address_taken(live: &Live) -> Words {
    Words {
        subject: format!("You already have an account at {}", live.portal.title),
        heading: "You already have an account".to_owned(),
        sentence: "Somebody tried to use your address for another account. If that was you, sign in with the \
                   account you have, or choose a new password if you forgot yours."
            .to_owned(),
        link: link(live, "Choose a new password", "/recover"),
        closing: IGNORE,
        ..Words::default()
    }
}

fn password_changed(live: &Live) -> Words {
    Words {
        subject: format!("Your {} password was changed", live.portal.title),
        heading: "Your password was changed".to_owned(),
        sentence: "You were signed out everywhere else.".to_owned(),
        link: link(live, "This wasn't me", "/recover"),
        closing: "If this wasn't you, choose a new password at once.",
        ..Words::default()
    }
}

fn email_changed(new: &str, live: &Live) -> Words {
    Words {
        subject: format!("Your {} address was changed", live.portal.title),
        heading: "Your address was changed".to_owned(),
        sentence: format!("Your account now has the address {}.", masked(new)),
        closing: "If this wasn't you, tell whoever runs this site at once.",
        ..Words::default()
    }
}

fn two_factor(turned: Turned, live: &Live) -> Words {
    let title = &live.portal.title;
    let (heading, sentence) = match turned {
        Turned::On => (
            "Two-step sign-in was turned on",
            "Signing in takes your password and a code from your app from now on.",
        ),
        Turned::Off => (
            "Two-step sign-in was turned off",
            "Your password alone is enough to sign in from now on. You were signed out everywhere else.",
        ),
    };
    Words {
        subject: format!("{heading} at {title}"),
        heading: heading.to_owned(),
        sentence: sentence.to_owned(),
        link: link(live, "This wasn't me", "/recover"),
        closing: "If this wasn't you, choose a new password at once and tell whoever runs this site.",
        ..Words::default()
    }
}

fn recovery_code_used(left: u64, live: &Live) -> Words {
    let left = match left {
        0 => "None is left: make new ones on your account page.".to_owned(),
        1 => "One is left.".to_owned(),
        left => format!("{left} are left."),
    };
    Words {
        subject: format!("A recovery code was used at {}", live.portal.title),
        heading: "A recovery code was used".to_owned(),
        sentence: format!(
            "Somebody signed in with your password and one of your recovery codes. {left}"
        ),
        link: link(live, "This wasn't me", "/recover"),
        closing: "If this wasn't you, choose a new password at once and tell whoever runs this site.",
        ..Words::default()
    }
}

fn account_deleted(live: &Live) -> Words {
    Words {
        subject: format!("Your {} account was deleted", live.portal.title),
        heading: "Your account was deleted".to_owned(),
        sentence: "You were signed out everywhere, and nobody can sign in to it any more."
            .to_owned(),
        closing: "If this wasn't you, tell whoever runs this site.",
        ..Words::default()
    }
}

fn invite(token: &str, until: i64, live: &Live) -> Words {
    Words {
        subject: format!("You are invited to {}", live.portal.title),
        heading: format!("You are invited to {}", live.portal.title),
        sentence: "Create your account with this address.".to_owned(),
        link: link(live, "Create account", &format!("/register?invite={token}")),
        until: Some(format!("This works once, until {}.", moment(until))),
        closing: "If you don't know why, you can ignore this.",
        ..Words::default()
    }
}

fn api_key_made(name: &str, live: &Live) -> Words {
    Words {
        subject: format!("A new API key at {}", live.portal.title),
        heading: "You have a new API key".to_owned(),
        sentence: format!(
            "It is called \u{201c}{name}\u{201d}. Whoever has it can use this site in your name, without your password."
        ),
        link: link(live, "Your account", "/account"),
        closing: "If this wasn't you, revoke it on your account page and choose a new password at once.",
        ..Words::default()
    }
}

/// The code comes first, so that a notification shows it.
fn with_key(key: &Key, (label, path): (&'static str, &str), live: &Live) -> Words {
    Words {
        subject: format!("{} is your {} code", key.code, live.portal.title),
        code: Some(key.code.clone()),
        link: link(live, label, &format!("{path}?t={}", key.link)),
        until: Some(format!("It works once, until {}.", moment(key.until))),
        closing: IGNORE,
        ..Words::default()
    }
}

fn link(live: &Live, label: &'static str, rest: &str) -> Option<Link> {
    let origin = live.portal.url.as_ref()?.as_str();
    let origin = origin.strip_suffix('/').unwrap_or(origin);
    Some(Link {
        label,
        url: format!("{origin}{}{rest}", live.portal.path),
    })
}

/// `1 January 2026, 14:05 UTC`. Nobody knows the reader's time zone.
fn moment(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds)
        .unwrap_or(Timestamp::MAX)
        .to_zoned(TimeZone::UTC)
        .strftime("%-d %B %Y, %H:%M UTC")
        .to_string()
}

/// `a***@example.com`: enough to recognise it, for somebody who knows it.
fn masked(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}
