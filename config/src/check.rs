//! From what was written to what the program believes: defaults, meanings,
//! bounds. Everything that is wrong is taken down; what is returned then is
//! thrown away.

mod boot;
mod certificates;
mod database;
mod headers;
mod live;
mod mail;
pub(crate) mod net;
mod portal;
mod redis;
pub(crate) mod rules;
pub(crate) mod sites;
mod stores;
mod upstreams;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::Config;
use crate::problem::{Fault, Findings};
use crate::raw::{self, At, DurationText, SizeText};
use crate::units::{Lasting, Size, parse_duration, parse_size};

/// The checked configuration; only worth anything if nothing was found.
pub(crate) fn check(file: &raw::File, findings: &mut Findings<'_>) -> Config {
    Config {
        boot: boot::check(file, findings),
        live: live::check(file, findings),
    }
}

/// What a value means, or the default if it is absent or means nothing.
fn take<T, U>(
    value: Option<&At<T>>,
    default: U,
    parse: impl FnOnce(&T) -> Result<U, Fault>,
    findings: &mut Findings<'_>,
) -> U {
    let Some(value) = value else {
        return default;
    };
    parse(value.get()).unwrap_or_else(|fault| {
        findings.add(value.span(), fault);
        default
    })
}

/// What each element of a list means; those that mean nothing are left out.
fn take_each<U>(
    list: &At<Vec<At<String>>>,
    mut parse: impl FnMut(&str) -> Result<U, Fault>,
    findings: &mut Findings<'_>,
) -> Vec<U> {
    let mut taken = Vec::new();
    for item in list.get() {
        match parse(item.get()) {
            Ok(value) => taken.push(value),
            Err(fault) => findings.add(item.span(), fault),
        }
    }
    taken
}

/// A copy of a value that needs no check.
fn plain<T: Copy>(value: Option<&At<T>>, default: T) -> T {
    value.map_or(default, |value| *value.get())
}

/// A whole number between two others.
fn whole<N: TryFrom<i64>>(number: i64, bounds: RangeInclusive<i64>) -> Result<N, Fault> {
    let fault = || {
        let (low, high) = (bounds.start(), bounds.end());
        if number < *low {
            Fault::new(format!("{number} is too small")).help(format!("at least {low}"))
        } else {
            Fault::new(format!("{number} is too large")).help(format!("at most {high}"))
        }
    };
    if bounds.contains(&number) {
        N::try_from(number).map_err(|_| fault())
    } else {
        Err(fault())
    }
}

/// A duration between two others.
fn lasting(text: &DurationText, bounds: RangeInclusive<Duration>) -> Result<Duration, Fault> {
    lasting_text(text.as_str(), bounds)
}

fn lasting_text(text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, Fault> {
    let duration = parse_duration(text)?;
    if duration < *bounds.start() {
        let least = Lasting(*bounds.start());
        return Err(Fault::new(format!("`{text}` is too short")).help(format!("at least {least}")));
    }
    if duration > *bounds.end() {
        let most = Lasting(*bounds.end());
        return Err(Fault::new(format!("`{text}` is too long")).help(format!("at most {most}")));
    }
    Ok(duration)
}

/// A size between two others.
fn size(text: &SizeText, bounds: RangeInclusive<u64>) -> Result<u64, Fault> {
    let text = text.as_str();
    if text == "unlimited" {
        return Err(
            Fault::new("this cannot be unlimited").help(format!("at most {}", Size(*bounds.end())))
        );
    }
    let bytes = parse_size(text)?;
    if bytes < *bounds.start() {
        let least = Size(*bounds.start());
        return Err(Fault::new(format!("`{text}` is too small")).help(format!("at least {least}")));
    }
    if bytes > *bounds.end() {
        let most = Size(*bounds.end());
        return Err(Fault::new(format!("`{text}` is too large")).help(format!("at most {most}")));
    }
    Ok(bytes)
}

/// A size that may be `unlimited`, which is absent.
fn size_or_unlimited(text: &SizeText) -> Result<Option<u64>, Fault> {
    if text.as_str() == "unlimited" {
        return Ok(None);
    }
    size(text, 1..=u64::MAX).map(Some)
}

/// A text of one line that says something.
fn words(text: &str, most: usize) -> Result<String, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new("this is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(Fault::new("this has control characters in it"));
    }
    if text.chars().count() > most {
        return Err(Fault::new("this is too long").help(format!("at most {most} characters")));
    }
    Ok(text.to_owned())
}
