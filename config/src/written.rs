//! Single values as they are written in the file, for whoever reads them elsewhere: on a page, on the command line.
//!
//! Owns how a mistake is told there. What counts as a value is decided where the file is checked.

use std::fmt;
use std::time::Duration;

use http::Method;
use ipnet::IpNet;

use crate::HostPattern;
use crate::check::{net, rules, sites};
use crate::problem::Fault;
use crate::units::{Lasting, parse_duration};

/// Why a text is no such value. Printed, it is one line: what is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", one_line(.message, .help.as_deref()))]
pub struct Misread {
    message: String,
    help: Option<String>,
}

fn one_line(message: &str, help: Option<&str>) -> String {
    match help {
        Some(help) => format!("{message}: {help}"),
        None => message.to_owned(),
    }
}

impl From<Fault> for Misread {
    fn from(Fault { message, help }: Fault) -> Self {
        Self { message, help }
    }
}

impl HostPattern {
    /// Reads a host as `[[site]]` has it: a name, `*.example.com`, or `*`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Misread> {
        Ok(sites::host(text)?)
    }
}

/// Reads a method as `methods` has it: one that is registered, in upper case.
///
/// # Errors
/// What is wrong with it.
pub fn method(text: &str) -> Result<Method, Misread> {
    Ok(rules::method(text)?)
}

/// Reads a network as `from` has it: `10.0.0.0/8`, or one address.
///
/// # Errors
/// What is wrong with it.
pub fn network(text: &str) -> Result<IpNet, Misread> {
    Ok(net::network(text)?)
}

/// Reads a duration such as `90d` or `1h30m`.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, Misread> {
    Ok(parse_duration(text)?)
}

/// A duration as it is written in the file: `90d`.
#[must_use]
pub fn lasting(duration: Duration) -> impl fmt::Display {
    Lasting(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_as_in_the_file_and_told_in_one_line() {
        assert_eq!(
            HostPattern::parse("*.Example.com").unwrap().to_string(),
            "*.example.com"
        );
        assert_eq!(method("GET").unwrap(), Method::GET);
        assert_eq!(network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(duration("90d").unwrap(), Duration::from_hours(90 * 24));
        assert_eq!(lasting(Duration::from_hours(90 * 24)).to_string(), "90d");
        for told in [
            HostPattern::parse("https://a.test/")
                .unwrap_err()
                .to_string(),
            method("get").unwrap_err().to_string(),
            network("10.0.0.0/99").unwrap_err().to_string(),
            duration("90").unwrap_err().to_string(),
        ] {
            assert!(told.contains(": ") && !told.contains('\n'), "{told}");
        }
    }
}
