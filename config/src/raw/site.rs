//! Sites and rules as they are written.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{At, DurationText, HstsText, SizeText};
use crate::{IdentityPreset, OnUnauthenticated, PathStyle, Require};

/// One protected site.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Site {
    /// Label in metrics and logs; absent, the host.
    pub(crate) name: Option<At<String>>,
    /// One host, `"*.example.com"`, or `"*"` for any.
    pub(crate) host: Option<At<String>>,
    /// Where its requests go.
    pub(crate) upstream: Option<At<UpstreamText>>,
    /// PEM file of the authorities that `https://` upstreams are checked against; absent, the system's.
    pub(crate) upstream_ca: Option<At<String>>,
    /// How upstreams are asked whether they are well; absent, only failing to connect counts.
    pub(crate) health_check: Option<At<HealthCheck>>,
    /// The headers that tell the upstream who is asking.
    pub(crate) identity: Option<At<Identity>>,
    /// Whether the upstream is told who is asking in a signed form too, `X-Doorward-Assertion`.
    pub(crate) assertion: Option<At<bool>>,
    /// Which spellings of a path are let through.
    pub(crate) paths: Option<At<PathStyle>>,
    /// What a request without a session gets.
    pub(crate) on_unauthenticated: Option<At<OnUnauthenticated>>,
    /// Origins besides the site's own that may open a WebSocket.
    pub(crate) websocket_origins: Option<At<Vec<At<String>>>>,
    /// Size of a request body; absent, that of `limits.body`.
    pub(crate) body_limit: Option<At<SizeText>>,
    /// Longest wait for a connection to the upstream.
    pub(crate) connect_timeout: Option<At<DurationText>>,
    /// Longest wait for the upstream's answer to begin.
    pub(crate) response_timeout: Option<At<DurationText>>,
    /// How long browsers that came by HTTPS come by nothing else (RFC 6797), or `"off"`.
    pub(crate) hsts: Option<At<HstsText>>,
    /// The first whose `path` and `methods` match decides.
    pub(crate) rule: Option<At<Vec<At<Rule>>>>,
}

/// How upstreams are asked whether they are well.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HealthCheck {
    /// Path of a `GET` that is answered with 2xx or 3xx, as in `"/healthz"`.
    pub(crate) path: Option<At<String>>,
    /// From one question to the next, and the longest wait for an answer.
    pub(crate) interval: Option<At<DurationText>>,
}

/// `http://`, `https://` or `h2c://host:port`, `unix:/path`, `files:DIR` or `none`; or a list of the first two, to
/// balance over.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum UpstreamText {
    /// The only one.
    One(String),
    /// Several.
    List(Vec<At<String>>),
}

/// One rule of a site.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rule {
    /// Path pattern, as in `"/public/**"`; absent, every path.
    pub(crate) path: Option<At<String>>,
    /// Methods; absent, every one.
    pub(crate) methods: Option<At<Vec<At<String>>>>,
    /// Networks the client must be in; absent, wherever it is.
    pub(crate) from: Option<At<Vec<At<String>>>>,
    /// Who may.
    pub(crate) allow: Option<At<AllowText>>,
    /// What the session must have besides.
    pub(crate) require: Option<At<Require>>,
}

/// A preset of identity headers by name, or a table of own names.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Identity {
    /// By name.
    Preset(IdentityPreset),
    /// Own names.
    Own(IdentityMap),
}

/// Own names of identity headers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IdentityMap {
    /// For the username.
    pub(crate) user: Option<At<String>>,
    /// For the roles, with commas between.
    pub(crate) groups: Option<At<String>>,
    /// For the e-mail address.
    pub(crate) email: Option<At<String>>,
    /// For the display name.
    pub(crate) name: Option<At<String>>,
}

/// One word, or a list of who may.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum AllowText {
    /// `anyone`, `signed_in` or `nobody`.
    Word(String),
    /// `role:NAME` and `user:NAME`.
    List(Vec<At<String>>),
}

// All three are read by hand, because serde's untagged enums forget where inside the
// table or list the mistake was.

impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Identity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a preset in quotes, or a table of header names")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Identity, E> {
                IdentityPreset::deserialize(StrDeserializer::new(text)).map(Identity::Preset)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Identity, A::Error> {
                IdentityMap::deserialize(MapAccessDeserializer::new(map)).map(Identity::Own)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for UpstreamText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = UpstreamText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "one upstream in quotes, as in \"http://127.0.0.1:3000\", or a list of them",
                )
            }

            fn visit_str<E>(self, text: &str) -> Result<UpstreamText, E> {
                Ok(UpstreamText::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<UpstreamText, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(UpstreamText::List)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for AllowText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = AllowText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "one word in quotes, as in \"signed_in\", or a list as in [\"role:admin\"]",
                )
            }

            fn visit_str<E>(self, text: &str) -> Result<AllowText, E> {
                Ok(AllowText::Word(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<AllowText, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(AllowText::List)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
