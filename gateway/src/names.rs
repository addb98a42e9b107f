//! Header names that a client may not speak in: one set, compared in one spelling.
//!
//! Owns the list. Must not know values, nor what is set afterwards.
//!
//! Servers that hand headers on as variables make `-` and `_` (some also `.`) one character,
//! so `Remote_User` is `Remote-User` to them. A name is compared in lower case with everything
//! but letters and digits read as `-`.

use doorward_config::{IdentityHeaders, IdentityPreset};

/// The header of the signed assertion. Nobody else may set it, whether or not it is in use.
pub const ASSERTION: &str = "X-Doorward-Assertion";

/// What is removed by its beginning.
const FAMILIES: [&[u8]; 3] = [b"x-forwarded-", b"x-original-", b"x-rewrite-"];

/// What else says where a request comes from, or which it is.
const OTHERS: [&[u8]; 14] = [
    b"cf-connecting-ip",
    b"cf-connecting-ipv6",
    b"fastly-client-ip",
    b"forwarded",
    // gunicorn takes what SCRIPT_NAME says off the path, when the peer is one that it trusts: its own machine is.
    b"path-info",
    // Becomes HTTP_PROXY in CGI, which sends the upstream's own requests through it.
    b"proxy",
    b"script-name",
    b"true-client-ip",
    b"x-client-ip",
    b"x-cluster-client-ip",
    b"x-forwarded",
    b"x-real-ip",
    b"x-request-id",
    b"x-script-name",
];

/// What changes the method behind the back of a rule that looks at methods.
const OVERRIDES: [&[u8]; 3] = [
    b"x-http-method",
    b"x-http-method-override",
    b"x-method-override",
];

/// Whether headers that change the method are passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodOverride {
    /// Passed on: no rule of the site looks at methods.
    Pass,
    /// Removed.
    Remove,
}

/// Why a header is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It claims to be somebody.
    Identity,
    /// It says how the request came here; a trusted proxy's was read before.
    Forwarding,
    /// It asks for another method.
    Method,
}

/// The names to remove, for one site.
#[derive(Debug, Clone)]
pub struct StripSet {
    /// Sorted, in the compared spelling.
    names: Vec<(Box<[u8]>, Kind)>,
    /// First characters of any of them: most headers of most requests have none of these.
    first: [bool; 256],
}

impl StripSet {
    /// The union of every preset and every name in `own`, which should be those of all sites:
    /// several may share an upstream.
    #[must_use]
    pub fn new<'a>(own: impl IntoIterator<Item = &'a str>, overrides: MethodOverride) -> Self {
        let presets = IdentityPreset::ALL.map(IdentityPreset::headers);
        let spelled = |name: &str| (spell(name.as_bytes()), Kind::Identity);
        let identity = presets
            .iter()
            .flat_map(IdentityHeaders::names)
            .map(spelled)
            .chain(own.into_iter().map(spelled))
            .chain([spelled(ASSERTION)]);
        let others = OTHERS.iter().map(|name| ((*name).into(), Kind::Forwarding));
        let methods = match overrides {
            MethodOverride::Pass => &[][..],
            MethodOverride::Remove => &OVERRIDES,
        };
        let methods = methods.iter().map(|name| ((*name).into(), Kind::Method));
        let mut names: Vec<_> = identity.chain(others).chain(methods).collect();
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        names.dedup_by(|(later, _), (first, _)| later == first);

        let mut first = [false; 256];
        let beginnings = names.iter().map(|(name, _)| &**name).chain(FAMILIES);
        for byte in beginnings.filter_map(|name| name.first()) {
            if let Some(known) = first.get_mut(usize::from(*byte)) {
                *known = true;
            }
        }
        Self { names, first }
    }

    /// Every name, in the compared spelling; `*` stands for whatever follows.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let families = FAMILIES.iter().map(move |family| text(family) + "*");
        self.names
            .iter()
            .map(move |(name, _)| text(name))
            .chain(families)
    }

    /// Why a header of this name is removed; `None` if it is not. Allocates nothing.
    #[must_use]
    pub fn kind(&self, name: &[u8]) -> Option<Kind> {
        let first = usize::from(compared(*name.first()?));
        if self.first.get(first) != Some(&true) {
            return None;
        }
        let spelled = || name.iter().map(|byte| compared(*byte));
        let found = self
            .names
            .binary_search_by(|(own, _)| own.iter().copied().cmp(spelled()));
        if let Ok(at) = found {
            return self.names.get(at).map(|(_, kind)| *kind);
        }
        let begins = |family: &&[u8]| {
            name.len() >= family.len() && family.iter().copied().eq(spelled().take(family.len()))
        };
        FAMILIES.iter().any(begins).then_some(Kind::Forwarding)
    }
}

