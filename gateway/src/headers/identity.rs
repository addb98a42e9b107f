//! The person, in the words of one site's upstream.
//!
//! Owns which value goes into which header. Values are made once for a session and a site, so
//! that a request only clones them.

use bytes::Bytes;
use doorward_config::{IdentityHeaders, RoleList};
use doorward_identity::AccountId;
use doorward_identity::session::Record;
use http::header::InvalidHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue};
use pingora_http::ResponseHeader;
use thiserror::Error;

/// The headers of one site, ready to be set.
#[derive(Debug, Clone)]
pub struct IdentityNames {
    user: Vec<HeaderName>,
    email: Option<HeaderName>,
    name: Option<HeaderName>,
    uid: Option<HeaderName>,
    groups: Option<HeaderName>,
    role_list: RoleList,
}

impl IdentityNames {
    /// Takes the names as they are configured.
    ///
    /// # Errors
    /// One is no name of a header; reading the configuration finds that first.
    pub fn new(headers: &IdentityHeaders) -> Result<Self, InvalidHeaderName> {
        let read = |name: &Option<String>| name.as_deref().map(str::parse).transpose();
        Ok(Self {
            user: [&headers.user, &headers.preferred_username]
                .into_iter()
                .filter_map(|name| read(name).transpose())
                .collect::<Result<_, _>>()?,
            email: read(&headers.email)?,
            name: read(&headers.name)?,
            uid: read(&headers.uid)?,
            groups: read(&headers.groups)?,
            role_list: headers.role_list,
        })
    }
}

/// Somebody who is to be named.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The account.
    pub account: AccountId,
    /// The username, or the e-mail where there is none.
    pub user: &'a str,
    /// The e-mail, only if it is verified.
    pub email: Option<&'a str>,
    /// The name for people to read; may be empty.
    pub name: &'a str,
    /// Roles.
    pub roles: &'a [String],
}

impl<'a> From<&'a Record> for Named<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            account: record.account,
            user: &record.user,
            email: record.email.as_deref(),
            name: &record.name,
            roles: &record.roles,
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
pub struct IdentityValues(Vec<(HeaderName, HeaderValue)>);

impl IdentityValues {
    /// Puts somebody into a site's headers.
    ///
    /// # Errors
    /// A value would not arrive as it is; then nobody may be told anything.
    pub fn new(names: &IdentityNames, who: Named<'_>) -> Result<Self, Unspeakable> {
        let email = who.email.unwrap_or("");
        let roles = roles(names.role_list, who.roles)?;
        let uid = who.account.to_string();
        let users = names.user.iter().map(|name| (name, "user", who.user));
        let others = [
            (&names.email, "e-mail address", email),
            (&names.name, "name", who.name.trim()),
            (&names.uid, "id", &uid),
            (&names.groups, "roles", &roles),
        ];
        let others = others.into_iter();
        let others = others.filter_map(|(name, what, text)| Some((name.as_ref()?, what, text)));
        let told: Vec<_> = users.chain(others).collect();
        // In one piece: a request clones them all, and finds them in one place.
        let mut rest = Bytes::from(told.iter().map(|(.., text)| *text).collect::<String>());
        let values = told.iter().map(|(name, what, text)| {
            let bytes = rest.split_to(text.len());
            Ok(((*name).clone(), value(what, text, bytes)?))
        });
        values.collect::<Result<_, _>>().map(Self)
    }

    /// The same headers of somebody who is nobody: all of them, and all empty.
    #[must_use]
    pub fn nobody(names: &IdentityNames) -> Self {
        let others = [&names.email, &names.name, &names.uid, &names.groups];
        let names = names.user.iter().chain(others.into_iter().flatten());
        Self(
            names
                .map(|name| (name.clone(), HeaderValue::from_static("")))
                .collect(),
        )
    }

    pub(super) fn tell(&self, answer: &mut ResponseHeader) -> pingora_error::Result<()> {
        self.0
            .iter()
            .try_for_each(|(name, value)| answer.insert_header(name, value.clone()))
    }

    pub(super) fn insert_into(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
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
fn value(what: &'static str, text: &str, bytes: Bytes) -> Result<HeaderValue, Unspeakable> {
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(Unspeakable::Value(what));
    }
    HeaderValue::from_maybe_shared(bytes).map_err(|_| Unspeakable::Value(what))
}
