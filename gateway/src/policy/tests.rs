use doorward_config::{Allow, PathGlob, Require, Role, Rule, Who};
use proptest::prelude::*;

use super::*;

fn rule(path: &str, methods: &[&str], allow: Allow) -> Rule {
    Rule {
        path: (!path.is_empty()).then(|| PathGlob::parse(path).unwrap()),
        methods: (!methods.is_empty())
            .then(|| methods.iter().map(|m| m.parse().unwrap()).collect()),
        allow,
        ..Rule::signed_in()
    }
}

fn any_of(list: &[Who]) -> Allow {
    Allow::AnyOf(list.to_vec())
}

fn role(name: &str) -> Who {
    Who::Role(Role::parse(name).unwrap())
}

struct Someone {
    user: &'static str,
    email: Option<&'static str>,
    roles: Vec<String>,
    amr: Vec<Amr>,
}

impl Someone {
    fn person(&self) -> Person<'_> {
        Person {
            user: self.user,
            verified_email: self.email,
            roles: &self.roles,
            amr: &self.amr,
            reach: Reach::Everywhere,
        }
    }
}

fn alice() -> Someone {
    Someone {
        user: "Alice",
        email: Some("Alice@Example.com"),
        roles: vec!["user".to_owned()],
        amr: vec![Amr::Password],
    }
}

fn bob() -> Someone {
    Someone {
        user: "bob",
        email: None,
        roles: vec!["admin".to_owned(), "user".to_owned()],
        amr: vec![Amr::Password, Amr::OneTimeCode],
    }
}

fn asked(rules: &Rules, request: &str, from: &str, who: Option<&Someone>) -> Decision {
    let (method, path) = request.split_once(' ').unwrap();
    let method = method.parse().unwrap();
    let facts = Facts {
        host: "app.test",
        path,
        method: &method,
        client: from.parse().unwrap(),
    };
    decide(rules, &facts, who.map(Someone::person).as_ref())
}

const OPEN: Decision = Decision::Allowed(Entry::Open);
const PERSON: Decision = Decision::Allowed(Entry::Person);
const SIGN_IN: Decision = Decision::SignInNeeded;
const FORBIDDEN: Decision = Decision::Forbidden;
const SECOND: Decision = Decision::SecondFactorNeeded;

#[test]
fn the_first_rule_about_it_decides() {
    let rules = Rules::new(&[
        rule("/public/**", &["GET", "HEAD"], Allow::Anyone),
        Rule {
            from: vec!["10.0.0.0/8".parse().unwrap()],
            require: Some(Require::TwoFactor),
            ..rule("/admin/**", &[], any_of(&[role("admin")]))
        },
        rule("/deny/**", &[], Allow::Nobody),
        rule("/own/*", &[], any_of(&[Who::User("alice".to_owned())])),
        rule("/deny/never/**", &[], Allow::Anyone),
        rule("/**", &["GET", "HEAD", "OPTIONS"], Allow::SignedIn),
    ]);
    let (alice, bob) = (alice(), bob());
    let half_bob = Someone {
        amr: vec![Amr::Password],
        ..self::bob()
    };
    let inside = "10.1.2.3";
    for (request, from, stranger, alices, bobs, half_bobs) in [
        ("GET /public/x", "192.0.2.1", OPEN, OPEN, OPEN, OPEN),
        ("HEAD /public", "192.0.2.1", OPEN, OPEN, OPEN, OPEN),
        // The public rule is not about POST, and the last one is neither: refused.
        (
            "POST /public/x",
            "192.0.2.1",
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
        ),
        (
            "OPTIONS /public/x",
            "192.0.2.1",
            SIGN_IN,
            PERSON,
            PERSON,
            PERSON,
        ),
        ("GET /admin/", inside, SIGN_IN, FORBIDDEN, PERSON, SECOND),
        ("GET /admin", inside, SIGN_IN, FORBIDDEN, PERSON, SECOND),
        (
            "PURGE /admin/x/y",
            inside,
            SIGN_IN,
            FORBIDDEN,
            PERSON,
            SECOND,
        ),
        // From elsewhere nobody, stranger or not.
        (
            "GET /admin/",
            "192.0.2.1",
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
        ),
        (
            "GET /deny/x",
            inside,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
        ),
        (
            "GET /deny/never/x",
            inside,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
        ),
        ("GET /own/x", inside, SIGN_IN, PERSON, FORBIDDEN, FORBIDDEN),
        ("GET /own/x/y", inside, SIGN_IN, PERSON, PERSON, PERSON),
        // Case counts.
        ("GET /Public/x", inside, SIGN_IN, PERSON, PERSON, PERSON),
        ("GET /publicity", inside, SIGN_IN, PERSON, PERSON, PERSON),
        (
            "get /publicity",
            inside,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
            FORBIDDEN,
        ),
    ] {
        for (who, expected) in [
            (None, stranger),
            (Some(&alice), alices),
            (Some(&bob), bobs),
            (Some(&half_bob), half_bobs),
        ] {
            let name = who.map_or("nobody", |who| who.user);
            assert_eq!(
                asked(&rules, request, from, who),
                expected,
                "{request} {from} {name}"
            );
        }
    }
}

