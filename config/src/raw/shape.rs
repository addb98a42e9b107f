//! Building stones of the raw structs: values that know where they stand, and
//! texts that say what they should have been.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_spanned::Spanned;

use crate::origin::Span;

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    span: Span,
    value: T,
}

impl<T> At<T> {
    /// Where it was written.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// The value.
    pub(crate) fn get(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self {
            span: spanned.span(),
            value: spanned.into_inner(),
        })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// Declares a text whose wrong types are explained in the words given.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, JsonSchema)]
        pub(crate) struct $name(String);

        impl $name {
            /// The text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text($expected)).map(Self)
            }
        }
    };
}

text!(
    /// A duration, as in `30s`, `2h` or `1h30m`.
    DurationText,
    "a duration in quotes, as in \"30s\""
);
text!(
    /// A duration, as in `365d`, or `off`.
    HstsText,
    "a duration in quotes, or \"off\""
);
text!(
    /// A size, as in `64KiB`; some may be `unlimited`.
    SizeText,
    "a size in quotes, as in \"64KiB\""
);
/// Takes a text, and names what it wanted when it gets something else.
struct Text(&'static str);

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}
