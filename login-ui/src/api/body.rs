//! What a program sent: a JSON object whose members are text.
//!
//! Owns what is refused of it before anybody asks what it means, and how that is told. Must not know which members there
//! are.

use std::ops::Deref;

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::Ui;
use crate::failure::Failure;
use crate::form::{self, Unread};
use crate::problem;

/// What is said of a member that is not there.
const NEEDED: &str = "This is needed.";

/// A document of at most 64 KiB that arrives within 15 seconds. Members that are not known do not count; each of `T` has
/// to have a default.
pub(super) struct Sent<T>(pub(super) T);

/// A member. One that is absent or `null` reads as empty, as in a form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text(String);

/// Why a document was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It was not read at all: 408, 413, 415.
    Unread(Unread),
    /// It is not JSON, or has a member twice: 400.
    Malformed,
    /// It is JSON, and no object: 422.
    NoObject,
    /// These members are no text: 422.
    NoText(Vec<String>),
}

impl<T: DeserializeOwned> FromRequest<Ui> for Sent<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &Ui) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = form::bytes(&parts.headers, body).await?;
        let kind = parts.headers.get(CONTENT_TYPE);
        if !kind.is_some_and(is_json) {
            return Err(Unread::WrongType.into());
        }
        read(&bytes).map(Self)
    }
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Unread(unread) => Failure::from(unread).into_response(),
            Self::Malformed => problem::response(
                StatusCode::BAD_REQUEST,
                Some("This is not JSON, or has a member twice."),
            ),
            Self::NoObject => problem::invalid([("", "This has to be an object.")]),
            Self::NoText(members) => problem::invalid(
                members
                    .iter()
                    .map(|member| (&**member, "This has to be text.")),
            ),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let said = Option::<String>::deserialize(from)?;
        Ok(Self(said.unwrap_or_default()))
    }
}

/// What to answer when some of the members that are needed are empty.
pub(super) fn missing(needed: &[(&str, &Text)]) -> Option<Response> {
    let empty = needed.iter().filter(|(_, text)| text.is_empty());
    let empty: Vec<_> = empty.map(|(member, _)| (*member, NEEDED)).collect();
    (!empty.is_empty()).then(|| problem::invalid(empty))
}

fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.as_bytes().split(|byte| *byte == b';').next();
    kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let document = serde_json::from_slice(bytes).map_err(|_| Refused::Malformed)?;
    // An array would be taken for the members in their order.
    let Value::Object(members) = document else {
        return Err(Refused::NoObject);
    };
    serde_json::from_slice(bytes).map_err(|_| blame::<T>(members))
}

/// The members that are refused each by itself. When none is, one of them comes twice.
fn blame<T: DeserializeOwned>(members: Map<String, Value>) -> Refused {
    let alone = |(name, value): (String, Value)| {
        let document = Value::Object(Map::from_iter([(name.clone(), value)]));
        serde_json::from_value::<T>(document)
            .is_err()
            .then_some(name)
    };
    let blamed: Vec<String> = members.into_iter().filter_map(alone).collect();
    if blamed.is_empty() {
        Refused::Malformed
    } else {
        Refused::NoText(blamed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Form {
        #[serde(default)]
        name: Text,
        #[serde(default)]
        code: Text,
    }

    fn form(name: &str, code: &str) -> Form {
        let [name, code] = [name, code].map(|text| Text(text.to_owned()));
        Form { name, code }
    }

    #[test]
    fn members_are_text_and_null_is_not_said() {
        for (document, read_as) in [
            ("{}", form("", "")),
            (r#"{"name":"a","code":"b"}"#, form("a", "b")),
            (r#"{"name":null,"code":"b"}"#, form("", "b")),
            (
                r#"{"name":"a","more":[{"name":5}],"else":null}"#,
                form("a", ""),
            ),
        ] {
            assert_eq!(read(document.as_bytes()), Ok(read_as), "{document}");
        }
    }

    #[test]
    fn every_member_that_is_no_text_is_named() {
        for value in ["5", "true", "[]", "{}", r#"["a"]"#] {
            let document = format!(r#"{{"name":{value},"code":{value},"more":{value}}}"#);
            let named = Refused::NoText(vec!["code".to_owned(), "name".to_owned()]);
            assert_eq!(read::<Form>(document.as_bytes()), Err(named), "{document}");
        }
    }

    #[test]
    fn only_an_object_has_members() {
        for document in ["[]", r#"["a","b"]"#, "5", r#""a""#, "null", "true"] {
            let refused = read::<Form>(document.as_bytes());
            assert_eq!(refused, Err(Refused::NoObject), "{document}");
        }
    }

    #[test]
    fn what_is_not_json_or_contradicts_itself_is_not_read() {
        for document in [
            "",
            "{",
            "{}{}",
            r#"{"name":"a","name":"a"}"#,
            r#"{"name":5,"name":"a"}"#,
        ] {
            let refused = read::<Form>(document.as_bytes());
            assert_eq!(refused, Err(Refused::Malformed), "{document}");
        }
        assert_eq!(
            read::<Form>(b"{\"name\":\"\xff\"}"),
            Err(Refused::Malformed)
        );
    }
}
