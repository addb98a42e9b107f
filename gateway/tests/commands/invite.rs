use super::Operator;

const INVITE_ONLY: &str = "[registration]\nmode = \"invite\"\n";

#[test]
fn an_invitation_is_a_link_and_says_until_when() {
    let operator = Operator::with_file(INVITE_ONLY);
    let said = operator
        .says("user invite anna@example.com --role staff")
        .done();
    let (link, rest) = said.split_once('\n').unwrap();
    let (page, token) = link.split_once("?invite=").unwrap();
    assert_eq!(page, "http://localhost:8080/_auth/register");
    assert_eq!(token.len(), 43);
    assert!(rest.starts_with("works once, until 20"), "{rest}");
    assert!(rest.contains("pass it on yourself"), "{rest}");
    let trail = operator.says("audit export").done();
    assert!(trail.contains("invite.made"), "{trail}");
    assert!(!trail.contains(token));
}

#[test]
fn with_an_address_of_its_own_the_portal_is_linked_and_mail_goes_out() {
    let file = format!("{INVITE_ONLY}[portal]\nurl = \"https://auth.example.com\"\n");
    let operator = Operator::with_file(&file);
    let said = operator.says("user invite anna@example.com").done();
    let link = "https://auth.example.com/_auth/register?invite=";
    assert!(said.starts_with(link), "{said}");
    assert!(said.contains("a running gateway mails it"), "{said}");
}

#[test]
fn who_cannot_be_invited() {
    let operator = Operator::with_file(INVITE_ONLY);
    operator
        .types(
            "user add anna@example.com --password-stdin",
            "flimsy-otter-9-parade\n",
        )
        .done();
    let taken = operator.says("user invite anna@example.com").ends_with(1);
    assert!(taken.contains("already an account"), "{taken}");
    operator.says("user invite nowhere").ends_with(1);
    operator
        .says("user invite b@example.com --role Not,One")
        .ends_with(2);
    let closed = Operator::with_file("[registration]\nmode = \"closed\"\n");
    let refused = closed.says("user invite anna@example.com").ends_with(1);
    assert!(refused.contains("registration.mode"), "{refused}");
}
