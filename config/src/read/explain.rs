//! serde's errors in the words of somebody who edits a file.

use super::locate::Spot;
use crate::problem::Fault;

/// What an error says about an entry; `variable` is where it was set, if not in
/// a file.
pub(super) fn explain(message: &str, spot: &Spot, variable: Option<&str>) -> Fault {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown_key(rest, spot, variable);
    }
    let key = full_name(spot);
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let known = known_names(rest);
        let word = rest.split('`').nth(1).unwrap_or_default();
        let fault = Fault::new(format!("`{key}`: there is no `{word}`"));
        return match nearest(word, &known) {
            Some(near) => fault.help(format!("did you mean \"{near}\"?")),
            None => fault.help(format!("one of {}", known.join(", "))),
        };
    }
    if let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return wrong_type(&key, found, expected);
    }
    if message.starts_with("wanted ") {
        return Fault::new(format!("`{key}`: expected one word in quotes"));
    }
    Fault::new(format!("`{key}`: {message}"))
}

/// Whether there is a text where a list should be.
pub(super) fn wants_list(message: &str) -> bool {
    message.starts_with("invalid type: string ") && message.ends_with(", expected a sequence")
}

fn unknown_key(rest: &str, spot: &Spot, variable: Option<&str>) -> Fault {
    let key = spot.key();
    let section: Vec<_> = spot.keys().rev().skip(1).collect();
    let section = section.into_iter().rev().collect::<Vec<_>>().join(".");
    let known = known_names(rest);
    let near = nearest(key, &known);
    if let Some(name) = variable {
        let fault = Fault::new(format!("there is no key for the variable {name}"));
        let (before, _) = name.rsplit_once("__").unwrap_or((name, ""));
        return match near {
            Some(near) => {
                // Only the segment that is wrong is replaced; it may not be the last.
                let depth = spot.path.len();
                let kept: Vec<_> = name.split("__").take(depth).collect();
                let after: Vec<_> = name.split("__").skip(depth + 1).collect();
                let mut parts = kept;
                let near = near.to_uppercase();
                parts.push(&near);
                parts.extend(after);
                fault.help(format!("did you mean {}?", parts.join("__")))
            }
            None => fault.help(format!("below {before} there are: {}", known.join(", "))),
        };
    }
    let fault = match section.as_str() {
        "" => Fault::new(format!("unknown section or key `{key}`")),
        "certificate" | "site" | "site.rule" => {
            Fault::new(format!("unknown key `{key}` in [[{section}]]"))
        }
        _ => Fault::new(format!("unknown key `{key}` in [{section}]")),
    };
    match near {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("known here: {}", known.join(", "))),
    }
}

fn wrong_type(key: &str, found: &str, expected: &str) -> Fault {
    let plain = |words: &str| match words {
        "sequence" | "a sequence" => "a list".to_owned(),
        "map" | "a map" => "a table".to_owned(),
        "string" | "a string" | "variant identifier" => "text in quotes".to_owned(),
        "i64" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        words if words.starts_with("struct ") => "a table".to_owned(),
        words => words.to_owned(),
    };
    let fault = Fault::new(format!(
        "`{key}`: expected {}, found {}",
        plain(expected),
        plain(found)
    ));
    match (expected, found.strip_prefix("string ")) {
        ("a sequence", Some(text)) => fault.help(format!("put it in brackets: [{text}]")),
        _ => fault,
    }
}

/// The key with its sections, as in `server.listen`.
fn full_name(spot: &Spot) -> String {
    spot.keys().collect::<Vec<_>>().join(".")
}

/// The names that serde says it would have known.
fn known_names(rest: &str) -> Vec<&str> {
    let (_, known) = rest.rsplit_once(", expected ").unwrap_or_default();
    known.split('`').skip(1).step_by(2).collect()
}

/// The name that was most likely meant.
pub(crate) fn nearest<'n>(word: &str, known: &[&'n str]) -> Option<&'n str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&word, &name.to_lowercase()),
                *name,
            )
        })
        .filter(|(distance, name)| *distance <= 1 + name.len().min(word.len()) / 4)
        .min()
        .map(|(_, name)| name)
}