#[test]
fn without_rules_whoever_is_signed_in() {
    let rules = Rules::new(&[]);
    assert_eq!(asked(&rules, "GET /x", "::1", None), SIGN_IN);
    assert_eq!(asked(&rules, "DELETE /x", "::1", Some(&alice())), PERSON);
    assert_eq!(rules.find("/x", &Method::GET), Found::NoRules);
}

#[test]
fn no_rule_about_it_refuses_everybody() {
    let rules = Rules::new(&[rule("/public/**", &[], Allow::Anyone)]);
    assert_eq!(asked(&rules, "GET /secret", "::1", None), FORBIDDEN);
    assert_eq!(asked(&rules, "GET /secret", "::1", Some(&bob())), FORBIDDEN);
    assert_eq!(asked(&rules, "GET /public/", "::1", None), OPEN);
}

#[test]
fn head_is_a_method_of_its_own() {
    let rules = Rules::new(&[rule("", &["GET"], Allow::Anyone)]);
    assert_eq!(asked(&rules, "GET /", "::1", None), OPEN);
    assert_eq!(asked(&rules, "HEAD /", "::1", None), FORBIDDEN);
    assert!(rules.look_at_methods());
    assert!(!Rules::new(&[rule("", &[], Allow::Anyone)]).look_at_methods());
}

#[test]
fn anyone_with_a_second_factor_is_still_somebody() {
    let rules = Rules::new(&[Rule {
        require: Some(Require::TwoFactor),
        ..rule("", &[], Allow::Anyone)
    }]);
    assert_eq!(asked(&rules, "GET /", "::1", None), SIGN_IN);
    assert_eq!(asked(&rules, "GET /", "::1", Some(&alice())), SECOND);
    assert_eq!(asked(&rules, "GET /", "::1", Some(&bob())), PERSON);
}

#[test]
fn who_is_who() {
    for (who, is_alice, is_bob) in [
        (role("user"), true, true),
        (role("admin"), false, true),
        (role("admins"), false, false),
        (role("adm"), false, false),
        (Who::User("ALICE".to_owned()), true, false),
        (Who::User("bo".to_owned()), false, false),
        (Who::Email("alice@example.com".to_owned()), true, false),
        (Who::Email("*@EXAMPLE.com".to_owned()), true, false),
        (Who::Email("*@example.org".to_owned()), false, false),
        (Who::Email("*".to_owned()), true, false),
        (Who::Email("**".to_owned()), true, false),
    ] {
        let rules = Rules::new(&[rule("", &[], any_of(std::slice::from_ref(&who)))]);
        for (someone, is) in [(alice(), is_alice), (bob(), is_bob)] {
            let expected = if is { PERSON } else { FORBIDDEN };
            let answer = asked(&rules, "GET /", "::1", Some(&someone));
            assert_eq!(answer, expected, "{who:?} {}", someone.user);
        }
    }
    let nobody = Rules::new(&[rule("", &[], any_of(&[]))]);
    assert_eq!(asked(&nobody, "GET /", "::1", None), FORBIDDEN);
}

#[test]
fn escapes_hide_nothing_from_the_rules() {
    let rules = Rules::new(&[
        rule("/wiki/Special:*", &[], any_of(&[role("admin")])),
        rule("/caf%C3%A9/**", &[], Allow::Nobody),
        rule("/a%2Fb", &[], Allow::Nobody),
        rule("/**", &[], Allow::Anyone),
    ]);
    for (path, expected) in [
        ("/wiki/Special:Users", SIGN_IN),
        ("/wiki/Special%3AUsers", SIGN_IN),
        ("/wiki/Special%20Users", OPEN),
        ("/caf%C3%A9/x", FORBIDDEN),
    ] {
        assert_eq!(
            asked(&rules, &format!("GET {path}"), "::1", None),
            expected,
            "{path}"
        );
    }
}

#[test]
fn a_path_with_two_readings_needs_one_rule_for_both() {
    let rules = Rules::new(&[
        rule("/admin/**", &[], any_of(&[role("admin")])),
        rule("/css/*.css", &[], Allow::Anyone),
        rule("/**", &[], Allow::SignedIn),
    ]);
    for (path, expected) in [
        ("/admin%2Fusers", Decision::Unclear),
        ("//admin/users", Decision::Unclear),
        ("/admin;x/users", Decision::Unclear),
        ("/admin%3Bx/users", Decision::Unclear),
        ("/css/secret%3Fx.css", Decision::Unclear),
        ("/css/secret%23x.css", Decision::Unclear),
        ("/css/x%252Fa.css", Decision::Unclear),
        // Whoever drops `;x%2Fb` before decoding the rest sees the stylesheet.
        ("/css%2Fsecret.css;x%2Fb", Decision::Unclear),
        // All readings under one rule: nothing to doubt.
        ("/api/group%2Fproject", SIGN_IN),
        ("/api//x;y=z", SIGN_IN),
        ("/what%3F", SIGN_IN),
        ("/admin/a%2Fb", SIGN_IN),
        ("/css/plain.css", OPEN),
    ] {
        assert_eq!(
            asked(&rules, &format!("GET {path}"), "::1", None),
            expected,
            "{path}"
        );
    }
}

