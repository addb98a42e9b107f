//! May this person do this? The rules of one site, and the only place that reads them.
//!
//! Owns the decision, which is pure: facts in, answer out. Must not know cookies, stores, pages
//! or what becomes of the answer.
//!
//! The first rule whose `path` and `methods` match decides; its `from`, `allow` and `require`
//! must then all hold, and no later rule is looked at. No rule matches: refused. No rules at
//! all: whoever is signed in.

mod index;
mod rule;
mod scope;
mod trace;

use std::net::IpAddr;

use doorward_identity::session::{Amr, Record};
use http::Method;

use self::index::Index;
use self::rule::Terms;
pub use self::scope::{Reach, Scope};
pub use self::trace::{RuleSays, Says, trace};
use crate::reading;

/// The rules of a site, ready to be asked.
#[derive(Debug)]
pub struct Rules {
    terms: Vec<Terms>,
    index: Index,
    fallback: Terms,
}

/// What is asked, besides by whom.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The host, as [`crate::host`] spells it, without port.
    pub host: &'a str,
    /// The canonical path, as [`crate::target`] spells it, without query.
    pub path: &'a str,
    /// The method.
    pub method: &'a Method,
    /// The client's canonical address, as [`crate::client`] finds it.
    pub client: IpAddr,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The username, or the e-mail where there is none.
    pub user: &'a str,
    /// The e-mail, only if it is verified.
    pub verified_email: Option<&'a str>,
    /// Roles.
    pub roles: &'a [String],
    /// How it was proven.
    pub amr: &'a [Amr],
    /// How far it reaches.
    pub reach: Reach<'a>,
}

impl<'a> From<&'a Record> for Person<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            user: &record.user,
            verified_email: record.email.as_deref(),
            roles: &record.roles,
            amr: &record.amr,
            // What limits it is compiled where sessions are remembered.
            reach: match record.grant {
                None => Reach::Everywhere,
                Some(_) => Reach::Nowhere,
            },
        }
    }
}

/// Which rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Found {
    /// This one, counted from 0 in the order they are written.
    Rule(usize),
    /// The site has no rules: whoever is signed in.
    NoRules,
    /// None of them.
    NoneOfThem,
    /// It depends on how the path is read.
    Unclear,
}

/// What is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Anybody; there may be a person all the same.
    Open,
    /// This person.
    Person,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Let in.
    Allowed(Entry),
    /// Nobody is signed in, and somebody who is might be let in.
    SignInNeeded,
    /// The person would be let in with a second factor.
    SecondFactorNeeded,
    /// The person might be let in, but the API key is not for this.
    BeyondKey,
    /// Not this way, whoever signs in; or not this person.
    Forbidden,
    /// The path has two readings under different rules: a bad request, not a question of rights.
    Unclear,
}

impl Rules {
    /// Takes the rules of a site as they are written.
    #[must_use]
    pub fn new(rules: &[doorward_config::Rule]) -> Self {
        Self {
            terms: rules.iter().map(Terms::new).collect(),
            index: Index::new(rules.iter().map(|rule| rule.path.as_ref())),
            fallback: Terms::new(&doorward_config::Rule::signed_in()),
        }
    }

    /// Which rule is about this path and method.
    pub fn find(&self, path: &str, method: &Method) -> Found {
        if self.terms.is_empty() {
            return Found::NoRules;
        }
        let is_about = |rule: usize| {
            self.terms
                .get(rule)
                .is_some_and(|terms| terms.covers(method))
        };
        let found = self.index.find(&reading::plain(path), is_about);
        for reading in reading::others(path) {
            if self.index.find(&reading, is_about) != found {
                return Found::Unclear;
            }
        }
        found.map_or(Found::NoneOfThem, Found::Rule)
    }

    /// Whether a rule looks at the method, so that a header must not be able to change it.
    #[must_use]
    pub fn look_at_methods(&self) -> bool {
        self.terms.iter().any(Terms::has_methods)
    }
}

/// May this person (or nobody known) do this?
pub fn decide(rules: &Rules, facts: &Facts<'_>, person: Option<&Person<'_>>) -> Decision {
    if person.is_some_and(|person| !person.reach.covers(facts)) {
        return Decision::BeyondKey;
    }
    let terms = match rules.find(facts.path, facts.method) {
        Found::Rule(rule) => rules.terms.get(rule),
        Found::NoRules => Some(&rules.fallback),
        Found::NoneOfThem => None,
        Found::Unclear => return Decision::Unclear,
    };
    let Some(terms) = terms else {
        return Decision::Forbidden;
    };
    // A stranger from a wrong place is told so: signing in would not help.
    if !terms.reach(facts.client) {
        return Decision::Forbidden;
    }
    terms.judge(person)
}

#[cfg(test)]
mod tests;
