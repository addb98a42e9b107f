//! Pages that only say something and show the way on.
//!
//! Owns their words. Must not know how it came to this.

use askama::Template;
use doorward_config::Live;
use http::HeaderMap;

use crate::failure::Failure;
use crate::form::Unread;
use crate::frame::Frame;
use crate::onward::{Link, Onward};

/// A page with a sentence and a way on.
#[derive(Template)]
#[template(path = "notice.html")]
pub(crate) struct Notice {
    frame: Frame,
    text: &'static str,
    onward: Link,
    request_id: String,
}

impl Notice {
    /// What a person reads when a portal page fails.
    pub(crate) fn of(failure: Failure, live: &Live, request_id: String) -> Self {
        let (heading, text) = said(failure);
        let onward = match failure {
            Failure::NotFound
            | Failure::WrongMethod
            | Failure::NotNavigated
            | Failure::NoWayBack => Onward::Home,
            Failure::Foreign | Failure::NotHere | Failure::Closed | Failure::Uninvited => {
                Onward::SignIn
            }
            Failure::Unread(_) | Failure::Away | Failure::Broken => Onward::Again,
        };
        let onward = onward.link(&live.portal.path);
        Self {
            frame: Frame::new(live, heading),
            text,
            onward,
            request_id,
        }
    }
}

fn said(failure: Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::NotFound => (
            "There’s no page here",
            "The address may be mistyped, or the link no longer works.",
        ),
        Failure::WrongMethod => (
            "That can’t be done here",
            "This page opens, but it can’t be used in that way.",
        ),
        Failure::Unread(Unread::TooLarge) => (
            "That’s too much",
            "What you sent is longer than any form here needs.",
        ),
        Failure::Unread(Unread::WrongType | Unread::TooSlow | Unread::Malformed) => (
            "That didn’t arrive in one piece",
            "Open the page again and fill in the form once more.",
        ),
        Failure::Foreign => (
            "That came from another site",
            "To keep you safe it wasn’t accepted. Do it again from the page itself.",
        ),
        Failure::NotHere => (
            "You sign in elsewhere",
            "This site has its sign-in page on another address. Go there, and you’ll be brought back.",
        ),
        Failure::NoWayBack => (
            "You can’t sign in at this address",
            "Whoever runs this site has to finish setting it up: people could not be brought back here.",
        ),
        Failure::NotNavigated => (
            "Open this page yourself",
            "Your account is only shown when you go to its page.",
        ),
        Failure::Closed => (
            "Accounts are by invitation",
            "You can’t create one yourself here. Ask whoever runs this site.",
        ),
        Failure::Uninvited => (
            "This invitation doesn’t work",
            "It works once and for a week. Ask whoever sent it for another, or sign in if you have an account.",
        ),
        Failure::Away => (
            "Back in a moment",
            "Something we need isn’t answering. Wait a few seconds, then try again.",
        ),
        Failure::Broken => (
            "Something went wrong",
            "That was our mistake. If it happens again, tell whoever runs this site.",
        ),
    }
}

/// The id to read out to the operator, as the gateway gave it; empty if it did not.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    headers
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .map_or_else(String::new, |id| id.chars().take(64).collect())
}
