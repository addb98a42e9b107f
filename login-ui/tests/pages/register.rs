//! Making an account.

use doorward_config::{RegistrationMode, UsernameRule};

use crate::house::{House, PASSWORD};

#[tokio::test]
async fn a_new_account_is_signed_in_and_led_on() {
    let house = House::open().await;
    let mut browser = house.browser();
    let login = browser.get("/_auth/login?to=/secret.html").await;
    assert!(
        login
            .text
            .contains("href=\"/_auth/register?to=%2Fsecret%2Ehtml\""),
        "{}",
        login.text
    );
    let page = browser.get("/_auth/register?to=%2Fsecret%2Ehtml").await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (200, "Create your account · Doorward")
    );
    let form = page
        .form("/_auth/register")
        .fill("email", "anna@example.com")
        .fill("password", PASSWORD);
    let page = browser.submit(&form).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/secret.html"),
        "{}",
        page.text
    );
    let me: serde_json::Value =
        serde_json::from_str(&browser.get("/_auth/api/me").await.text).unwrap();
    assert_eq!(me["email"], "anna@example.com");
    assert_eq!(me["username"], serde_json::Value::Null);
}

#[tokio::test]
async fn what_password_managers_look_for() {
    let house = House::open().await;
    let page = house.browser().get("/_auth/register").await;
    for (field, token) in [
        ("username", "username"),
        ("email", "email"),
        ("password", "new-password"),
        ("first_name", "given-name"),
        ("last_name", "family-name"),
        ("date_of_birth", "bday"),
    ] {
        assert!(
            page.field(field)
                .contains(&format!("autocomplete=\"{token}\"")),
            "{field}"
        );
        assert!(
            page.text.contains(&format!("<label for=\"{field}\">")),
            "{field}"
        );
    }
    assert!(
        page.text.contains("<details>"),
        "what is optional is folded away"
    );
    assert!(
        page.explains("password")
            .contains("At least 10 characters.")
    );
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_the_rest_is_kept() {
    let house = House::open().await;
    let typed = [
        ("username", "anna\u{200b}"),
        ("email", "nowhere"),
        ("password", "short!"),
        ("first_name", "Ånna <b>"),
        ("last_name", "Lind"),
        ("date_of_birth", "1990-02-31"),
        ("to", "/x"),
    ];
    let page = house.browser().post("/_auth/register", &typed).await;
    assert_eq!(
        (page.status, page.title().as_str()),
        (422, "Error: Create your account · Doorward")
    );
    for field in ["username", "email", "password", "date_of_birth"] {
        assert!(
            page.field(field).contains("aria-invalid=\"true\""),
            "{field}"
        );
        assert!(
            page.explains(field).contains("Error: "),
            "{field}: {}",
            page.explains(field)
        );
        assert!(page.text.contains(&format!("href=\"#{field}\"")), "{field}");
    }
    assert!(!page.field("last_name").contains("aria-invalid"));
    let form = page.form("/_auth/register");
    for (name, value) in typed.into_iter().filter(|(name, _)| *name != "password") {
        assert_eq!(form.value(name), Some(value), "{name}");
    }
    assert_eq!(form.value("password"), Some(""));
    assert!(!page.text.contains("short!"));
    assert!(
        page.text.contains("<details open>"),
        "nothing wrong is folded away"
    );
    assert!(page.header("set-cookie").is_none());
}

#[tokio::test]
async fn one_problem_is_told_in_one_sentence() {
    let house = House::open().await;
    house.add("anna").await;
    let fields = [
        ("username", "ANNA"),
        ("email", "other@example.com"),
        ("password", PASSWORD),
    ];
    let page = house.browser().post("/_auth/register", &fields).await;
    assert_eq!(page.status, 422);
    assert!(
        page.text
            .contains("<a href=\"#username\">Username</a>: This username is taken."),
        "{}",
        page.text
    );
    let fields = [("email", "Anna@example.com"), ("password", PASSWORD)];
    let page = house.browser().post("/_auth/register", &fields).await;
    assert_eq!(page.status, 422);
    assert!(page.explains("email").contains("already an account"));
}

#[tokio::test]
async fn roles_cannot_be_asked_for() {
    let house = House::open().await;
    let mut browser = house.browser();
    let fields = [
        ("email", "anna@example.com"),
        ("password", PASSWORD),
        ("role", "admin"),
        ("roles", "admin"),
        ("email_verified", "true"),
    ];
    assert_eq!(browser.post("/_auth/register", &fields).await.status, 303);
    let me: serde_json::Value =
        serde_json::from_str(&browser.get("/_auth/api/me").await.text).unwrap();
    assert_eq!(me["roles"], serde_json::json!(["user"]));
    assert_eq!(me["email_verified"], false);
}

#[tokio::test]
async fn an_empty_form_makes_nothing() {
    let house = House::open().await;
    let page = house.browser().post("/_auth/register", &[]).await;
    assert_eq!(page.status, 422);
    assert!(house.identity.accounts.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn where_a_username_is_required_it_is_asked_for() {
    let house = House::configured(|live| live.registration.username = UsernameRule::Required).await;
    let page = house.browser().get("/_auth/register").await;
    assert!(page.text.contains(">Username</label>"), "{}", page.text);
    let page = house
        .browser()
        .post(
            "/_auth/register",
            &[("email", "anna@example.com"), ("password", PASSWORD)],
        )
        .await;
    assert_eq!(page.status, 422);
    assert!(page.explains("username").contains("This is needed."));
}

#[tokio::test]
async fn where_registration_is_closed_there_is_no_form() {
    let house = House::configured(|live| live.registration.mode = RegistrationMode::Closed).await;
    let mut browser = house.browser();
    assert!(!browser.get("/_auth/login").await.text.contains("register"));
    assert_eq!(browser.get("/_auth/register").await.status, 403);
    let page = browser
        .post(
            "/_auth/register",
            &[("email", "anna@example.com"), ("password", PASSWORD)],
        )
        .await;
    assert_eq!(page.status, 403);
    assert!(browser.token().is_none());
}

#[tokio::test]
async fn an_invitation_opens_the_form_for_its_address() {
    let house = House::configured(|live| live.registration.mode = RegistrationMode::Invite).await;
    let mut browser = house.browser();
    let login = browser.get("/_auth/login").await;
    assert!(!login.text.contains("/register"), "{}", login.text);
    assert_eq!(browser.get("/_auth/register").await.status, 403);
    let dead = browser.get("/_auth/register?invite=nonsense").await;
    assert_eq!(dead.status, 403);
    assert!(dead.text.contains("This invitation doesn’t work"));

    let token = house.invite("anna@example.com").await;
    let page = browser
        .get(&format!("/_auth/register?invite={token}"))
        .await;
    assert_eq!(page.status, 200);
    assert!(page.field("email").contains("value=\"anna@example.com\""));
    let form = page.form("/_auth/register");
    // What is wrong keeps the invitation.
    let wrong = form.clone().fill("password", "short");
    let wrong = browser.submit(&wrong).await;
    assert_eq!(wrong.status, 422);
    let form = wrong.form("/_auth/register").fill("password", PASSWORD);
    let other = form.clone().fill("email", "eve@example.com");
    let other = browser.submit(&other).await;
    assert_eq!(other.status, 422);
    assert!(
        other
            .text
            .contains("This invitation is for anna@example.com.")
    );
    let done = browser.submit(&form).await;
    assert_eq!((done.status, done.location()), (303, "/"));
    let again = house.browser().submit(&form).await;
    assert_eq!(again.status, 403);
}

#[tokio::test]
async fn where_anybody_may_come_a_dead_invitation_is_no_dead_end() {
    let house = House::open().await;
    let page = house.browser().get("/_auth/register?invite=old").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("without it"), "{}", page.text);
    assert!(!page.text.contains("name=\"invite\""));
}
