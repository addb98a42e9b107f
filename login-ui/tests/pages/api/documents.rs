//! What a program may send: an object whose members are text; what is wrong with one is pointed at.

use super::*;

#[tokio::test]
async fn what_cannot_be_read() {
    let house = House::open().await;
    let mut program = program(&house);
    let nested = format!("{}{}", "[".repeat(100_000 / 4), "]".repeat(100_000 / 4));
    for (kind, text, status) in [
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("application/json", "{\"login\":\"a\",\"login\":\"b\"}", 400),
        ("application/json", "5", 422),
        ("application/json", "{\"login\":5,\"password\":\"x\"}", 422),
        ("application/json", &nested, 400),
        (
            "application/json",
            &format!("{{\"login\":\"{}\"}}", "x".repeat(70_000)),
            413,
        ),
        (
            "application/x-www-form-urlencoded",
            "login=anna&password=x",
            415,
        ),
        ("text/plain", "{}", 415),
        ("application/jsonp", "{}", 415),
    ] {
        let page = program
            .ask("POST", "/_auth/api/login", Some(kind), text.to_owned())
            .await;
        assert_eq!(
            page.status,
            status,
            "{kind} {}",
            &text[..text.len().min(40)]
        );
        assert_eq!(page.headers["content-type"], "application/problem+json");
    }
    assert_eq!(
        program
            .ask("POST", "/_auth/api/login", None, "{}".to_owned())
            .await
            .status,
        415
    );
    let mut packed = program.clone().saying("content-encoding", Some("gzip"));
    assert_eq!(packed.call("login", &json!({})).await.status, 415);
    assert_eq!(program.get("/_auth/api/login").await.status, 405);
    let lost = program.get("/_auth/api/nothing").await;
    assert_eq!(
        (lost.status, &lost.headers["content-type"]),
        (404, &"application/problem+json".parse().unwrap())
    );
}

#[tokio::test]
async fn what_is_wrong_is_pointed_at() {
    let house = House::open().await;
    let form = json!({ "username": "a b", "email": "nowhere", "password": "short", "date_of_birth": "soon" });
    let page = program(&house).call("register", &form).await;
    assert_eq!(
        pointers(&page),
        ["/username", "/email", "/password", "/date_of_birth"]
    );
}

/// Each address with all that it knows, and what of that is needed.
fn addresses() -> [(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
); 6] {
    [
        (
            "login",
            &["login", "username", "email", "password", "code"],
            &["login", "password"],
        ),
        (
            "register",
            &[
                "username",
                "email",
                "password",
                "first_name",
                "last_name",
                "date_of_birth",
                "invite",
            ],
            &["email", "password"],
        ),
        ("refresh", &["refresh_token"], &["refresh_token"]),
        (
            "password",
            &["current", "password"],
            &["current", "password"],
        ),
        ("recover", &["email"], &["email"]),
        (
            "recover/confirm",
            &["flow", "code", "t", "password"],
            &["password", "flow", "code"],
        ),
    ]
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_pointed_at_and_null_is_as_good_as_none() {
    let house = House::open().await;
    house.add("anna").await;
    let token = login(&house, "anna").await["access_token"].clone();
    let mut program = bearing(&house, &token);
    let pointed = |names: &[&str]| {
        names
            .iter()
            .map(|name| format!("/{name}"))
            .collect::<Vec<_>>()
    };
    for (address, known, needed) in addresses() {
        for value in [json!(5), json!(true), json!(["a"]), json!({ "a": 1 })] {
            for name in known {
                let form = json!({ *name: value, "more": value });
                let page = program.call(address, &form).await;
                assert_eq!(pointers(&page), pointed(&[name]), "{address} {form}");
            }
        }
        let none = json!({});
        let null: Value = known.iter().map(|name| (*name, Value::Null)).collect();
        for form in [none, null] {
            let page = program.call(address, &form).await;
            assert_eq!(pointers(&page), pointed(needed), "{address} {form}");
        }
    }
    let form = json!({
        "username": null, "email": "berta@example.com", "password": PASSWORD, "first_name": null, "last_name": null,
        "date_of_birth": null, "invite": null,
    });
    assert_eq!(program.call("register", &form).await.status, 201);
    let form = json!({
        "login": null, "username": null, "email": "berta@example.com", "password": PASSWORD, "code": null,
    });
    assert_eq!(program.call("login", &form).await.status, 200);
}

#[tokio::test]
async fn only_an_object_is_a_document() {
    let house = House::open().await;
    house.add("anna").await;
    let token = login(&house, "anna").await["access_token"].clone();
    let mut program = bearing(&house, &token);
    let berta = json!(["", "berta@example.com", PASSWORD, "", "", "", ""]);
    for (address, _, _) in addresses() {
        for document in [&berta, &json!([]), &json!("a"), &json!(5), &Value::Null] {
            let page = program.call(address, document).await;
            assert_eq!(pointers(&page), [""], "{address} {document}");
        }
        for text in ["", "{", "{}{}", "{'login':'anna'}"] {
            let path = format!("/_auth/api/{address}");
            let json = Some("application/json");
            let page = program.ask("POST", &path, json, text.to_owned()).await;
            assert_eq!(page.status, 400, "{address} {text}");
            let detail = document(&page)["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("not JSON"), "{detail}");
        }
    }
    let form = json!({ "login": "berta@example.com", "password": PASSWORD });
    assert_eq!(
        program.call("login", &form).await.status,
        401,
        "there is none"
    );
}