/// The definition: one rule after the other, one character after the other.
fn naive(rules: &[Rule], path: &str, method: &Method) -> Found {
    if rules.is_empty() {
        return Found::NoRules;
    }
    let about = |rule: &Rule| {
        let path_fits = rule.path.as_ref().is_none_or(|glob| {
            let pattern = glob.as_str();
            match pattern.strip_suffix("/**") {
                Some(parent) => {
                    let ends = path
                        .match_indices('/')
                        .map(|(at, _)| at)
                        .chain([path.len()]);
                    ends.into_iter()
                        .any(|at| fits(parent.as_bytes(), &path.as_bytes()[..at]))
                }
                None => fits(pattern.as_bytes(), path.as_bytes()),
            }
        });
        path_fits
            && rule
                .methods
                .as_ref()
                .is_none_or(|list| list.contains(method))
    };
    rules
        .iter()
        .position(about)
        .map_or(Found::NoneOfThem, Found::Rule)
}

fn fits(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), Some((c, deeper))) => {
            fits(rest, path) || (*c != b'/' && fits(pattern, deeper))
        }
        (Some((b'*', rest)), None) => fits(rest, path),
        (Some((p, rest)), Some((c, deeper))) => p == c && fits(rest, deeper),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

prop_compose! {
    fn any_rule()(
        segments in proptest::collection::vec("[ab]|\\*|a\\*|\\*b", 0..4),
        end in proptest::sample::select(vec!["", "/", "/**"]),
        methods in proptest::sample::select(vec![&[][..], &["GET"], &["GET", "POST"]]),
        everywhere in 0..8,
    ) -> Rule {
        let joined = [&[String::new()][..], &segments].concat().join("/");
        let path = format!("{joined}{end}");
        let path = if path.is_empty() { "/" } else { &path };
        rule(if everywhere == 0 { "" } else { path }, methods, Allow::Anyone)
    }
}

proptest! {
    #[test]
    fn the_index_finds_what_reading_the_list_finds(
        rules in proptest::collection::vec(any_rule(), 0..12),
        path in "(/[ab]{0,2}){1,4}",
        post: bool,
    ) {
        prop_assume!(!path.contains("//"));
        let method = if post { Method::POST } else { Method::GET };
        prop_assert_eq!(Rules::new(&rules).find(&path, &method), naive(&rules, &path, &method));
    }

    #[test]
    fn signing_in_never_takes_away_what_is_open(
        rules in proptest::collection::vec(any_rule(), 0..6),
        path in "(/[ab]{0,2}){1,3}",
    ) {
        let rules = Rules::new(&rules);
        let request = format!("GET {path}");
        if asked(&rules, &request, "::1", None) == OPEN {
            prop_assert_eq!(asked(&rules, &request, "::1", Some(&alice())), OPEN);
        }
    }

    #[test]
    fn no_path_makes_it_panic(rules in proptest::collection::vec(any_rule(), 0..6), path in ".{0,20}") {
        let _ = Rules::new(&rules).find(&path, &Method::GET);
    }
}

#[test]
fn ten_thousand_rules_are_not_read_one_by_one() {
    let list: Vec<_> = (0..10_000)
        .map(|n| rule(&format!("/tenant{n}/**"), &[], Allow::SignedIn))
        .collect();
    let rules = Rules::new(&list);
    let asked = std::cell::Cell::new(0);
    let found = rules.index.find(b"/tenant9999/x", |_| {
        asked.set(asked.get() + 1);
        true
    });
    assert_eq!((found, asked.get()), (Some(9999), 1));
}

#[test]
fn a_program_goes_as_far_as_its_key_and_is_no_second_factor() {
    let rules = Rules::new(&[
        Rule {
            require: Some(Require::TwoFactor),
            ..rule("/vault/**", &[], Allow::SignedIn)
        },
        rule("/deny/**", &[], Allow::Nobody),
    ]);
    let scope = doorward_identity::api_key::Scope {
        paths: vec![PathGlob::parse("/**").unwrap()],
        methods: vec![Method::GET],
        ..Default::default()
    };
    let (scope, alice) = (Scope::new(&scope), alice());
    let asked = |request: &str, reach| {
        let (method, path) = request.split_once(' ').unwrap();
        let method = method.parse().unwrap();
        let facts = Facts {
            host: "app.test",
            path,
            method: &method,
            client: "::1".parse().unwrap(),
        };
        let person = Person {
            reach,
            ..alice.person()
        };
        decide(&rules, &facts, Some(&person))
    };
    let within = Reach::Within(&scope);
    assert_eq!(asked("GET /vault/x", Reach::Everywhere), SECOND);
    assert_eq!(asked("GET /vault/x", within), Decision::BeyondKey);
    assert_eq!(asked("GET /deny/x", within), FORBIDDEN);
    assert_eq!(asked("POST /deny/x", within), Decision::BeyondKey);
    assert_eq!(asked("GET /deny/x", Reach::Nowhere), Decision::BeyondKey);
}
