//! The headers that tell an upstream who is asking.

use schemars::JsonSchema;
use serde::Deserialize;

/// Which headers one site's upstream is told the person in. Absent ones are not
/// set. Spelled as the upstream's documentation spells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// The username, or the e-mail address where there is none.
    pub user: Option<String>,
    /// The same value as `user`, for upstreams that look in a second place.
    pub preferred_username: Option<String>,
    /// The verified e-mail address.
    pub email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The account's id.
    pub uid: Option<String>,
    /// The roles, put together as `role_list` says.
    pub groups: Option<String>,
    /// How roles are put into `groups`.
    pub role_list: RoleList,
}

/// How roles are put into one header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleList {
    /// All of them, with this between.
    Joined(char),
    /// The first alone.
    First,
}

/// The sets of headers that known upstreams read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityPreset {
    /// `Remote-User` and its like: Authelia's, and what most upstreams know.
    Remote,
    /// `X-Forwarded-User` and its like: oauth2-proxy towards its upstream.
    XForwarded,
    /// `X-Auth-Request-User` and its like: oauth2-proxy towards nginx.
    XAuthRequest,
    /// `X-WEBAUTH-USER` and its like: Grafana's.
    XWebauth,
    /// `X-authentik-username` and its like.
    Authentik,
    /// Nothing is told.
    None,
}

impl IdentityPreset {
    /// Every preset, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Remote,
        Self::XForwarded,
        Self::XAuthRequest,
        Self::XWebauth,
        Self::Authentik,
        Self::None,
    ];

    /// Its name in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::XForwarded => "x-forwarded",
            Self::XAuthRequest => "x-auth-request",
            Self::XWebauth => "x-webauth",
            Self::Authentik => "authentik",
            Self::None => "none",
        }
    }

    /// The headers it stands for.
    #[must_use]
    pub fn headers(self) -> IdentityHeaders {
        let name = |text: &str| Some(text.to_owned());
        match self {
            Self::Remote => IdentityHeaders {
                user: name("Remote-User"),
                groups: name("Remote-Groups"),
                email: name("Remote-Email"),
                name: name("Remote-Name"),
                ..IdentityHeaders::none()
            },
            Self::XForwarded => IdentityHeaders {
                user: name("X-Forwarded-User"),
                email: name("X-Forwarded-Email"),
                groups: name("X-Forwarded-Groups"),
                preferred_username: name("X-Forwarded-Preferred-Username"),
                ..IdentityHeaders::none()
            },
            Self::XAuthRequest => IdentityHeaders {
                user: name("X-Auth-Request-User"),
                email: name("X-Auth-Request-Email"),
                groups: name("X-Auth-Request-Groups"),
                preferred_username: name("X-Auth-Request-Preferred-Username"),
                ..IdentityHeaders::none()
            },
            Self::XWebauth => IdentityHeaders {
                user: name("X-WEBAUTH-USER"),
                email: name("X-WEBAUTH-EMAIL"),
                name: name("X-WEBAUTH-NAME"),
                groups: name("X-WEBAUTH-ROLE"),
                role_list: RoleList::First,
                ..IdentityHeaders::none()
            },
            Self::Authentik => IdentityHeaders {
                user: name("X-authentik-username"),
                email: name("X-authentik-email"),
                name: name("X-authentik-name"),
                uid: name("X-authentik-uid"),
                groups: name("X-authentik-groups"),
                role_list: RoleList::Joined('|'),
                ..IdentityHeaders::none()
            },
            Self::None => IdentityHeaders::none(),
        }
    }
}

impl IdentityHeaders {
    /// No header at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            user: None,
            preferred_username: None,
            email: None,
            name: None,
            uid: None,
            groups: None,
            role_list: RoleList::Joined(','),
        }
    }

    /// Every header name in use, as spelled.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [
            &self.user,
            &self.preferred_username,
            &self.email,
            &self.name,
            &self.uid,
            &self.groups,
        ]
        .into_iter()
        .filter_map(|name| name.as_deref())
    }
}
