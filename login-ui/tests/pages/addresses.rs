//! Forms that are sent without what the address says already: by who follows the way and reads no page.

use doorward_config::{RegistrationMode, VerifyEmail};
use doorward_identity::Clock;
use doorward_identity::setup::offer;

use crate::app::{CODE, turned_on};
use crate::house::{House, PASSWORD};

const NEW: &str = "quite another 77 umbrella";

/// A house whose mails have links, for their address is known.
async fn linked(verify_email: VerifyEmail) -> House {
    House::configured(|live| {
        live.portal.url = Some("https://app.test".parse().unwrap());
        live.registration.verify_email = verify_email;
    })
    .await
}

#[tokio::test]
async fn where_to_is_in_the_address_of_the_sign_in() {
    let house = House::open().await;
    house.add("anna").await;
    for (address, to, lands) in [
        ("/_auth/login?to=%2Freports", None, "/reports"),
        ("/_auth/login?to=%2Freports", Some("/other"), "/other"),
        ("/_auth/login?to=%2Freports", Some(""), "/"),
        ("/_auth/login?to=https%3A%2F%2Fevil.test%2F", None, "/"),
        ("/_auth/login?to=%2F%2Fevil.test%2F", None, "/"),
        ("/_auth/login?to=%2Fa&to=%2Fb", None, "/"),
    ] {
        let mut fields = vec![("login", "anna"), ("password", PASSWORD)];
        fields.extend(to.map(|to| ("to", to)));
        let page = house.browser().post(address, &fields).await;
        assert_eq!(
            (page.status, page.location()),
            (303, lands),
            "{address} {to:?}"
        );
    }
    let page = house.browser().post("/_auth/login?to=/x", &[]).await;
    assert_eq!(page.form("/_auth/login").value("to"), Some("/x"), "kept");
}

#[tokio::test]
async fn where_to_is_in_the_address_of_the_second_step() {
    let house = House::open().await;
    house.add("bob").await;
    let (app, codes) = turned_on(&house, &mut house.signed_in("bob").await).await;
    for (to, lands) in [
        ("/reports?q=1&2", "/reports?q=1&2"),
        ("https://evil.test/", "/"),
    ] {
        let mut browser = house.browser();
        let fields = [("login", "bob"), ("password", PASSWORD), ("to", to)];
        let asked = browser.post("/_auth/login", &fields).await;
        let code = if lands == "/" {
            codes[0].clone()
        } else {
            app.code(house.clock.now())
        };
        let page = browser.post(asked.location(), &[("code", &code)]).await;
        assert_eq!((page.status, page.location()), (303, lands));
    }
    // Whoever comes from their account goes back there.
    let mut browser = house.browser();
    browser.sign_in("bob", PASSWORD).await;
    let address = format!("{CODE}?for=account&with=recovery");
    let wrong = browser.post(&address, &[("code", "nonsense")]).await;
    assert_eq!(wrong.form(CODE).value("with"), Some("recovery"));
    let page = browser.post(&address, &[("code", &codes[1])]).await;
    assert_eq!((page.status, page.location()), (303, "/_auth/account"));
}

#[tokio::test]
async fn an_address_is_proven_with_the_code_alone_or_at_the_mails_link() {
    let house = linked(VerifyEmail::On).await;
    for email in ["anna@example.com", "bert@example.com"] {
        let mut browser = house.browser();
        let fields = [("email", email), ("password", PASSWORD)];
        let asked = browser.post("/_auth/register?to=%2Fpage", &fields).await;
        assert_eq!(
            (asked.status, asked.location()),
            (303, "/_auth/verify?to=%2Fpage")
        );
        let (page, lands) = if email.starts_with("anna") {
            let code = house.code_for(email).await;
            (
                browser.post(asked.location(), &[("code", &code)]).await,
                "/page",
            )
        } else {
            let link = format!("/_auth/verify?t={}", house.link_for(email).await);
            (browser.post(&link, &[]).await, "/")
        };
        assert_eq!((page.status, page.location()), (303, lands), "{email}");
        assert!(browser.token().is_some());
    }
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_at_the_mails_link() {
    let house = linked(VerifyEmail::Off).await;
    house.add("anna").await;
    let fields = [("email", "anna@example.com")];
    house.browser().post("/_auth/recover", &fields).await;
    let link = house.link_for("anna@example.com").await;
    let link = format!("/_auth/recover/code?t={link}");
    let mut elsewhere = house.browser();
    let page = elsewhere.post(&link, &[]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/recover/password")
    );
    let page = elsewhere.post(page.location(), &[("password", NEW)]).await;
    assert_eq!((page.status, page.location()), (303, "/_auth/login"));
    let again = house.browser().post(&link, &[]).await;
    assert_eq!(again.location(), "/_auth/recover", "once");
}

#[tokio::test]
async fn another_e_mail_is_confirmed_at_the_mails_link() {
    let house = linked(VerifyEmail::On).await;
    house.add("anna").await;
    let mut browser = house.signed_in("anna").await;
    let fields = [("email", "new@example.com")];
    browser.post("/_auth/account/email", &fields).await;
    let link = house.link_for("new@example.com").await;
    let link = format!("/_auth/account/email?t={link}");
    let page = browser.post(&link, &[]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/_auth/account?done=email")
    );
}

#[tokio::test]
async fn whoever_was_invited_or_comes_first_is_known_by_the_link() {
    let house = House::open().await;
    let link = format!(
        "/_auth/setup?t={}",
        offer(&house.identity).await.unwrap().unwrap().text()
    );
    let fields = [("email", "first@example.com"), ("password", PASSWORD)];
    let page = house.browser().post(&link, &fields).await;
    assert_eq!((page.status, page.location()), (303, "/"));

    house.reload(|live| live.registration.mode = RegistrationMode::Invite);
    let invite = house.invite("anna@example.com").await;
    let fields = [("email", "anna@example.com"), ("password", PASSWORD)];
    let page = house.browser().post("/_auth/register", &fields).await;
    assert_eq!(page.status, 403);
    let link = format!("/_auth/register?invite={invite}");
    let page = house.browser().post(&link, &fields).await;
    assert_eq!((page.status, page.location()), (303, "/"));
}
