//! What works once works once, however many try at the same time through however many gateways.

use std::time::Duration;

use doorward_tests::{MailServer, PASSWORD, Plan, Stack, Visitor};

/// How many try at once.
const TRIES: usize = 200;

fn mailing(plan: Plan, server: &MailServer) -> Plan {
    let mail = format!(
        "[mail]\nsmtp = \"smtp://{}\"\n[throttle]\naddress_failures = 100000",
        server.address()
    );
    plan.gateways(2).section(&mail)
}

/// Sends the same form that often at once, half of it to each gateway; gives the browsers that were led to `way`.
async fn race(
    stack: &Stack,
    visitor: &Visitor,
    (page, fields): (&str, &[(&str, &str)]),
    way: &str,
) -> Vec<Visitor> {
    let mut tries = tokio::task::JoinSet::new();
    for index in 0..TRIES {
        let mut visitor = visitor.also_at(stack.gateways[index % 2].gate());
        let (page, way) = (page.to_owned(), way.to_owned());
        let fields: Vec<(String, String)> = fields
            .iter()
            // A name of one's own where there is one: else the name is what only one can have.
            .map(|(name, value)| ((*name).to_owned(), value.replace("{}", &index.to_string())))
            .collect();
        tries.spawn(async move {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            loop {
                let answer = visitor.form(&page, &fields).await;
                if answer.status != 503 {
                    return (answer.status == 303 && answer.location() == way).then_some(visitor);
                }
                // Too many passwords to hash: it was not judged.
                tokio::task::yield_now().await;
            }
        });
    }
    let answers = tries.join_all().await;
    assert_eq!(answers.len(), TRIES);
    answers.into_iter().flatten().collect()
}

on_both_stores! {
    async fn a44_a_mailed_code(plan) {
        let server = MailServer::start().await;
        let stack = mailing(plan, &server).start().await;
        let mut anna = stack.anon();
        let fields = [("email", "anna@example.com"), ("password", PASSWORD)];
        assert_eq!(anna.form("/_auth/register", &fields).await.status, 303);
        let code = server.letter("anna@example.com", Duration::from_secs(10)).await.code();
        let won = race(&stack, &anna, ("/_auth/verify", &[("code", &code)]), "/").await;
        assert_eq!(won.len(), 1);
    }

    async fn a47_a_code_for_a_new_password(plan) {
        let server = MailServer::start().await;
        let stack = mailing(plan, &server).start().await;
        stack.add_person("anna", &[]).await;
        let mut anna = stack.anon();
        assert_eq!(anna.form("/_auth/recover", &[("email", "anna@example.com")]).await.status, 303);
        let code = server.letter("anna@example.com", Duration::from_secs(10)).await.code();
        let way = "/_auth/recover/password";
        let won = race(&stack, &anna, ("/_auth/recover/code", &[("code", &code)]), way).await;
        assert_eq!(won.len(), 1);
        let fields = [("password", "quite-another-77-umbrella")];
        let won = race(&stack, &won[0], (way, &fields), "/_auth/login").await;
        assert_eq!(won.len(), 1, "and the password is set once");
    }

    async fn an_invitation(plan) {
        let plan = plan.gateways(2).section("[registration]\nmode = \"invite\"\n[throttle]\naddress_failures = 100000");
        let stack = plan.start().await;
        let said = stack.command(&["user", "invite", "anna@example.com"]).await.exits(0).out;
        let token = said.split("invite=").nth(1).and_then(|rest| rest.lines().next()).expect("a link");
        let fields = [("username", "anna{}"), ("email", "anna@example.com"), ("password", PASSWORD), ("invite", token)];
        let won = race(&stack, &stack.anon(), ("/_auth/register", &fields), "/").await;
        assert_eq!(won.len(), 1);
        let people = stack.command(&["user", "list", "--json"]).await.exits(0).out;
        assert_eq!(people.matches("\"email\":").count(), 1, "{people}");
        assert_eq!(stack.anon().page("/_auth/register").await.status, 403);
    }
}
