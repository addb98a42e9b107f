//! One configuration, ready to be asked: what a request sees from its beginning to its end.
//!
//! Owns the compiled sites, the portal's place, the limits and the pages of refusals. Must not know requests.

use std::sync::Arc;
use std::time::Duration;

use doorward_config::{Allow, HostPattern, Live, OnUnauthenticated, PathStyle, Rule};
use http::HeaderValue;
use http::header::InvalidHeaderValue;

use crate::client::TrustedProxies;
use crate::headers::IdentityNames;
use crate::metrics::{Metrics, SiteMetrics};
use crate::names::{MethodOverride, StripSet};
use crate::pages::Opened;
use crate::policy::Rules;
use crate::refusal::Plates;
use crate::route::Routes;
use crate::session_cache::Lifetimes;
use crate::upstream::Upstream;

/// A configuration, compiled.
pub struct Sites {
    /// Hosts.
    pub routes: Routes<Arc<Site>>,
    /// Whose `X-Forwarded-*` counts.
    pub trusted: TrustedProxies,
    /// Who begins each connection with whose it is.
    pub balancers: TrustedProxies,
    /// Where the built-in pages live.
    pub portal: Portal,
    /// What ends a session.
    pub lifetimes: Lifetimes,
    /// Most bytes in a request's head.
    pub header_bytes: u64,
    /// Most header fields.
    pub header_count: usize,
    /// The pages that the gateway itself answers with.
    pub plates: Plates,
    /// As it was read; the pages look here.
    pub live: Arc<Live>,
}

/// One site, compiled.
pub struct Site {
    /// For metrics and logs.
    pub name: Arc<str>,
    /// Who may do what.
    pub rules: Rules,
    /// What a client may not send.
    pub strip: StripSet,
    /// How paths are read.
    pub paths: PathStyle,
    /// Where its requests go.
    pub upstream: Arc<Upstream>,
    /// What a stranger gets.
    pub on_unauthenticated: OnUnauthenticated,
    /// Whose pages may open WebSockets, besides its own.
    pub websocket_origins: Vec<String>,
    /// Most bytes in a request's body.
    pub body_limit: Option<u64>,
    /// How long a connection to the upstream may take.
    pub connect_timeout: Duration,
    /// How long the upstream may be silent.
    pub response_timeout: Duration,
    /// What browsers that come by https are told (RFC 6797).
    pub hsts: Option<HeaderValue>,
    /// What is counted.
    pub metrics: Arc<SiteMetrics>,
    /// The headers that tell the upstream who somebody is.
    pub identity: Arc<IdentityNames>,
    /// Whether the upstream is told so in a signed form, too.
    pub assertion: bool,
}

/// The built-in pages' place on every host.
pub struct Portal {
    path: String,
    origin: Option<String>,
    strip: StripSet,
    upstream: Upstream,
    metrics: Arc<SiteMetrics>,
    /// What answers to the host of `portal.url`, if that has nothing but the portal.
    alone: Option<Arc<Site>>,
    /// Served as long as anybody may ask for them.
    _pages: Opened,
}

/// The name that the built-in pages are counted and logged under.
pub const PORTAL: &str = doorward_config::Site::PORTAL;

/// Most bytes in the body of a request to a built-in page.
pub const PORTAL_BODY: u64 = 64 * 1024;

impl Portal {
    /// Whether a canonical path is one of the built-in pages'.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        path.strip_prefix(&self.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The origin that all sites share (`portal.url`), if there is one.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Whether this is what answers to the portal's own host: there is nothing else there.
    #[must_use]
    pub fn is_all_of(&self, site: &Arc<Site>) -> bool {
        self.alone
            .as_ref()
            .is_some_and(|alone| Arc::ptr_eq(alone, site))
    }

