//! The sample site as it is shipped: nothing missing, nothing from elsewhere, nothing that a strict
//! `Content-Security-Policy` would stop.

use crate::client::Origin;
use std::collections::BTreeSet;
use std::path::Path;

/// The values of `href` and `src` in a page.
fn links(page: &str) -> BTreeSet<String> {
    let after = |name: &str| {
        let values = page
            .split(name)
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    [after(" href=\""), after(" src=\"")]
        .concat()
        .into_iter()
        .collect()
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let origin = Origin::serving(&Path::new(env!("CARGO_MANIFEST_DIR")).join("site"));
    let mut waiting = vec!["/".to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if path.starts_with('#') || path.starts_with("/_auth/") || !seen.insert(path.clone()) {
            continue;
        }
        assert!(
            path.starts_with('/') && !path.starts_with("//"),
            "{path} is elsewhere"
        );
        let answer = origin.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        if answer.header("content-type").starts_with("text/html") {
            let page = String::from_utf8(answer.body).unwrap();
            for inline in [
                " style=",
                "<style",
                "<script>",
                " onclick=",
                " onload=",
                "javascript:",
            ] {
                assert!(!page.contains(inline), "{inline} in {path}");
            }
            waiting.extend(links(&page));
        }
    }
    let expected = [
        "/",
        "/assets/icon.svg",
        "/assets/scene.css",
        "/assets/site.css",
        "/assets/site.js",
        "/downloads/field-guide.txt",
        "/headers.html",
        "/secret.html",
    ];
    assert_eq!(
        seen.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}
