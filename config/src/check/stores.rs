//! Where sessions are kept, and secrets. Messages here never quote a value: it
//! may carry a password.

use url::Url;

use crate::Secret;
use crate::problem::{Fault, Findings};
use crate::raw::{self, At};

pub(super) fn redis(redis: &raw::Redis, findings: &mut Findings<'_>) -> Option<Secret> {
    let (url, span) = secret(
        ("url", redis.url.as_ref()),
        ("url_file", redis.url_file.as_ref()),
        findings,
    )?;
    if let Err(fault) = redis_url(url.expose()) {
        findings.add(&span, fault);
    }
    Some(url)
}

fn redis_url(text: &str) -> Result<(), Fault> {
    let no_address = || {
        Fault::new("this is not the address of a Redis")
            .help("for example \"redis://127.0.0.1:6379/0\" or \"redis+unix:///run/redis.sock\"")
    };
    let url = Url::parse(text).map_err(|_| no_address())?;
    match url.scheme() {
        "rediss" => Err(
            Fault::new("rediss:// (TLS) is not supported yet by this build")
                .help("redis:// on a network that only you use, or redis+unix://"),
        ),
        "redis" => {
            let database = url.path().trim_start_matches('/');
            let numbered = database.is_empty() || database.parse::<u8>().is_ok();
            let named = url.host_str().is_some_and(|host| !host.is_empty());
            if !named || url.port() == Some(0) {
                return Err(no_address());
            }
            if !numbered {
                return Err(
                    Fault::new("behind the `/` belongs the number of a database")
                        .help("as in \"redis://127.0.0.1:6379/0\""),
                );
            }
            Ok(())
        }
        "redis+unix" | "unix" if url.path().len() > 1 && url.host_str().is_none() => Ok(()),
        _ => Err(no_address()),
    }
}

/// A secret that stands in the configuration or in a file of its own.
pub(super) fn secret(
    (key, direct): (&str, Option<&At<String>>),
    (file_key, file): (&str, Option<&At<String>>),
    findings: &mut Findings<'_>,
) -> Option<(Secret, std::ops::Range<usize>)> {
    let Some(file) = file else {
        return direct.map(|text| (Secret::from(text.get().as_str()), text.span().clone()));
    };
    if direct.is_some() {
        let fault = Fault::new(format!("`{key}` and `{file_key}` are both set"));
        findings.add(file.span(), fault.help("keep one of them"));
        return None;
    }
    match std::fs::read_to_string(file.get()) {
        Ok(text) => {
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            Some((Secret::from(text), file.span().clone()))
        }
        Err(error) => {
            let fault = Fault::new(format!("`{}` cannot be read: {error}", file.get()));
            findings.add(file.span(), fault);
            None
        }
    }
}
