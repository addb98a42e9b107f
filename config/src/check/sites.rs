//! The protected sites.

use std::path::Path;
use std::time::Duration;

use super::{
    headers, lasting, lasting_text, net, plain, rules, size_or_unlimited, take, take_each,
    upstreams, words,
};
use crate::origin::NOWHERE;
use crate::problem::{Fault, Findings};
use crate::raw::{self, At, HstsText};
use crate::{HostPattern, Limits, OnUnauthenticated, PathStyle, Site, VerifyEmail};

/// What a site needs to know of the rest of the file.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) limits: &'a Limits,
    pub(super) verify_email: VerifyEmail,
}

pub(super) fn check(
    list: Option<&At<Vec<At<raw::Site>>>>,
    around: Around<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Site> {
    let Some(list) = list else {
        return sample(around.limits, findings);
    };
    if list.get().is_empty() && !findings.is_damaged(&NOWHERE) {
        let fault = Fault::new("there is no site to protect");
        findings.add(
            list.span(),
            fault.help("leave `site` out for the sample site"),
        );
    }
    let mut sites: Vec<(Site, &raw::Site)> = Vec::new();
    for raw in list.get() {
        let before = findings.len();
        let host = take(
            raw.get().host.as_ref(),
            HostPattern::Any,
            |text| host(text),
            findings,
        );
        // A host that is not understood is compared with none.
        let unknown = raw.get().host.is_none() && findings.is_damaged(raw.span());
        let known = findings.len() == before && !unknown;
        let site = site(raw, host, around, findings);
        if known {
            compare(&site, raw, &sites, findings);
            sites.push((site, raw.get()));
        }
    }
    sites.into_iter().map(|(site, _)| site).collect()
}

/// What is protected when nothing is configured.
fn sample(limits: &Limits, findings: &mut Findings<'_>) -> Vec<Site> {
    let site = Site {
        body_limit: limits.body,
        ..Site::sample()
    };
    if !Path::new(Site::SAMPLE).is_dir() && !findings.is_damaged(&NOWHERE) {
        let fault = Fault::new(format!(
            "no site is configured, and the sample site is not here ({} is no folder)",
            Site::SAMPLE
        ));
        let help =
            "say what to protect: --upstream http://127.0.0.1:3000, or a [[site]] in doorward.toml";
        findings.add(&NOWHERE, fault.help(help));
    }
    vec![site]
}

fn site(
    raw: &At<raw::Site>,
    host: HostPattern,
    around: Around<'_>,
    findings: &mut Findings<'_>,
) -> Site {
    let written = raw.get();
    if written.upstream.is_none() && !findings.is_damaged(raw.span()) {
        let fault = Fault::new("this site has no `upstream`: where do its requests go?");
        let help = "for example upstream = \"http://127.0.0.1:3000\"";
        findings.add(raw.span(), fault.help(help));
    }
    let before = findings.len();
    let upstream = upstreams::upstream(raw, findings);
    // What is not understood is compared with nothing.
    let known = written.upstream.is_some() && findings.len() == before;
    let meant = known.then(|| upstream.clone());
    Site {
        name: name(written, &host, findings),
        identity: headers::check(written.identity.as_ref(), findings),
        assertion: plain(written.assertion.as_ref(), true),
        paths: plain(written.paths.as_ref(), PathStyle::Strict),
        rules: rules::check(written.rule.as_ref(), around.verify_email, findings),
        on_unauthenticated: plain(written.on_unauthenticated.as_ref(), OnUnauthenticated::Auto),
        websocket_origins: written
            .websocket_origins
            .as_ref()
            .map(|list| take_each(list, websocket_origin, findings))
            .unwrap_or_default(),
        body_limit: take(
            written.body_limit.as_ref(),
            around.limits.body,
            size_or_unlimited,
            findings,
        ),
        connect_timeout: take(
            written.connect_timeout.as_ref(),
            Site::CONNECT_TIMEOUT,
            |text| lasting(text, Duration::from_millis(10)..=Duration::from_mins(10)),
            findings,
        ),
        response_timeout: take(
            written.response_timeout.as_ref(),
            Site::RESPONSE_TIMEOUT,
            |text| lasting(text, Duration::from_millis(10)..=Duration::from_hours(24)),
            findings,
        ),
        upstream_ca: upstreams::authorities(written.upstream_ca.as_ref(), meant.as_ref(), findings),
        health_check: upstreams::health_check(
            written.health_check.as_ref(),
            meant.as_ref(),
            findings,
        ),
        hsts: take(written.hsts.as_ref(), Some(Site::HSTS), hsts, findings),
        host,
        upstream,
    }
}

/// What metrics and logs tell the site apart by: without a name of its own, its host.
fn name(written: &raw::Site, host: &HostPattern, findings: &mut Findings<'_>) -> String {
    let host = host.to_string();
    match (&written.name, &written.host) {
        (Some(own), _) => take(Some(own), host, |text| free(text), findings),
        (None, Some(at)) if is_ours(&host) => {
            findings.add(
                at.span(),
                taken(&host).help("give the site a `name` of its own"),
            );
            host
        }
        (None, _) => host,
    }
}

fn free(text: &str) -> Result<String, Fault> {
    if is_ours(text) {
        return Err(taken(text).help("call the site something else"));
    }
    words(text, 64)
}

/// Whether metrics and logs have this name for what is no site.
fn is_ours(name: &str) -> bool {
    [Site::NO_SITE, Site::PORTAL].contains(&name)
}

fn taken(name: &str) -> Fault {
    let meant = if name == Site::PORTAL {
        "the built-in pages"
    } else {
        "requests for no site"
    };
    Fault::new(format!(
        "no site can be called `{name}`: in metrics and logs that is {meant}"
    ))
}

/// Complains about a name or a host that an earlier site has.
fn compare(
    site: &Site,
    raw: &At<raw::Site>,
    earlier: &[(Site, &raw::Site)],
    findings: &mut Findings<'_>,
) {
    let written = raw.get();
    if let Some((_, other)) = earlier.iter().find(|(other, _)| other.host == site.host) {
        let span = written.host.as_ref().map_or(raw.span(), At::span);
        let first = other.host.as_ref().map(|host| host.span().clone());
        let fault = Fault::new(format!("two sites have the host `{}`", site.host));
        let fault = match first {
            Some(first) => fault.help(format!(
                "the first is at {}",
                findings.sources().place(&first)
            )),
            None => fault.help("the first has no `host`, which stands for \"*\""),
        };
        findings.add(span, fault);
    } else if earlier.iter().any(|(other, _)| other.name == site.name) {
        let span = written.name.as_ref().map_or(raw.span(), At::span);
        let fault = Fault::new(format!("two sites have the name `{}`", site.name));
        findings.add(span, fault.help("metrics and logs tell sites apart by it"));
    }
}

/// A name, `*.` and a name, or `*`.
pub(crate) fn host(text: &str) -> Result<HostPattern, Fault> {
    if text == "*" {
        return Ok(HostPattern::Any);
    }
    match text.strip_prefix("*.") {
        Some(parent) => match net::host(parent) {
            Ok(parent) if parent.parse::<std::net::Ipv4Addr>().is_err() => {
                Ok(HostPattern::Under(parent))
            }
            _ => Err(Fault::new(format!("`{text}` is not a host"))
                .help("`*.` stands before a whole name, as in \"*.example.com\"")),
        },
        None => net::host(text).map(HostPattern::Exact),
    }
}

fn hsts(text: &HstsText) -> Result<Option<Duration>, Fault> {
    if text.as_str() == "off" {
        return Ok(None);
    }
    lasting_text(
        text.as_str(),
        Duration::ZERO..=Duration::from_hours(10 * 365 * 24),
    )
    .map(Some)
}

fn websocket_origin(text: &str) -> Result<String, Fault> {
    net::origin(text).map(|url| url.origin().ascii_serialization())
}
