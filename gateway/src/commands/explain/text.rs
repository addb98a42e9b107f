//! An explanation for people.

use std::fmt::Write as _;

use doorward::explain::{AskedFor, Forwarded};
use doorward::policy::{Found, RuleSays, Says};
use doorward::refusal::Refusal;
use doorward_config::{Allow, Place, Require, Rule, Upstream, Who};

use super::Told;
use crate::commands::print::plain;

impl Told<'_> {
    /// All of it. Writing to a `String` cannot fail.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let who = match self.record {
            Some(record) if record.roles.is_empty() => record.user.clone(),
            Some(record) => format!("{} ({})", record.user, record.roles.join(", ")),
            None => "a stranger".to_owned(),
        };
        let asked = self.asked;
        let line = format!(
            "{} {}, by {who} from {}",
            asked.method, asked.url, asked.from
        );
        let _ = writeln!(text, "{}", plain(&line));
        if let Some((_, site)) = self.site {
            let _ = writeln!(text, "site      {} (host {})", plain(&site.name), site.host);
        }
        self.rules(&mut text);
        match &self.explanation.outcome {
            Ok(forwarded) => self.allowed(forwarded, &mut text),
            Err(refusal) => refused(refusal, &mut text),
        }
        text
    }

    fn rules(&self, text: &mut String) {
        match self.explanation.asked_for {
            Some(AskedFor::Portal) => text.push_str("rules     not asked: a built-in page\n"),
            Some(AskedFor::AcmeChallenge) => {
                text.push_str(
                    "rules     not asked: a certificate authority's question (RFC 8555)\n",
                );
            }
            Some(AskedFor::Site) | None => {}
        }
        let Some(judgement) = &self.explanation.rules else {
            return;
        };
        let _ = writeln!(text, "path      {}", self.explanation.path);
        for said in &judgement.said {
            let Some(number) = said.rule else {
                text.push_str("rules     none: whoever is signed in\n");
                continue;
            };
            let place = self.place(number).map(Place::to_string).unwrap_or_default();
            let head = format!("rule {}", number + 1);
            if self.deciding() == Some(number) {
                let _ = writeln!(text, "{head:<10}{:<28}{place}", "decides");
                if let Some(rule) = self.rule(number) {
                    conditions(rule, *said, text);
                }
            } else {
                let why = match (said.path, said.methods) {
                    (Says::Yes, Says::Yes) => "for one reading of the path",
                    (Says::Yes, _) => "not about this method",
                    _ => "not about this path",
                };
                let _ = writeln!(text, "{head:<10}{why:<28}{place}");
            }
        }
        if judgement.found == Found::NoneOfThem {
            text.push_str("rules     none matches, so it is refused\n");
        }
    }

    fn allowed(&self, forwarded: &Forwarded, text: &mut String) {
        let upstream = self.upstream().unwrap_or_default();
        let _ = writeln!(text, "allowed   goes to {upstream}");
        if let Some((_, site)) = self.site
            && site.upstream == Upstream::None
            && self.explanation.asked_for != Some(AskedFor::Portal)
        {
            text.push_str("  asked directly, the answer is 404: only other proxies ask about it\n");
        }
        let _ = writeln!(text, "  {} {}", self.asked.method, forwarded.target);
        for (name, value) in &forwarded.headers {
            let _ = writeln!(text, "  {name}: {}", plain(value));
        }
        let _ = writeln!(
            text,
            "removed   what the client sends of these, in every spelling: {}",
            forwarded.removed.join(", ")
        );
        if self.explanation.asked_for != Some(AskedFor::Portal) {
            text.push_str("          and our own cookies\n");
        }
    }
}

fn conditions(rule: &Rule, said: RuleSays, text: &mut String) {
    for (name, said, wanted) in [
        ("path", said.path, path(rule)),
        ("methods", said.methods, methods(rule)),
        ("from", said.from, from(rule)),
        ("allow", said.allow, allow(rule)),
        (
            "require",
            said.require,
            require(rule).unwrap_or("nothing").to_owned(),
        ),
    ] {
        let _ = writeln!(text, "  {name:<8}{:<9}{}", word(said), plain(&wanted));
    }
}

fn refused(refusal: &Refusal, text: &mut String) {
    let status = refusal.status();
    let to = refusal.location().map(|to| format!(" to {to}"));
    let _ = writeln!(
        text,
        "refused   {}{}: {refusal}",
        status.as_u16(),
        to.unwrap_or_default()
    );
}

/// What a condition says.
pub(super) fn word(said: Says) -> &'static str {
    match said {
        Says::Yes => "yes",
        Says::No => "no",
        Says::WhoeverSignsIn => "sign in",
    }
}

fn path(rule: &Rule) -> String {
    let path = rule.path.as_ref();
    path.map_or_else(|| "every one".to_owned(), |path| path.as_str().to_owned())
}

fn methods(rule: &Rule) -> String {
    let Some(methods) = &rule.methods else {
        return "every one".to_owned();
    };
    let words: Vec<_> = methods.iter().map(http::Method::as_str).collect();
    words.join(", ")
}

fn from(rule: &Rule) -> String {
    if rule.from.is_empty() {
        return "anywhere".to_owned();
    }
    let words: Vec<_> = rule.from.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// `allow` as it is written.
pub(super) fn allow(rule: &Rule) -> String {
    match &rule.allow {
        Allow::Anyone => "anyone".to_owned(),
        Allow::SignedIn => "signed_in".to_owned(),
        Allow::Nobody => "nobody".to_owned(),
        Allow::AnyOf(list) => {
            let words: Vec<_> = list.iter().map(who).collect();
            words.join(", ")
        }
    }
}

fn who(who: &Who) -> String {
    match who {
        Who::Role(role) => format!("role:{role}"),
        Who::User(user) => format!("user:{user}"),
        Who::Email(pattern) => format!("email:{pattern}"),
    }
}

/// `require` as it is written.
pub(super) fn require(rule: &Rule) -> Option<&'static str> {
    rule.require.map(|Require::TwoFactor| "two_factor")
}
