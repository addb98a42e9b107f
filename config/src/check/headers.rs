//! The identity headers of a site: a preset, or own names.

use http::HeaderName;

use crate::problem::{Fault, Findings};
use crate::raw::{At, Identity, IdentityMap};
use crate::{IdentityHeaders, IdentityPreset};

pub(super) fn check(
    identity: Option<&At<Identity>>,
    findings: &mut Findings<'_>,
) -> IdentityHeaders {
    let Some(identity) = identity else {
        return IdentityPreset::Remote.headers();
    };
    match identity.get() {
        Identity::Preset(preset) => preset.headers(),
        Identity::Own(map) => {
            let names = [&map.user, &map.groups, &map.email, &map.name];
            if names.iter().all(|name| name.is_none()) && !findings.is_damaged(identity.span()) {
                let fault = Fault::new("this table names no header");
                findings.add(identity.span(), fault.help("identity = \"none\" sets none"));
            }
            own(map, findings)
        }
    }
}

fn own(map: &IdentityMap, findings: &mut Findings<'_>) -> IdentityHeaders {
    let mut seen: Vec<String> = Vec::new();
    let mut name = |value: &Option<At<String>>| {
        let value = value.as_ref()?;
        let checked = header(value.get()).and_then(|name| {
            let folded = fold(&name);
            if seen.contains(&folded) {
                return Err(Fault::new(format!("`{name}` is used twice")));
            }
            seen.push(folded);
            Ok(name)
        });
        checked
            .map_err(|fault| findings.add(value.span(), fault))
            .ok()
    };
    IdentityHeaders {
        user: name(&map.user),
        groups: name(&map.groups),
        email: name(&map.email),
        name: name(&map.name),
        ..IdentityHeaders::none()
    }
}

/// Upstreams read `-`, `_` and `.` in header names alike.
fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn header(name: &str) -> Result<String, Fault> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(Fault::new(format!("`{name}` is not the name of a header"))
            .help("for example \"X-User\""));
    }
    let folded = fold(name);
    let taken = TAKEN.contains(&folded.as_str())
        || TAKEN_BEGINNINGS
            .iter()
            .any(|start| folded.starts_with(start));
    if taken {
        return Err(Fault::new(format!(
            "`{name}` has a meaning of its own, and cannot carry an identity"
        ))
        .help("for example \"X-User\""));
    }
    Ok(name.to_owned())
}

/// Headers that HTTP, browsers or the gateway itself use. An identity header is
/// removed from every request before it is set, so taking one of these would
/// break what it is for.
const TAKEN: [&str; 44] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "host",
    "keep-alive",
    "origin",
    "pragma",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-http-method-override",
    "x-real-ip",
    "x-request-id",
    "x-requested-with",
];

/// Beginnings of such headers.
const TAKEN_BEGINNINGS: [&str; 7] = [
    "access-control-",
    "if-",
    "proxy-",
    "sec-",
    "x-doorward-",
    "x-original-",
    "x-rewrite-",
];
