//! One rule: the methods it is about, and what must hold.
//!
//! Owns `methods`, `from`, `allow` and `require`. Must not know paths; `index` does.

use std::net::IpAddr;

use doorward_config::{Allow, Require, Rule, Who};
use doorward_identity::session::Amr;
use http::Method;
use ipnet::IpNet;

use super::{Decision, Entry, Person, Says};
use crate::glob::{Segment, Wild};

/// A rule without its path.
#[derive(Debug)]
pub(super) struct Terms {
    methods: Option<Vec<Method>>,
    from: Vec<IpNet>,
    allow: Allowed,
    require: Option<Require>,
}

#[derive(Debug)]
enum Allowed {
    Anyone,
    SignedIn,
    Nobody,
    AnyOf(Vec<Like>),
}

/// Whoever is like this.
#[derive(Debug)]
enum Like {
    Role(String),
    /// In lower case.
    User(String),
    /// In lower case.
    Email(Segment),
}

impl Terms {
    pub(super) fn new(rule: &Rule) -> Self {
        Self {
            methods: rule.methods.clone(),
            from: rule.from.clone(),
            allow: match &rule.allow {
                Allow::Anyone => Allowed::Anyone,
                Allow::SignedIn => Allowed::SignedIn,
                Allow::Nobody => Allowed::Nobody,
                // Nobody is one of none.
                Allow::AnyOf(list) if list.is_empty() => Allowed::Nobody,
                Allow::AnyOf(list) => Allowed::AnyOf(list.iter().map(Like::new).collect()),
            },
            require: rule.require,
        }
    }

    pub(super) fn has_methods(&self) -> bool {
        self.methods.is_some()
    }

    /// Whether the rule is about this method. `HEAD` is one of its own.
    pub(super) fn covers(&self, method: &Method) -> bool {
        self.methods
            .as_ref()
            .is_none_or(|methods| methods.contains(method))
    }

    /// Whether a client at this address is in one of the networks.
    pub(super) fn reach(&self, client: IpAddr) -> bool {
        self.from.is_empty() || self.from.iter().any(|network| network.contains(&client))
    }

    /// `allow` and `require`, for this person or for nobody known.
    pub(super) fn judge(&self, person: Option<&Person<'_>>) -> Decision {
        match (self.allows(person), self.requires(person)) {
            (Says::No, _) => Decision::Forbidden,
            // A second factor is somebody's: `anyone` who has one is still a person.
            (Says::WhoeverSignsIn, _) | (Says::Yes, Says::WhoeverSignsIn) => Decision::SignInNeeded,
            // A program cannot show one.
            (Says::Yes, Says::No) if person.is_some_and(|person| person.reach.is_limited()) => {
                Decision::BeyondKey
            }
            (Says::Yes, Says::No) => Decision::SecondFactorNeeded,
            (Says::Yes, Says::Yes) => match (&self.allow, self.require) {
                (Allowed::Anyone, None) => Decision::Allowed(Entry::Open),
                _ => Decision::Allowed(Entry::Person),
            },
        }
    }

    /// `allow` alone.
    pub(super) fn allows(&self, person: Option<&Person<'_>>) -> Says {
        match (&self.allow, person) {
            (Allowed::Nobody, _) => Says::No,
            (Allowed::Anyone, _) | (Allowed::SignedIn, Some(_)) => Says::Yes,
            (Allowed::SignedIn | Allowed::AnyOf(_), None) => Says::WhoeverSignsIn,
            (Allowed::AnyOf(list), Some(person)) => {
                Says::from(list.iter().any(|like| like.is(person)))
            }
        }
    }

    /// `require` alone.
    pub(super) fn requires(&self, person: Option<&Person<'_>>) -> Says {
        match (self.require, person) {
            (None, _) => Says::Yes,
            (Some(Require::TwoFactor), None) => Says::WhoeverSignsIn,
            (Some(Require::TwoFactor), Some(person)) => Says::from(has_second_factor(person)),
        }
    }
}

impl Like {
    fn new(who: &Who) -> Self {
        match who {
            Who::Role(role) => Self::Role(role.as_str().to_owned()),
            Who::User(user) => Self::User(user.to_lowercase()),
            // An address is no path: `%` and `**` mean nothing in it.
            Who::Email(pattern) => Self::Email(match pattern.to_lowercase().split_once('*') {
                None => Segment::Name(pattern.to_lowercase().into_bytes().into()),
                Some((head, rest)) => Segment::Wild(Wild::literally(head, rest)),
            }),
        }
    }

    fn is(&self, person: &Person<'_>) -> bool {
        match self {
            Self::Role(role) => person.roles.contains(role),
            // No two accounts have names that differ in case only.
            Self::User(user) => lower(person.user).eq(user.chars()),
            Self::Email(pattern) => person.verified_email.is_some_and(|email| {
                let email = email.to_lowercase();
                match pattern {
                    Segment::Name(whole) => **whole == *email.as_bytes(),
                    Segment::Wild(wild) => wild.matches(email.as_bytes()),
                    Segment::Below => false,
                }
            }),
        }
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

fn has_second_factor(person: &Person<'_>) -> bool {
    person.amr.contains(&Amr::OneTimeCode)
}
