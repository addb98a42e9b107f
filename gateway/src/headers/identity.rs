//! The person, in the words of one site's upstream.
//!
//! Owns which value goes into which header. Values are made once for a session and a site, so
//! that a request only clones them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

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
    names: Arc<[HeaderName]>,
    /// What each of them says.
    said: Vec<Said>,
    role_list: RoleList,
}

/// What a header says about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    User,
    Email,
    Name,
    Id,
    Roles,
}

impl IdentityNames {
    /// Takes the names as they are configured.
    ///
    /// # Errors
    /// One is no name of a header; reading the configuration finds that first.
    pub fn new(headers: &IdentityHeaders) -> Result<Self, InvalidHeaderName> {
        let configured = [
            (&headers.user, Said::User),
            (&headers.preferred_username, Said::User),
            (&headers.email, Said::Email),
            (&headers.name, Said::Name),
            (&headers.uid, Said::Id),
            (&headers.groups, Said::Roles),
        ];
        let told = configured.into_iter();
        let told = told.filter_map(|(name, said)| Some((name.as_deref()?, said)));
        let names = told.clone().map(|(name, _)| interned(name));
        Ok(Self {
            names: names.collect::<Result<_, _>>()?,
            said: told.map(|(_, said)| said).collect(),
            role_list: headers.role_list,
        })
    }
}

/// A name for as long as the process lives: each request clones it, on all threads, and then none of them counts.
fn interned(name: &str) -> Result<HeaderName, InvalidHeaderName> {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let name: HeaderName = name.parse()?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = known.get(name.as_str()).copied();
    let text = text.unwrap_or_else(|| Box::leak(name.as_str().into()));
    known.insert(text);
    Ok(HeaderName::from_static(text))
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
pub struct IdentityValues {
    names: Arc<[HeaderName]>,
    values: Box<[HeaderValue]>,
}

impl IdentityValues {
    /// Puts somebody into a site's headers.
    ///
    /// # Errors
    /// A value would not arrive as it is; then nobody may be told anything.
    pub fn new(names: &IdentityNames, who: Named<'_>) -> Result<Self, Unspeakable> {
        let roles = roles(names.role_list, who.roles)?;
        let uid = who.account.to_string();
        let told = names.said.iter().map(|said| match said {
            Said::User => ("user", who.user),
            Said::Email => ("e-mail address", who.email.unwrap_or("")),
            Said::Name => ("name", who.name.trim()),
            Said::Id => ("id", uid.as_str()),
            Said::Roles => ("roles", roles.as_str()),
        });
        // In one piece: a request clones them all, and finds them in one place.
        let mut rest = Bytes::from(told.clone().map(|(_, text)| text).collect::<String>());
        let values = told.map(|(what, text)| value(what, text, rest.split_to(text.len())));
        Ok(Self {
            names: Arc::clone(&names.names),
            values: values.collect::<Result<_, _>>()?,
        })
    }

    /// The same headers of somebody who is nobody: all of them, and all empty.
    #[must_use]
    pub fn nobody(names: &IdentityNames) -> Self {
        let empty = |_| HeaderValue::from_static("");
        Self {
            names: Arc::clone(&names.names),
            values: names.said.iter().map(empty).collect(),
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.names.iter().zip(&self.values)
    }

    pub(super) fn tell(&self, answer: &mut ResponseHeader) -> pingora_error::Result<()> {
        self.fields()
            .try_for_each(|(name, value)| answer.insert_header(name, value.clone()))
    }

    pub(super) fn insert_into(&self, headers: &mut HeaderMap) {
        for (name, value) in self.fields() {
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
