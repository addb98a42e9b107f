//! What requests show to be let in.

use crate::case::Protocol;
use crate::load::COOKIES;

/// The name of Doorward's session cookie; over TLS it has a prefix.
pub const SESSION: &str = "doorward";

/// What requests show.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing.
    None,
    /// A cookie of this name, with these values in turn.
    Cookie { name: String, values: Vec<String> },
    /// A token for either scheme.
    Bearer { http: String, https: String },
}

impl Credential {
    /// A header and its values, one a request.
    pub fn lines(&self, protocol: Protocol) -> (&'static str, Vec<String>) {
        match self {
            Self::None => ("Cookie", vec![COOKIES.to_owned()]),
            Self::Cookie { name, values } => {
                let prefix = match name == SESSION && protocol.is_secure() {
                    true => "__Host-",
                    false => "",
                };
                let line = |value| format!("{COOKIES}; {prefix}{name}={value}");
                ("Cookie", values.iter().map(line).collect())
            }
            Self::Bearer { http, https } => {
                let token = if protocol.is_secure() { https } else { http };
                ("Authorization", vec![format!("Bearer {token}")])
            }
        }
    }
}
