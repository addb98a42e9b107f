use std::sync::Arc;

use doorward_config::{HostPattern, Live, PathGlob, Rule, Site, Upstream};
use proptest::prelude::*;

use super::*;
use crate::metrics::Metrics;
use crate::pages::Opened;
use crate::sites::Openers;

/// `/open/**` to anyone, `/staff/**` to a role, `/read/**` by reading alone, `/never/**` to nobody.
fn rules() -> Vec<Rule> {
    let rule = |path: &str, allow| Rule {
        path: Some(PathGlob::parse(path).unwrap()),
        allow,
        ..Rule::signed_in()
    };
    vec![
        rule("/never/**", doorward_config::Allow::Nobody),
        rule("/open/**", doorward_config::Allow::Anyone),
        Rule {
            methods: Some(vec![Method::GET]),
            ..rule("/read/**", doorward_config::Allow::Anyone)
        },
        rule("/*/open/*", doorward_config::Allow::Anyone),
    ]
}

fn sites(paths: doorward_config::PathStyle) -> Sites {
    let site = Site {
        rules: rules(),
        paths,
        ..Site::new(HostPattern::Any, Upstream::None)
    };
    let live = Live {
        sites: vec![site],
        ..Live::default()
    };
    let openers = Openers {
        pages: &|_| Ok(Opened::nowhere()),
        upstream: &|_| Ok(Arc::new(crate::upstream::Upstream::Nothing)),
    };
    Sites::compile(live, openers, &Metrics::new(&[]).unwrap()).unwrap()
}

/// What stands between two slashes: words of the rules, and what hides or joins them.
fn segment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "open", "never", "read", "x", "", ".", "..", "%2e", "%2E%2e", "o%70en", "%6eever",
        "open%2f", "..%2f", ";a=b", "open;x", "%00", "%5c", "\\", "%252e", "OPEN", "?", "#",
        "?/open/", "*", "%", "%c3%bc", "~", "%7E",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Let in means: what is sent on is, to the byte, what the rules have looked at, nobody can read another path in it,
    /// and looked at once more it is let in by the same rule.
    #[test]
    fn what_is_sent_is_what_was_allowed(
        method in prop::sample::select(vec!["GET", "POST", "HEAD", "PROPFIND"]),
        segments in prop::collection::vec(segment(), 0..6),
        relaxed: bool,
    ) {
        let style = if relaxed { doorward_config::PathStyle::Relaxed } else { doorward_config::PathStyle::Strict };
        let sites = sites(style);
        let url = format!("http://app.test/{}", segments.join("/"));
        let client = IpAddr::from([192, 0, 2, 1]);
        let Ok(question) = Question::parse(method, &url, client) else { return Ok(()) };
        let told = explain(&sites, question, None);
        let Ok(forwarded) = &told.outcome else { return Ok(()) };
        prop_assert_eq!(told.asked_for, Some(AskedFor::Site));
        prop_assert_eq!(target::path_of(&forwarded.target), &told.path, "{}", url);

        let first = told.path.split('/').nth(1).unwrap_or_default();
        let by_name = first == "open" || (first == "read" && method == "GET")
            || told.path.split('/').nth(2) == Some("open");
        prop_assert!(by_name && first != "never", "{} was let in as {}", url, forwarded.target);
        prop_assert!(!told.path.split('/').any(|part| part == ".." || part == "."), "{}", url);

        let again = Question::parse(method, &format!("http://app.test{}", forwarded.target), client).unwrap();
        let again = explain(&sites, again, None);
        prop_assert_eq!(&again.path, &told.path);
        let rule = |told: &Explanation| told.rules.as_ref().map(|rules| format!("{:?}", rules.found));
        prop_assert_eq!(rule(&again), rule(&told));
        prop_assert_eq!(again.outcome.as_ref().ok().map(|sent| &sent.target), Some(&forwarded.target));
    }
}
