//! What the dead-end pages say, and the way on from each.

use super::Kind;
use crate::onward::Onward;

/// The words of one page.
pub(super) struct Words {
    pub(super) heading: &'static str,
    pub(super) text: &'static str,
    /// Follows "You're signed in as …" in place of `text`; absent where the page does not name the person.
    pub(super) aside: Option<&'static str>,
    pub(super) onward: &'static [Onward],
}

/// For somebody who is signed in. Differs only where it matters who they are.
pub(super) fn to_person(kind: Kind) -> Words {
    match kind {
        Kind::Forbidden => Words {
            aside: Some("but this page isn’t open to you."),
            onward: &[Onward::Home, Onward::SomeoneElse],
            ..to_stranger(kind)
        },
        _ => to_stranger(kind),
    }
}

/// For somebody who is not, or where it does not matter.
pub(super) fn to_stranger(kind: Kind) -> Words {
    let (heading, text) = said(kind);
    let onward: &[Onward] = match kind {
        Kind::BadRequest | Kind::NotFound | Kind::MethodNotAllowed => &[Onward::Home],
        Kind::Forbidden => &[Onward::Home, Onward::SignIn],
        Kind::UnknownSite => &[],
        Kind::TooSlow
        | Kind::TooLarge
        | Kind::TooMany
        | Kind::HeadersTooLarge
        | Kind::Internal
        | Kind::BadGateway
        | Kind::Unavailable
        | Kind::Timeout => &[Onward::Again],
    };
    Words {
        heading,
        text,
        aside: None,
        onward,
    }
}

fn said(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::BadRequest => (
            "That address doesn’t work",
            "It could be read in more than one way, so it wasn’t opened. Check it, or start over.",
        ),
        Kind::Forbidden => ("You can’t open this page", "It isn’t open to visitors."),
        Kind::NotFound => (
            "There’s no page here",
            "The address may be mistyped, or the page has moved.",
        ),
        Kind::MethodNotAllowed => (
            "That can’t be done here",
            "This page opens, but it can’t be used in that way.",
        ),
        Kind::TooSlow => (
            "That took too long",
            "Not everything you sent arrived. Check your connection, then try again.",
        ),
        Kind::TooLarge => (
            "That’s too large",
            "What you sent is larger than this site takes.",
        ),
        Kind::UnknownSite => (
            "There’s no site here",
            "Nothing is served under this name. Check the address for a typing mistake.",
        ),
        Kind::TooMany => ("That was a lot at once", "Wait a moment, then try again."),
        Kind::HeadersTooLarge => (
            "Your browser sent too much",
            "Usually that’s old cookies. Clear this site’s cookies in your browser, then try again.",
        ),
        Kind::Internal => (
            "Something went wrong",
            "That was our mistake. If it happens again, tell whoever runs this site.",
        ),
        Kind::BadGateway => (
            "This site is down",
            "It isn’t answering. Wait a moment, then try again.",
        ),
        Kind::Unavailable => (
            "Back in a moment",
            "Something we need isn’t answering. Wait a few seconds, then try again.",
        ),
        Kind::Timeout => (
            "This site is too slow",
            "It took too long to answer. Try again in a moment.",
        ),
    }
}
