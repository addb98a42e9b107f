//! The rules of a site, and rules that an earlier one leaves nothing to decide.

use http::Method;

use super::{live, mail, net, take, take_each, words};
use crate::problem::{Fault, Findings};
use crate::raw::{self, AllowText, At};
use crate::read::nearest;
use crate::{Allow, PathGlob, Require, Rule, VerifyEmail, Who};

pub(super) fn check(
    list: Option<&At<Vec<At<raw::Rule>>>>,
    verify_email: VerifyEmail,
    findings: &mut Findings<'_>,
) -> Vec<Rule> {
    let Some(list) = list else {
        return Vec::new();
    };
    let mut rules: Vec<(Rule, &At<raw::Rule>)> = Vec::new();
    for raw in list.get() {
        let before = findings.len();
        let rule = rule(raw, verify_email, findings);
        // Only rules that are understood are compared.
        if findings.len() > before || findings.is_damaged(raw.span()) {
            continue;
        }
        if let Some((_, first)) = rules.iter().find(|(earlier, _)| covers(earlier, &rule)) {
            let first = findings.sources().place(first.span());
            let fault =
                Fault::new("this rule never decides: an earlier one matches all that it matches");
            let help = format!(
                "the earlier one is at {first}; only `path` and `methods` choose the rule, so put the narrower one first"
            );
            findings.add(raw.span(), fault.help(help));
        }
        rules.push((rule, raw));
    }
    rules.into_iter().map(|(rule, _)| rule).collect()
}

fn rule(raw: &At<raw::Rule>, verify_email: VerifyEmail, findings: &mut Findings<'_>) -> Rule {
    let written = raw.get();
    let path = |text: &String| {
        PathGlob::parse(text)
            .map(Some)
            .map_err(|why| Fault::new(format!("`{text}`: {why}")))
    };
    let rule = Rule {
        path: take(written.path.as_ref(), None, path, findings),
        methods: written
            .methods
            .as_ref()
            .map(|list| non_empty(list, method, findings)),
        from: written
            .from
            .as_ref()
            .map(|list| non_empty(list, net::network, findings))
            .unwrap_or_default(),
        allow: allow(raw, verify_email, findings),
        require: written.require.as_ref().map(|require| *require.get()),
    };
    if let (Some(Require::TwoFactor), Some(require)) = (rule.require, &written.require)
        && matches!(rule.allow, Allow::Anyone | Allow::Nobody)
    {
        let fault = Fault::new("`require` needs somebody who is signed in");
        findings.add(
            require.span(),
            fault.help("with it, allow = \"signed_in\" or a list"),
        );
    }
    rule
}

/// A list in which nothing would mean nobody, and so is most likely a slip.
fn non_empty<U>(
    list: &At<Vec<At<String>>>,
    parse: impl FnMut(&str) -> Result<U, Fault>,
    findings: &mut Findings<'_>,
) -> Vec<U> {
    if list.get().is_empty() {
        let fault = Fault::new("an empty list matches nothing");
        findings.add(
            list.span(),
            fault.help("leave the key out to match everything"),
        );
    }
    take_each(list, parse, findings)
}

fn allow(raw: &At<raw::Rule>, verify_email: VerifyEmail, findings: &mut Findings<'_>) -> Allow {
    let Some(allow) = &raw.get().allow else {
        if !findings.is_damaged(raw.span()) {
            let fault = Fault::new("this rule does not say who may: `allow` is missing");
            findings.add(raw.span(), fault.help("for example allow = \"signed_in\""));
        }
        return Allow::Nobody;
    };
    match allow.get() {
        AllowText::Word(word) => word_allow(word).unwrap_or_else(|fault| {
            findings.add(allow.span(), fault);
            Allow::Nobody
        }),
        AllowText::List(list) if list.is_empty() => {
            let fault = Fault::new("an empty list allows nobody");
            findings.add(allow.span(), fault.help("say so: allow = \"nobody\""));
            Allow::Nobody
        }
        AllowText::List(list) => {
            let mut whos = Vec::new();
            for item in list {
                match who(item.get(), verify_email) {
                    Ok(who) => whos.push(who),
                    Err(fault) => findings.add(item.span(), fault),
                }
            }
            Allow::AnyOf(whos)
        }
    }
}

const WORDS: [&str; 3] = ["anyone", "signed_in", "nobody"];

fn word_allow(word: &str) -> Result<Allow, Fault> {
    match word {
        "anyone" => Ok(Allow::Anyone),
        "signed_in" => Ok(Allow::SignedIn),
        "nobody" => Ok(Allow::Nobody),
        _ => {
            let fault = Fault::new(format!("`{word}` does not say who may"));
            Err(match nearest(word, &WORDS) {
                Some(near) => fault.help(format!("did you mean \"{near}\"?")),
                None if word.contains(':') => {
                    fault.help(format!("put it in brackets: [\"{word}\"]"))
                }
                None => fault.help(format!(
                    "anyone, signed_in, nobody, or a list as in [\"role:{word}\"]"
                )),
            })
        }
    }
}

fn who(text: &str, verify_email: VerifyEmail) -> Result<Who, Fault> {
    match text.split_once(':') {
        Some(("role", role)) => live::role(role).map(Who::Role),
        Some(("user", user)) => words(user, 254).map(Who::User),
        Some(("email", pattern)) => mail::pattern(pattern, verify_email).map(Who::Email),
        None if WORDS.contains(&text) => {
            Err(Fault::new(format!("`{text}` stands alone"))
                .help(format!("write allow = \"{text}\"")))
        }
        _ => Err(Fault::new(format!("`{text}` does not say who"))
            .help(format!("\"role:{text}\" or \"user:{text}\""))),
    }
}

/// The registered methods (IANA, HTTP Method Registry), without CONNECT and
/// TRACE, which the gateway never lets through.
const METHODS: [&str; 37] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "QUERY",
];

/// One of the registered methods, in upper case.
pub(crate) fn method(text: &str) -> Result<Method, Fault> {
    let fault = || Fault::new(format!("`{text}` is not a method"));
    if METHODS.contains(&text) {
        return Method::from_bytes(text.as_bytes()).map_err(|_| fault());
    }
    Err(match (text, nearest(text, &METHODS)) {
        ("CONNECT" | "TRACE", _) => Fault::new(format!(
            "{text} is never let through, so no rule can be about it"
        )),
        (_, Some(near)) => fault().help(format!("did you mean \"{near}\"?")),
        (_, None) => fault().help("for example \"GET\", \"HEAD\", \"POST\""),
    })
}

/// Whether every request that the later rule matches is matched by the earlier.
/// Where that takes thought, the answer is no.
fn covers(earlier: &Rule, later: &Rule) -> bool {
    let methods = match (&earlier.methods, &later.methods) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(some), Some(all)) => all.iter().all(|method| some.contains(method)),
    };
    let paths = match (&earlier.path, &later.path) {
        (None, _) => true,
        (Some(all), None) => all.as_str() == "/**",
        (Some(wide), Some(narrow)) => path_covers(wide.as_str(), narrow.as_str()),
    };
    methods && paths
}

fn path_covers(wide: &str, narrow: &str) -> bool {
    if wide == narrow {
        return true;
    }
    // `/x/**` covers `/x` and whatever begins with `/x/`; if there is a star in
    // `x` itself, only the same text is known to be the same.
    wide.strip_suffix("/**").is_some_and(|folder| {
        let rest = narrow.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
