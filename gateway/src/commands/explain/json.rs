//! An explanation for programs.

use doorward::explain::AskedFor;
use doorward::policy::{Found, RuleSays};
use doorward_config::{Place, Rule};
use serde_json::{Map, Value, json};

use super::Told;
use super::text::{allow, require, word};

impl Told<'_> {
    /// All of it.
    pub(super) fn json(&self) -> Value {
        let explanation = &self.explanation;
        let judgement = explanation.rules.as_ref();
        let refusal = explanation.outcome.as_ref().err();
        json!({
            "allowed": explanation.outcome.is_ok(),
            "user": self.record.map(|record| &record.user),
            "roles": self.record.map(|record| &record.roles),
            "client": self.asked.from.to_string(),
            "site": explanation.site,
            "host": self.site.map(|(_, site)| site.host.to_string()),
            "asked_for": explanation.asked_for.map(asked_for),
            "path": explanation.path,
            "rule": self.deciding().map(|rule| rule + 1),
            "rule_found": judgement.map(|judgement| found(judgement.found)),
            "rules": judgement.map(|judgement| {
                let said = judgement.said.iter();
                said.map(|said| self.rule_json(*said)).collect::<Vec<_>>()
            }),
            "status": refusal.map(|refusal| refusal.status().as_u16()),
            "reason": refusal.map(doorward::refusal::Refusal::reason),
            "why": refusal.map(ToString::to_string),
            "location": refusal.and_then(doorward::refusal::Refusal::location),
            "upstream": self.upstream_json(),
        })
    }

    fn rule_json(&self, said: RuleSays) -> Value {
        let rule = said.rule.and_then(|number| self.rule(number));
        let place = said.rule.and_then(|number| self.place(number));
        json!({
            "number": said.rule.map(|rule| rule + 1),
            "place": place.map(Place::to_string),
            "decides": said.rule == self.deciding(),
            "path": condition(word(said.path), rule.and_then(path)),
            "methods": condition(word(said.methods), rule.and_then(methods)),
            "from": condition(word(said.from), rule.and_then(from)),
            "allow": condition(word(said.allow), rule.map(|rule| allow(rule).into())),
            "require": condition(word(said.require), rule.and_then(|rule| require(rule).map(Value::from))),
        })
    }

    fn upstream_json(&self) -> Option<Value> {
        let forwarded = self.explanation.outcome.as_ref().ok()?;
        let headers: Map<String, Value> = forwarded
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        Some(json!({
            "to": self.upstream(),
            "method": self.asked.method,
            "target": forwarded.target,
            "headers": headers,
            "removed": forwarded.removed,
        }))
    }
}

fn condition(says: &str, wanted: Option<Value>) -> Value {
    let wanted = wanted.unwrap_or(Value::Null);
    json!({ "says": says, "wanted": wanted })
}

fn asked_for(what: AskedFor) -> &'static str {
    match what {
        AskedFor::Site => "site",
        AskedFor::Portal => "portal",
        AskedFor::AcmeChallenge => "acme-challenge",
    }
}

fn found(found: Found) -> &'static str {
    match found {
        Found::Rule(_) => "rule",
        Found::NoRules => "no_rules",
        Found::NoneOfThem => "none_of_them",
        Found::Unclear => "unclear",
    }
}

fn path(rule: &Rule) -> Option<Value> {
    rule.path.as_ref().map(|path| path.as_str().into())
}

fn methods(rule: &Rule) -> Option<Value> {
    let methods = rule.methods.as_ref()?.iter();
    Some(methods.map(doorward_config::Method::as_str).collect())
}

fn from(rule: &Rule) -> Option<Value> {
    let networks = rule.from.iter().map(ToString::to_string);
    (!rule.from.is_empty()).then(|| networks.collect())
}
