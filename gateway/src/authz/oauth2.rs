//! Where browsers are sent that oauth2-proxy signed in and out before.
//!
//! Owns `rd`, where they want to go afterwards: to a site of ours, or nowhere in particular.

use doorward_config::HostPattern;
use pingora_http::RequestHeader;
use url::{Url, form_urlencoded};

use crate::refusal::Refusal;
use crate::sites::Sites;
use crate::stranger;

/// To the login page of the site that somebody wants to go back to: its cookie is that host's own.
pub fn sign_in(request: &RequestHeader, sites: &Sites) -> Refusal {
    let query = request.uri.query().unwrap_or("");
    let back = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "rd");
    let back = back
        .and_then(|(_, address)| Url::parse(&address).ok())
        .filter(|url| is_ours(url, sites));
    let portal = sites.portal.path();
    let location = back.map_or_else(
        || format!("{portal}/login"),
        |url| {
            let query = url.query().map(|query| format!("?{query}"));
            let page = format!("{}{}", url.path(), query.unwrap_or_default());
            let origin = url.origin().ascii_serialization();
            format!("{origin}{}", stranger::address(portal, "login", &page))
        },
    );
    Refusal::Elsewhere { location }
}

/// To the page that asks whether they mean it.
pub fn sign_out(sites: &Sites) -> Refusal {
    let location = format!("{}/logout", sites.portal.path());
    Refusal::Elsewhere { location }
}

/// Whether an address is one of a site that is named: by `*` everything would be ours.
fn is_ours(url: &Url, sites: &Sites) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    let Some(host) = url.host_str() else {
        return false;
    };
    let named = |pattern: &HostPattern| match pattern {
        HostPattern::Exact(name) => name == host,
        HostPattern::Under(parent) => host
            .strip_suffix(parent.as_str())
            .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
        HostPattern::Any => false,
    };
    url.scheme() == "https" && plain && sites.live.sites.iter().any(|site| named(&site.host))
}
