//! The same decision, with what led to it: for whoever asks why.
//!
//! Owns the list. Each word in it is said by the function that decides.

use super::rule::Terms;
use super::{Facts, Found, Person, Rules};
use crate::reading;

/// What a condition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It may, for whoever signs in.
    WhoeverSignsIn,
}

impl From<bool> for Says {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// What the conditions of one rule say. `from`, `allow` and `require` only matter where `path` and `methods` hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSays {
    /// Which one, counted from 0 in the order they are written; absent: the one that stands for no rules at all.
    pub rule: Option<usize>,
    /// Whether the path matches.
    pub path: Says,
    /// Whether it is one of the methods.
    pub methods: Says,
    /// Whether the client is in one of the networks.
    pub from: Says,
    /// Whether the person may.
    pub allow: Says,
    /// Whether the session has what is needed besides.
    pub require: Says,
}

/// Which rule decides, and what each that was looked at says: those up to it, or all if none does.
pub fn trace(
    rules: &Rules,
    facts: &Facts<'_>,
    person: Option<&Person<'_>>,
) -> (Found, Vec<RuleSays>) {
    let found = rules.find(facts.path, facts.method);
    let looked_at = match found {
        Found::Rule(rule) => rule + 1,
        Found::NoneOfThem | Found::Unclear => rules.terms.len(),
        Found::NoRules => {
            return (
                found,
                vec![says(&rules.fallback, None, true, facts, person)],
            );
        }
    };
    let plain = reading::plain(facts.path);
    let said = rules.terms.iter().take(looked_at).enumerate();
    let said = said.map(|(rule, terms)| {
        let matches = rules.index.find(&plain, |one| one == rule).is_some();
        says(terms, Some(rule), matches, facts, person)
    });
    (found, said.collect())
}

fn says(
    terms: &Terms,
    rule: Option<usize>,
    matches: bool,
    facts: &Facts<'_>,
    person: Option<&Person<'_>>,
) -> RuleSays {
    RuleSays {
        rule,
        path: Says::from(matches),
        methods: Says::from(terms.covers(facts.method)),
        from: Says::from(terms.reach(facts.client)),
        allow: terms.allows(person),
        require: terms.requires(person),
    }
}