/// One character of the compared spelling.
fn compared(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

fn spell(name: &[u8]) -> Box<[u8]> {
    name.iter().map(|byte| compared(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set() -> StripSet {
        StripSet::new(["X-Own.Header", "1st-Person"], MethodOverride::Pass)
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn every_spelling_of_every_name() {
        for (names, kind) in [
            (
                &[
                    "Remote-User",
                    "remote-user",
                    "REMOTE_USER",
                    "Remote.Groups",
                    "remote~email",
                    "Remote_Name",
                    "X-Forwarded-User",
                    "X_Forwarded_Groups",
                    "X-Auth-Request-Email",
                    "X-WEBAUTH-ROLE",
                    "x_authentik-uid",
                    "X-Doorward-Assertion",
                    "x_doorward.assertion",
                    "X_OWN-HEADER",
                    "1st.person",
                ][..],
                Some(Kind::Identity),
            ),
            (
                &[
                    "X-Forwarded-For",
                    "X_Forwarded_Proto",
                    "x.forwarded.anything",
                    "X-Forwarded",
                    "Forwarded",
                    "X-Original-URL",
                    "X-Original-Method",
                    "X_Rewrite-URL",
                    "True-Client-IP",
                    "X-Real-IP",
                    "x_real_ip",
                    "X-Request-Id",
                    "Proxy",
                    "SCRIPT_NAME",
                    "Path-Info",
                    "X_Script-Name",
                ],
                Some(Kind::Forwarding),
            ),
            (
                &[
                    "Host",
                    "Cookie",
                    "Authorization",
                    "X-Requested-With",
                    "Remote",
                    "Remote-Users",
                    "RemoteUser",
                    "X-Forwarde",
                    "X-Original",
                    "Forwarded-To",
                    "Proxy-Connection",
                    "traceparent",
                    "X-HTTP-Method-Override",
                    "",
                    "-",
                ],
                None,
            ),
        ] {
            for name in names {
                assert_eq!(set().kind(name.as_bytes()), kind, "{name}");
            }
        }
    }

    #[test]
    fn methods_are_overridden_only_where_none_is_looked_at() {
        let strict = StripSet::new([], MethodOverride::Remove);
        for name in [
            "X-HTTP-Method-Override",
            "x_http_method",
            "X-Method-Override",
        ] {
            assert_eq!(strict.kind(name.as_bytes()), Some(Kind::Method), "{name}");
            assert_eq!(set().kind(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn every_name_that_we_may_set_is_among_them() {
        for preset in IdentityPreset::ALL {
            for name in preset.headers().names() {
                assert_eq!(set().kind(name.as_bytes()), Some(Kind::Identity), "{name}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_spelling_gets_past(
            name in proptest::sample::select(vec!["remote-user", "x-webauth-user", "x-own-header"]),
            upper: u32,
            separators in "[-_.]{4}",
        ) {
            let mut separator = separators.chars();
            let spelled: String = name
                .chars()
                .enumerate()
                .map(|(at, c)| match c {
                    '-' => separator.next().unwrap(),
                    c if upper >> (at % 32) & 1 == 1 => c.to_ascii_uppercase(),
                    c => c,
                })
                .collect();
            prop_assert_eq!(set().kind(spelled.as_bytes()), Some(Kind::Identity));
        }
    }
}
