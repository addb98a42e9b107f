//! Bearer tokens (RFC 6750): whether one is good for the origin that it was brought to.
//!
//! Owns which origin that is. Must not know sessions or rules.

use doorward_identity::access_token::{self, Checked, NotGood};
use doorward_identity::keys::KeyRing;
pub use doorward_login_ui::bearer::{Presented, find};
use jiff::Timestamp;

use crate::context::Visit;

/// Judges a token by its signature and by what it says; whether its session is live is asked next.
///
/// # Errors
/// It is not good for this visit's origin, now.
pub fn check(
    keys: &KeyRing,
    portal_origin: Option<&str>,
    visit: &Visit,
    token: &str,
    now: Timestamp,
) -> Result<Checked, NotGood> {
    let keys = keys.now();
    match portal_origin {
        Some(origin) => access_token::check(&keys, origin, token, now),
        None => access_token::check(&keys, &own_origin(visit), token, now),
    }
}

/// `https://app.example.com`: the port only where it is not the scheme's own.
fn own_origin(visit: &Visit) -> String {
    let (scheme, name) = (visit.client.scheme, visit.host.name());
    match visit.host.port() {
        Some(port) if port != scheme.default_port() => {
            format!("{}://{name}:{port}", scheme.as_str())
        }
        Some(_) | None => format!("{}://{name}", scheme.as_str()),
    }
}
