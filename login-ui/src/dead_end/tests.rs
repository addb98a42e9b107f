use super::*;

fn plate(kind: Kind) -> Plate {
    Plate::render(kind, "Example & Sons", "/_auth").unwrap()
}

#[test]
fn every_kind_has_words_a_title_and_the_request_id() {
    for kind in Kind::ALL {
        for person in [None, Some("anna")] {
            let page = plate(kind).fill(person, "r-42");
            assert!(page.contains("<code>r-42</code>"), "{kind:?}");
            assert!(page.contains("· Example &#38; Sons</title>"), "{kind:?}");
            assert!(
                !page.contains(PERSON) && !page.contains(REQUEST_ID),
                "{kind:?}"
            );
            assert!(
                kind == Kind::UnknownSite || page.contains("href="),
                "{kind:?} has no way on"
            );
        }
    }
}

#[test]
fn only_a_refusal_says_who_you_are() {
    let refusal = plate(Kind::Forbidden);
    assert!(refusal.fill(Some("anna"), "").contains("<bdi>anna</bdi>"));
    assert!(refusal.fill(Some("anna"), "").contains("/_auth/logout"));
    assert!(!refusal.fill(None, "").contains("signed in as"));
    assert!(
        !plate(Kind::NotFound)
            .fill(Some("anna"), "")
            .contains("anna")
    );
}

#[test]
fn names_and_ids_are_only_ever_text() {
    let page = plate(Kind::Forbidden).fill(Some("<script>\"'&\u{f8f1}\0"), "<b>\r\n");
    assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;\u{f8f1}\u{fffd}"));
    assert!(page.contains("&lt;b&gt;\u{fffd}\u{fffd}"));
    assert!(!page.contains("<script") && !page.contains("<b>"));
}

#[test]
fn a_title_cannot_open_a_hole() {
    let plate = Plate::render(Kind::NotFound, "A\u{f8f0}B<i>", "/_auth\u{f8f1}").unwrap();
    let page = plate.fill(Some("anna"), "r-42");
    assert!(page.contains("AB&#60;i&#62;"), "{page}");
    assert_eq!(page.matches("r-42").count(), 1);
}

#[test]
fn the_policy_allows_the_stylesheet_inside_and_nothing_else() {
    let plate = plate(Kind::UnknownSite);
    let page = plate.fill(None, "");
    let style = page
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = plate
        .headers()
        .iter()
        .find(|(name, _)| name == CONTENT_SECURITY_POLICY)
        .unwrap()
        .1
        .to_str()
        .unwrap();
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")));
    assert!(!policy.contains("unsafe"));
    assert!(!page.contains("<script") && !page.contains("style="));
    assert!(page.len() < 50_000);
}

#[test]
fn where_the_portal_is_served_its_stylesheet_is_used() {
    let plate = plate(Kind::Forbidden);
    assert!(plate.fill(None, "").contains("href=\"/_auth/static/style-"));
    assert!(!plate.fill(None, "").contains("<style"));
    let (_, policy) = plate
        .headers()
        .iter()
        .find(|(name, _)| name == CONTENT_SECURITY_POLICY)
        .unwrap();
    assert!(policy.to_str().unwrap().contains("style-src 'self';"));
}
