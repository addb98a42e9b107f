//! What must hold for any address that a form brings; for the fuzzer, and for its findings ever after.

use doorward_config::{HostPattern, Live, Site, Upstream};
use http::{HeaderMap, HeaderValue};
use url::Url;

use crate::origin::{Origin, Scheme};
use crate::to::To;

/// Whatever is brought, it leads to a path of the visitor's own origin, or from the portal to a host that a site names.
///
/// # Panics
/// It does not hold.
pub fn to(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("auth.example.com"));
    let origin = Origin::of(&headers, Scheme::Https);
    let origin = origin.as_ref();
    stays(To::parse(raw, origin, "/_auth").as_str());
    stays(To::parse(raw, None, "/_auth").as_str());

    let to = To::parse_on_portal(raw, origin, &several_hosts());
    let Some(elsewhere) = to.elsewhere() else {
        stays(to.as_str());
        return;
    };
    let way = Url::parse(&elsewhere.handover("/_auth", None));
    let own = Url::parse(to.as_str());
    for url in [&way, &own] {
        let url = url.as_ref();
        let host = url.ok().and_then(Url::host_str).unwrap_or_default();
        assert!(
            host == "app.example.com" || host.ends_with(".example.net"),
            "{raw:?} leads to {url:?}"
        );
        assert!(url.is_ok_and(|url| url.scheme() == "https" && url.port().is_none()));
    }
}

/// Asserts that a browser stays where it is.
fn stays(path: &str) {
    assert!(path.starts_with('/') && !path.starts_with("//"), "{path:?}");
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
    let here = Url::parse("https://auth.example.com/x/y");
    let there = here.as_ref().ok().and_then(|here| here.join(path).ok());
    let host = there.as_ref().and_then(Url::host_str);
    assert_eq!(host, Some("auth.example.com"), "{path:?}");
    let in_portal = there.is_some_and(|there| there.path().starts_with("/_auth/"));
    assert!(!in_portal, "{path:?}");
}

fn several_hosts() -> Live {
    let mut live = Live::default();
    live.portal.url = Url::parse("https://auth.example.com").ok();
    live.sites = [
        HostPattern::Exact("app.example.com".to_owned()),
        HostPattern::Under("example.net".to_owned()),
        HostPattern::Any,
    ]
    .map(|host| Site::new(host, Upstream::None))
    .to_vec();
    live
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus/to");
        let files = std::fs::read_dir(corpus).unwrap();
        let read = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        assert!(read.inspect(|data| super::to(data)).count() > 0);
    }
}
