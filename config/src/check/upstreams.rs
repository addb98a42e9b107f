//! Where a site's requests go, and how it is made sure that they can.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::{Host, Url};

use super::{lasting, take};
use crate::problem::{Fault, Findings};
use crate::raw::{self, At, UpstreamText};
use crate::{HealthCheck, NoAuthorities, Protocol, Upstream, WebServer};

const EXAMPLE: &str = "as in \"http://127.0.0.1:3000\"";

pub(super) fn upstream(site: &At<raw::Site>, findings: &mut Findings<'_>) -> Upstream {
    let Some(written) = site.get().upstream.as_ref() else {
        return Upstream::None;
    };
    match written.get() {
        UpstreamText::One(text) => one(text).unwrap_or_else(|fault| {
            findings.add(written.span(), fault);
            Upstream::None
        }),
        UpstreamText::List(list) => {
            if list.is_empty() && !findings.is_damaged(site.span()) {
                let fault = Fault::new("an empty list: where do this site's requests go?");
                findings.add(written.span(), fault.help("[\"http://a:3000\", …]"));
            }
            Upstream::Web(several(list, findings))
        }
    }
}

fn several(list: &[At<String>], findings: &mut Findings<'_>) -> Vec<WebServer> {
    let mut servers = Vec::new();
    for item in list {
        match balanced(item.get()) {
            Ok(server) if servers.contains(&server) => {
                let fault = Fault::new(format!("`{}` is named twice", item.get()));
                findings.add(
                    item.span(),
                    fault.help("each gets the same share of requests"),
                );
            }
            Ok(server) => servers.push(server),
            Err(fault) => findings.add(item.span(), fault),
        }
    }
    servers
}

/// One of several.
fn balanced(text: &str) -> Result<WebServer, Fault> {
    match one(text)? {
        Upstream::Web(mut servers) => servers
            .pop()
            .filter(|server| server.protocol != Protocol::H2c),
        Upstream::Unix(_) | Upstream::Files(_) | Upstream::None => None,
    }
    .ok_or_else(|| {
        Fault::new(format!("`{text}` cannot be one of several upstreams"))
            .help("a list has http:// and https:// only")
    })
}

fn one(text: &str) -> Result<Upstream, Fault> {
    let unknown = || Fault::new(format!("`{text}` is not an upstream"));
    if text == "none" {
        return Ok(Upstream::None);
    }
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    let web = |protocol| web(text, rest, protocol).map(|server| Upstream::Web(vec![server]));
    match scheme {
        "http" => web(Protocol::Http),
        "https" => web(Protocol::Https),
        "h2c" => web(Protocol::H2c),
        "unix" | "files" if rest.is_empty() || rest.contains('\0') => {
            Err(unknown().help(format!("behind `{scheme}:` belongs a path")))
        }
        "unix" => Ok(Upstream::Unix(PathBuf::from(local(rest)))),
        "files" => {
            let folder = PathBuf::from(local(rest));
            if folder.is_dir() {
                return Ok(Upstream::Files(folder));
            }
            Err(
                Fault::new(format!("there is no folder `{}`", folder.display()))
                    .help("relative paths start where the program is started"),
            )
        }
        _ => {
            let meant = format!("//{text}");
            if text.contains(':') && self::web(text, &meant, Protocol::Http).is_ok() {
                return Err(unknown().help(format!("did you mean \"http://{text}\"?")));
            }
            if Path::new(text).is_dir() {
                return Err(unknown().help(format!("did you mean \"files:{text}\"?")));
            }
            Err(unknown().help(
                "http://host:port, https://host, h2c://host:port, unix:/path, files:DIR or none",
            ))
        }
    }
}

/// `files:///srv/www` means what `files:/srv/www` means.
fn local(path: &str) -> &str {
    path.strip_prefix("//")
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

/// `rest` is what stands behind the scheme. Whoever speaks HTTP/2 in the clear has the ports of HTTP.
fn web(text: &str, rest: &str, protocol: Protocol) -> Result<WebServer, Fault> {
    let fault = || Fault::new(format!("`{text}` is not an upstream")).help(EXAMPLE);
    let scheme = match protocol {
        Protocol::Http | Protocol::H2c => "http",
        Protocol::Https => "https",
    };
    if !rest.starts_with("//") {
        return Err(fault());
    }
    let url = Url::parse(&format!("{scheme}:{rest}")).map_err(|_| fault())?;
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err(fault()),
    };
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare {
        return Err(Fault::new(format!("`{text}` has a path or a query"))
            .help("requests keep their own path: write only scheme, host and port"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::new("an upstream takes no user or password"));
    }
    match url.port_or_known_default() {
        Some(port) if port != 0 => Ok(WebServer {
            protocol,
            host,
            port,
        }),
        _ => Err(fault()),
    }
}

/// The authorities of a site whose upstream, if that was understood, is this.
pub(super) fn authorities(
    written: Option<&At<String>>,
    upstream: Option<&Upstream>,
    findings: &mut Findings<'_>,
) -> Option<PathBuf> {
    let parse = |text: &String| {
        if upstream.is_some_and(|upstream| !is_secure(upstream)) {
            return Err(Fault::new(
                "this site has no https:// upstream whose certificate could be checked",
            )
            .help("leave `upstream_ca` out"));
        }
        let file = PathBuf::from(text);
        match crate::authorities(&file) {
            Ok(_) => Ok(Some(file)),
            Err(why) => {
                let help = match &why {
                    NoAuthorities::Unreadable(_) => {
                        "relative paths start where the program is started"
                    }
                    NoAuthorities::Empty | NoAuthorities::Broken(_) => {
                        "a PEM file, with -----BEGIN CERTIFICATE----- before each certificate"
                    }
                };
                Err(Fault::new(format!("`{text}` names no authority: {why}")).help(help))
            }
        }
    };
    take(written, None, parse, findings)
}

fn is_secure(upstream: &Upstream) -> bool {
    match upstream {
        Upstream::Web(servers) => servers
            .iter()
            .any(|server| server.protocol == Protocol::Https),
        Upstream::Unix(_) | Upstream::Files(_) | Upstream::None => false,
    }
}

/// The health check of a site whose upstream, if that was understood, is this.
pub(super) fn health_check(
    written: Option<&At<raw::HealthCheck>>,
    upstream: Option<&Upstream>,
    findings: &mut Findings<'_>,
) -> Option<HealthCheck> {
    let written = written?;
    if upstream.is_some_and(|upstream| !matches!(upstream, Upstream::Web(_))) {
        let fault = Fault::new("there is nothing to check behind this site");
        findings.add(
            written.span(),
            fault.help("only http://, https:// and h2c:// are checked"),
        );
    }
    let check = written.get();
    if check.path.is_none() && !findings.is_damaged(written.span()) {
        let fault = Fault::new("`health_check` has no `path`");
        let help = "for example health_check = { path = \"/healthz\", interval = \"10s\" }";
        findings.add(written.span(), fault.help(help));
    }
    Some(HealthCheck {
        path: take(check.path.as_ref(), String::new(), path, findings),
        interval: take(
            check.interval.as_ref(),
            HealthCheck::INTERVAL,
            |text| lasting(text, Duration::from_millis(100)..=Duration::from_hours(1)),
            findings,
        ),
    })
}

fn path(text: &String) -> Result<String, Fault> {
    let fault = || Fault::new(format!("`{text}` is not a path"));
    if !text.starts_with('/') {
        return Err(fault().help("it starts with `/`, as in \"/healthz\""));
    }
    if text.contains('#') || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fault().help("plain characters only, others percent-encoded"));
    }
    Ok(text.clone())
}
