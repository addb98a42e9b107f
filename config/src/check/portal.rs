//! Where the built-in pages live, and what they are called.

use url::Url;

use super::{net, take, words};
use crate::problem::{Fault, Findings};
use crate::raw;
use crate::{PathGlob, Portal};

pub(super) fn check(file: &raw::File, findings: &mut Findings<'_>) -> Portal {
    let (portal, default) = (&file.portal, Portal::default());
    Portal {
        path: take(
            portal.path.as_ref(),
            default.path,
            |text| path(text),
            findings,
        ),
        title: take(
            portal.title.as_ref(),
            default.title,
            |text| words(text, 60),
            findings,
        ),
        url: take(
            portal.url.as_ref(),
            default.url,
            |text| url(text, &file.server).map(Some),
            findings,
        ),
    }
}

fn path(text: &str) -> Result<String, Fault> {
    let fault = |message: &str| {
        Err(Fault::new(format!("`{text}` {message}")).help("for example \"/_auth\""))
    };
    if text == "/" {
        return fault("would leave no address to the site itself");
    }
    let Some(rest) = text.strip_prefix('/') else {
        return fault("does not start with `/`");
    };
    if let Some(short) = text.strip_suffix('/') {
        return Err(Fault::new(format!("`{text}` ends with `/`"))
            .help(format!("did you mean \"{short}\"?")));
    }
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if !rest.chars().all(unreserved) || PathGlob::parse(text).is_err() {
        return fault("is not a plain path of letters, digits, `-`, `.`, `_` and `~`");
    }
    if text == "/.well-known" || text.starts_with("/.well-known/") {
        return fault("is taken: what is below /.well-known/ belongs to others");
    }
    Ok(text.to_owned())
}

fn url(text: &str, server: &raw::Server) -> Result<Url, Fault> {
    let url = net::origin(text)?;
    let secure = server
        .listen_tls
        .as_ref()
        .is_some_and(|list| !list.get().is_empty());
    if secure && url.scheme() == "http" {
        let rest = url.as_str().trim_end_matches('/');
        let rest = rest.strip_prefix("http://").unwrap_or(rest);
        let fault = Fault::new(format!("`{text}` is not https, and the sites are"));
        return Err(fault.help(format!(
            "people would sign in in the clear: did you mean \"https://{rest}\"?"
        )));
    }
    if let Some(name) = url.host_str().and_then(|host| host.strip_suffix('.')) {
        let fault = Fault::new(format!("`{text}` has a dot behind its host"));
        return Err(fault.help(format!("did you mean \"{}://{name}\"?", url.scheme())));
    }
    Ok(url)
}
