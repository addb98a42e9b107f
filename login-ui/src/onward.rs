//! The way on from a page that is otherwise an end.
//!
//! Owns the few places there are to go, and what the links say. Must not know why somebody is sent there.

/// Where to go next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// The site's own start page.
    Home,
    /// The same address once more.
    Again,
    /// The sign-in page.
    SignIn,
    /// The sign-out page, to come back as somebody else.
    SomeoneElse,
}

/// A link in a button's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Empty for the same address again.
    pub(crate) href: String,
    /// What it says.
    pub(crate) text: &'static str,
}

impl Onward {
    /// The link, where the portal lives at `portal`.
    pub(crate) fn link(self, portal: &str) -> Link {
        let (href, text) = match self {
            Self::Home => ("/".to_owned(), "Go to the start page"),
            Self::Again => (String::new(), "Try again"),
            Self::SignIn => (format!("{portal}/login"), "Go to the sign-in page"),
            Self::SomeoneElse => (format!("{portal}/logout"), "Sign in as someone else"),
        };
        Link { href, text }
    }
}
