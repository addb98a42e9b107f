//! The person, in the words of one site's upstream.
//!
//! Owns which value goes into which header. Values are made once for a session and a site, so
//! that a request only clones them.

use bytes::Bytes;
use doorward_config::{IdentityHeaders, RoleList};
use doorward_identity::session::Record;
use http::HeaderValue;
use pingora_error::Result;
use pingora_http::RequestHeader;
use thiserror::Error;

/// The headers of one site, ready to be set.
#[derive(Debug, Clone)]
pub struct IdentityNames {
    user: Vec<Bytes>,
    email: Option<Bytes>,
    name: Option<Bytes>,
    uid: Option<Bytes>,
    groups: Option<Bytes>,
    role_list: RoleList,
}

impl IdentityNames {
    /// Takes the names as they are configured; they are sent in that spelling.
    #[must_use]
    pub fn new(headers: &IdentityHeaders) -> Self {
        let spelled = |name: &Option<String>| name.clone().map(Bytes::from);
        Self {
            user: [&headers.user, &headers.preferred_username]
                .into_iter()
                .filter_map(spelled)
                .collect(),
            email: spelled(&headers.email),
            name: spelled(&headers.name),
            uid: spelled(&headers.uid),
            groups: spelled(&headers.groups),
            role_list: headers.role_list,
        }
    }
}

/// Something about a person that no header can carry unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unspeakable {
    /// A control character, or a user or role with blanks around it.
    #[error("the {0} does not fit into a header")]
    Value(&'static str),
    /// A role with the separator in it, which would arrive as two.
    #[error("a role contains the separator of the upstream's role list")]
    Separator,
}

/// What one upstream is told about one person: every header of the site exactly once, empty
/// where there is nothing to say, so that an upstream never believes somebody else's.
#[derive(Debug, Clone)]
pub struct IdentityValues(Vec<(Bytes, HeaderValue)>);

impl IdentityValues {
    /// Puts a session's rights into a site's headers.
    ///
    /// # Errors
    /// A value would not arrive as it is; then nobody may be told anything.
    pub fn new(names: &IdentityNames, record: &Record) -> Result<Self, Unspeakable> {
        let email = record.email.as_deref().unwrap_or("");
        let roles = roles(names.role_list, &record.roles)?;
        let uid = record.account.to_string();
        let mut values = Vec::new();
        let mut tell = |name: &Bytes, what, text: &str| {
            values.push((name.clone(), value(what, text)?));
            Ok(())
        };
        for name in &names.user {
            tell(name, "user", &record.user)?;
        }
        for (name, what, text) in [
            (&names.email, "e-mail address", email),
            (&names.name, "name", record.name.trim()),
            (&names.uid, "id", &uid),
            (&names.groups, "roles", &roles),
        ] {
            if let Some(name) = name {
                tell(name, what, text)?;
            }
        }
        Ok(Self(values))
    }

    pub(super) fn insert_into(&self, request: &mut RequestHeader) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|(name, value)| request.insert_header(name.clone(), value.clone()))
    }
}

fn roles(list: RoleList, roles: &[String]) -> Result<String, Unspeakable> {
    match list {
        RoleList::First => Ok(roles.first().map_or("", String::as_str).to_owned()),
        RoleList::Joined(separator) => {
            if roles.iter().any(|role| role.contains(separator)) {
                return Err(Unspeakable::Separator);
            }
            if roles.iter().any(|role| role.trim() != role) {
                return Err(Unspeakable::Value("roles"));
            }
            Ok(roles.join(separator.encode_utf8(&mut [0; 4])))
        }
    }
}

/// UTF-8 as it is. Blanks at the ends would be trimmed on the way: ` anna` would become `anna`.
fn value(what: &'static str, text: &str) -> Result<HeaderValue, Unspeakable> {
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(Unspeakable::Value(what));
    }
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Unspeakable::Value(what))
}
