//! The JSON API.

#![expect(
    clippy::indexing_slicing,
    reason = "a test says what does not hold by failing"
)]

mod documents;

use doorward_config::{RegistrationMode, VerifyEmail};
use doorward_identity::{Clock, audit::By, change::disable};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::house::{House, PASSWORD};

impl Browser {
    /// Sends a document as a program does: no cookie, no word about where it comes from.
    pub async fn call(&mut self, address: &str, document: &Value) -> Page {
        let path = format!("/_auth/api/{address}");
        self.ask(
            "POST",
            &path,
            Some("application/json"),
            document.to_string(),
        )
        .await
    }
}

/// A program that has never been here.
fn program(house: &House) -> Browser {
    house
        .browser()
        .saying("sec-fetch-site", None)
        .saying("sec-fetch-mode", None)
}

/// The same, carrying this token.
fn bearing(house: &House, token: &Value) -> Browser {
    let value = format!("Bearer {}", token.as_str().unwrap());
    program(house).saying("authorization", Some(Box::leak(value.into_boxed_str())))
}

fn document(page: &Page) -> Value {
    serde_json::from_str(&page.text).unwrap_or_else(|_| panic!("{} {}", page.status, page.text))
}

async fn login(house: &House, who: &str) -> Value {
    let form = json!({ "login": who, "password": PASSWORD });
    let page = program(house).call("login", &form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.headers.get("set-cookie").is_none(),
        "no cookie is made"
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    document(&page)
}

fn pointers(page: &Page) -> Vec<String> {
    assert_eq!(page.status, 422, "{}", page.text);
    assert_eq!(page.headers["content-type"], "application/problem+json");
    let errors = document(page)["errors"].as_array().unwrap().clone();
    let pointer = |error: &Value| error["pointer"].as_str().unwrap().to_owned();
    errors.iter().map(pointer).collect()
}

#[tokio::test]
async fn the_journey_of_a_program() {
    let house = House::open().await;
    let form = json!({
        "username": "anna", "email": "anna@example.com", "password": PASSWORD,
        "role": "admin", "roles": ["admin"], "email_verified": true, "mfa_enabled": false,
    });
    let page = program(&house).call("register", &form).await;
    assert_eq!(page.status, 201, "{}", page.text);
    assert!(page.headers.get("set-cookie").is_none());
    assert_eq!(
        document(&page),
        json!({ "email": "anna@example.com", "verification_required": false })
    );

    let tokens = login(&house, "anna").await;
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    let me = bearing(&house, &tokens["access_token"])
        .get("/_auth/api/me")
        .await;
    assert_eq!(me.status, 200);
    let me = document(&me);
    assert_eq!(
        (&me["username"], &me["roles"]),
        (&json!("anna"), &json!(["user"])),
        "roles cannot be asked for"
    );
    assert_eq!(me["email_verified"], false);

    let page = program(&house)
        .call(
            "refresh",
            &json!({ "refresh_token": tokens["refresh_token"] }),
        )
        .await;
    let next = document(&page);
    assert_eq!(page.status, 200, "{next}");
    assert_ne!(next["refresh_token"], tokens["refresh_token"]);

    let out = bearing(&house, &next["access_token"])
        .call("logout", &json!({}))
        .await;
    assert_eq!((out.status, out.text.as_str()), (204, ""));
    for token in [&tokens, &next] {
        let me = bearing(&house, &token["access_token"])
            .get("/_auth/api/me")
            .await;
        assert_eq!(me.status, 401);
        assert_eq!(
            me.headers["www-authenticate"],
            r#"Bearer realm="doorward", error="invalid_token""#
        );
    }
    let page = program(&house)
        .call(
            "refresh",
            &json!({ "refresh_token": next["refresh_token"] }),
        )
        .await;
    assert_eq!(page.status, 401);
}

#[tokio::test]
async fn signing_in_by_any_of_the_names() {
    let house = House::open().await;
    house.add("anna").await;
    for form in [
        json!({ "login": "anna", "password": PASSWORD }),
        json!({ "username": "ANNA", "password": PASSWORD }),
        json!({ "email": "anna@example.com", "password": PASSWORD }),
        json!({ "login": "anna@example.com", "password": PASSWORD, "more": [1, 2] }),
    ] {
        assert_eq!(
            program(&house).call("login", &form).await.status,
            200,
            "{form}"
        );
    }
    for (form, pointer) in [
        (json!({}), &["/login", "/password"][..]),
        (json!({ "login": "anna" }), &["/password"]),
        (
            json!({ "login": "", "password": "" }),
            &["/login", "/password"],
        ),
    ] {
        assert_eq!(
            pointers(&program(&house).call("login", &form).await),
            pointer
        );
    }
}

#[tokio::test]
async fn refusals_are_alike() {
    let house = House::configured(|live| live.throttle.account_failures = 100).await;
    house.add("anna").await;
    let carol = house.add("carol").await;
    let _ = disable(&house.identity, carol, By::Command).await.unwrap();
    let mut answers = Vec::new();
    for form in [
        json!({ "login": "nobody", "password": PASSWORD }),
        json!({ "login": "anna", "password": "wrong" }),
        json!({ "login": "carol", "password": PASSWORD }),
        json!({ "login": "carol", "password": "wrong" }),
    ] {
        let page = program(&house).call("login", &form).await;
        assert_eq!(
            page.headers["www-authenticate"],
            r#"Bearer realm="doorward""#
        );
        answers.push((page.status, page.text));
    }
    assert_eq!(answers[0].0, 401);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn pages_of_other_sites_call_in_vain() {
    let house = House::open().await;
    house.add("anna").await;
    let form = json!({ "login": "anna", "password": PASSWORD });
    let mut foreign = program(&house).saying("sec-fetch-site", Some("cross-site"));
    assert_eq!(foreign.call("login", &form).await.status, 403);
    let mut own = program(&house).saying("sec-fetch-site", Some("same-origin"));
    assert_eq!(own.call("login", &form).await.status, 200);
}

#[tokio::test]
async fn only_the_newest_refresh_token_works_and_an_old_one_ends_the_session() {
    let house = House::open().await;
    house.add("anna").await;
    let first = login(&house, "anna").await;
    let refresh = async |token: &Value| {
        let form = json!({ "refresh_token": token });
        program(&house).call("refresh", &form).await
    };
    let second = document(&refresh(&first["refresh_token"]).await);
    assert_eq!(refresh(&first["refresh_token"]).await.status, 401);
    assert_eq!(refresh(&second["refresh_token"]).await.status, 401);
    let me = bearing(&house, &second["access_token"])
        .get("/_auth/api/me")
        .await;
    assert_eq!(me.status, 401);
    assert_eq!(refresh(&json!("nonsense")).await.status, 401);
}

#[tokio::test]
async fn an_access_token_ends_and_is_for_its_own_origin() {
    let house = House::open().await;
    house.add("anna").await;
    let tokens = login(&house, "anna").await;
    let mut elsewhere = bearing(&house, &tokens["access_token"]);
    elsewhere.host = "other.test";
    assert_eq!(elsewhere.get("/_auth/api/me").await.status, 401);
    let mut here = bearing(&house, &tokens["access_token"]);
    assert_eq!(here.get("/_auth/api/me").await.status, 200);
    house.clock.advance(SignedDuration::from_mins(16));
    assert_eq!(here.get("/_auth/api/me").await.status, 401);
    let _ = house.clock.now();
}

#[tokio::test]
async fn a_cookie_is_enough_to_ask_and_no_token_makes_one() {
    let house = House::open().await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    assert_eq!(browser.get("/_auth/api/me").await.status, 200);
    assert_eq!(
        browser.call("logout", &json!({})).await.status,
        401,
        "a cookie is no token"
    );
    let tokens = login(&house, "anna").await;
    let account =
        bearing(&house, &tokens["access_token"]).saying("sec-fetch-mode", Some("navigate"));
    let page = account.clone().get("/_auth/account").await;
    assert_eq!(
        page.location(),
        "/_auth/login",
        "a token does not open the person's pages"
    );
    let mut both = house.browser();
    both.jar = browser.jar.clone();
    let both = both.saying("authorization", Some("Bearer nonsense"));
    assert_eq!(
        both.clone().get("/_auth/api/me").await.status,
        200,
        "the cookie decides"
    );
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let house = House::open().await;
    house.add("anna").await;
    let tokens = login(&house, "anna").await;
    let mut program_ = bearing(&house, &tokens["access_token"]);
    let new = "quite another 77 umbrella";
    let wrong = json!({ "current": "wrong", "password": new });
    assert_eq!(
        pointers(&program_.call("password", &wrong).await),
        ["/current"]
    );
    let weak = json!({ "current": PASSWORD, "password": "short" });
    assert_eq!(
        pointers(&program_.call("password", &weak).await),
        ["/password"]
    );
    let page = program_
        .call("password", &json!({ "current": PASSWORD, "password": new }))
        .await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(
        program_.get("/_auth/api/me").await.status,
        401,
        "the old session is over"
    );
    let mut next = bearing(&house, &document(&page)["access_token"]);
    assert_eq!(next.get("/_auth/api/me").await.status, 200);
    let stranger = json!({ "current": new, "password": PASSWORD });
    assert_eq!(
        program(&house).call("password", &stranger).await.status,
        401
    );
}

#[tokio::test]
async fn a_forgotten_password_is_replaced() {
    let house = House::open().await;
    house.add("anna").await;
    let tokens = login(&house, "anna").await;
    let ask = async |email: &str| {
        program(&house)
            .call("recover", &json!({ "email": email }))
            .await
    };
    let (known, unknown) = (
        ask("anna@example.com").await,
        ask("nobody@example.com").await,
    );
    assert_eq!((known.status, unknown.status), (202, 202));
    let flow = document(&known)["flow"].clone();
    assert_eq!(
        document(&unknown).as_object().unwrap().len(),
        1,
        "the same shape"
    );
    let code = house.code_for("anna@example.com").await;
    let confirm = async |form: Value| program(&house).call("recover/confirm", &form).await;
    let new = "quite another 77 umbrella";
    let wrong = if code == "00000000" {
        "00000001"
    } else {
        "00000000"
    };
    let form = json!({ "flow": flow, "code": wrong, "password": new });
    assert_eq!(pointers(&confirm(form).await), ["/code"]);
    let strange = json!({ "flow": document(&unknown)["flow"], "code": code, "password": new });
    assert_eq!(pointers(&confirm(strange).await), ["/code"]);
    let weak = confirm(json!({ "flow": flow, "code": code, "password": "short" })).await;
    assert_eq!(pointers(&weak), ["/password"]);
    let permit = document(&weak)["flow"].clone();
    let done = confirm(json!({ "flow": permit, "password": new })).await;
    assert_eq!(done.status, 204, "{}", done.text);
    assert_eq!(
        pointers(&confirm(json!({ "flow": permit, "password": new })).await),
        ["/code"],
        "once"
    );
    let me = bearing(&house, &tokens["access_token"])
        .get("/_auth/api/me")
        .await;
    assert_eq!(me.status, 401, "what was signed in has ended");
    let form = json!({ "login": "anna", "password": new });
    assert_eq!(program(&house).call("login", &form).await.status, 200);
}

#[tokio::test]
async fn where_addresses_are_verified_a_taken_one_looks_the_same() {
    let house = House::configured(|live| live.registration.verify_email = VerifyEmail::On).await;
    house.add("anna").await;
    let mut answers = Vec::new();
    for email in ["anna@example.com", "berta@example.com"] {
        let page = program(&house)
            .call("register", &json!({ "email": email, "password": PASSWORD }))
            .await;
        assert_eq!(page.status, 201, "{}", page.text);
        answers.push(page.text.replace(email, ""));
    }
    assert_eq!(answers[0], answers[1]);
    let form = json!({ "login": "berta@example.com", "password": PASSWORD });
    let page = program(&house).call("login", &form).await;
    assert_eq!(page.status, 403);
    assert_eq!(
        document(&page)["type"],
        "urn:doorward:problem/verification-required"
    );
    house.reload(|live| live.registration.mode = RegistrationMode::Closed);
    let page = program(&house).call("register", &form).await;
    assert_eq!(page.status, 403);
}

#[tokio::test]
async fn it_describes_itself() {
    let house = House::open().await;
    let page = program(&house).get("/_auth/api/openapi.json").await;
    let described = document(&page);
    assert!(
        described["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        described["openapi"]
    );
    assert_eq!(described["servers"][0]["url"], "/_auth");
    for address in [
        "login",
        "refresh",
        "logout",
        "register",
        "password",
        "recover",
        "recover/confirm",
    ] {
        let described = &described["paths"][format!("/api/{address}")]["post"];
        assert!(described["responses"].get("503").is_some(), "{address}");
    }
    for (name, known, needed) in [
        ("Login", 5, &["password"][..]),
        ("Register", 7, &["email", "password"]),
        ("Refresh", 1, &["refresh_token"]),
        ("Password", 2, &["current", "password"]),
        ("Recover", 1, &["email"]),
        ("Confirm", 4, &["password"]),
    ] {
        let schema = &described["components"]["schemas"][name];
        assert_eq!(schema["required"], json!(needed), "{name}");
        let members = schema["properties"].as_object().unwrap();
        assert_eq!(members.len(), known, "{name}");
        for (member, said) in members {
            let kind = if needed.contains(&&**member) {
                json!("string")
            } else {
                json!(["string", "null"])
            };
            assert_eq!(said["type"], kind, "{name} {member}");
        }
    }
    for inner in [".md", "§", "contract"] {
        assert!(!page.text.contains(inner), "{inner} is nobody's outside");
    }
    let keys = program(&house).get("/_auth/jwks.json").await;
    assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
    assert_eq!(document(&keys)["keys"].as_array().unwrap().len(), 2);
}