    /// Where the pages are served.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// What a client may not send.
    #[must_use]
    pub fn strip(&self) -> &StripSet {
        &self.strip
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<SiteMetrics> {
        &self.metrics
    }
}

impl Sites {
    /// Compiles a configuration.
    ///
    /// # Errors
    /// A page or a metric cannot be made, which is a defect, or a folder cannot be opened.
    pub fn compile(live: Live, openers: Openers<'_>, metrics: &Metrics) -> anyhow::Result<Self> {
        let live = Arc::new(live);
        let pages = (openers.pages)(&live)?;
        let own: Vec<&str> = live
            .sites
            .iter()
            .flat_map(|site| site.identity.names())
            .collect();
        let mut routes = Vec::with_capacity(live.sites.len());
        for site in &live.sites {
            routes.push((
                site.host.clone(),
                Arc::new(compile(site, &own, openers, metrics)?),
            ));
        }
        let alone = portal_alone(&live, &own, openers, metrics)?;
        routes.extend(alone.clone());
        Ok(Self {
            routes: Routes::new(routes),
            trusted: TrustedProxies::new(live.trusted_proxies.clone()),
            balancers: TrustedProxies::new(live.proxy_protocol.clone()),
            portal: Portal {
                path: live.portal.path.clone(),
                origin: live
                    .portal
                    .url
                    .as_ref()
                    .map(|url| url.origin().ascii_serialization()),
                strip: StripSet::new(own.iter().copied(), MethodOverride::Remove),
                upstream: Upstream::Socket(pages.socket().to_owned()),
                metrics: metrics.site(PORTAL)?,
                alone: alone.map(|(_, site)| site),
                _pages: pages,
            },
            lifetimes: Lifetimes {
                idle: live.session.idle,
                outage_grace: live.session.outage_grace,
            },
            header_bytes: live.limits.header_bytes,
            header_count: live.limits.header_count,
            plates: Plates::draw(&live.portal.title, &live.portal.path)?,
            live,
        })
    }
}

/// Opens what a configuration names.
#[derive(Clone, Copy)]
pub struct Openers<'a> {
    /// The built-in pages.
    pub pages: &'a dyn Fn(&Arc<Live>) -> anyhow::Result<Opened>,
    /// The upstream of a site.
    pub upstream: &'a dyn Fn(&doorward_config::Site) -> anyhow::Result<Arc<Upstream>>,
}

fn compile(
    site: &doorward_config::Site,
    own: &[&str],
    openers: Openers<'_>,
    metrics: &Metrics,
) -> anyhow::Result<Site> {
    let rules = Rules::new(&site.rules);
    let overrides = if rules.look_at_methods() {
        MethodOverride::Remove
    } else {
        MethodOverride::Pass
    };
    Ok(Site {
        name: site.name.as_str().into(),
        rules,
        strip: StripSet::new(own.iter().copied(), overrides),
        paths: site.paths,
        upstream: (openers.upstream)(site)?,
        on_unauthenticated: site.on_unauthenticated,
        websocket_origins: site.websocket_origins.clone(),
        body_limit: site.body_limit,
        connect_timeout: site.connect_timeout,
        response_timeout: site.response_timeout,
        hsts: site.hsts.map(hsts).transpose()?,
        metrics: metrics.site(&site.name)?,
        identity: Arc::new(IdentityNames::new(&site.identity)?),
        assertion: site.assertion,
    })
}

/// What answers to the host of `portal.url`, where that has nothing but the portal.
fn portal_alone(
    live: &Live,
    own: &[&str],
    openers: Openers<'_>,
    metrics: &Metrics,
) -> anyhow::Result<Option<(HostPattern, Arc<Site>)>> {
    let Some(host) = live.host_of_portal_alone() else {
        return Ok(None);
    };
    let host = HostPattern::Exact(host.to_owned());
    let site = doorward_config::Site {
        name: PORTAL.to_owned(),
        rules: vec![anyone()],
        ..doorward_config::Site::new(host.clone(), doorward_config::Upstream::None)
    };
    let compiled = compile(&site, own, openers, metrics)?;
    Ok(Some((host, Arc::new(compiled))))
}

/// Nobody has to sign in to hear that there is nothing.
fn anyone() -> Rule {
    Rule {
        allow: Allow::Anyone,
        ..Rule::signed_in()
    }
}

/// The host alone: what is below it may be others'.
fn hsts(age: Duration) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::try_from(format!("max-age={}", age.as_secs()))
}
