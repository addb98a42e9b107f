//! Another e-mail address: asked for with the password, proven with a code or the link of the mail.
//!
//! Both count only in the browser session that asked.

use askama::Template;
use axum::response::Response;
use doorward_config::VerifyEmail;
use doorward_identity::Mailed;
use doorward_identity::accounts::Account;
use doorward_identity::email_change::{ConfirmedEmail, EmailChange, begin, confirm, pending};

use super::again::{Judged, Needed, Refused, judge, needed};
use super::to_sign_in;
use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::frame::Frame;
use crate::pages::fields as names;
use crate::visit::{Session, Visit};

#[derive(Template)]
#[template(path = "account_email.html")]
struct Page {
    frame: Frame,
    form: FormState,
    login: String,
    step: Step,
    gone: bool,
}

/// What the page asks for.
enum Step {
    /// The new address.
    Address {
        now: String,
        proof: Needed,
        verify: VerifyEmail,
    },
    /// The code that went to it.
    Code { to: String },
    /// A press on a button, in the place of typing what the link carries.
    Link { token: String },
}

/// Where somebody is: nothing is used up by looking.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let token = visit.query.get("t").to_owned();
    let step = if token.is_empty() {
        step(&visit, (&session, &account)).await?
    } else {
        Step::Link { token }
    };
    show(&visit, &account, step, Refused::not())
}

/// The wish for another address, or what proves it.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let who = (&session, &account);
    match (fields.get("code").trim(), visit.told(&fields, "t")) {
        ("", "") if fields.has("code") => wrong(&visit, who, "This is needed.").await,
        ("", "") => ask(&visit, who, &fields).await,
        ("", link) => prove(&visit, who, Mailed::Link(link)).await,
        (code, _) => prove(&visit, who, Mailed::Code(code)).await,
    }
}

async fn ask(
    visit: &Visit,
    (session, account): (&Session, &Account),
    fields: &Fields,
) -> Result<Response, Failure> {
    let form = || FormState::keeping(fields, &["email"]);
    let refused = match judge(visit, session, fields, form()).await? {
        Judged::Refused(refused) => refused,
        Judged::Given(again) => {
            let (identity, live) = (&visit.ui.identity, &visit.live);
            match begin(identity, live, &again, fields.get("email"), &visit.client).await? {
                EmailChange::Sent => return answer::see_other(&visit.portal("account/email")),
                EmailChange::Changed => {
                    return answer::see_other(&visit.portal("account?done=email"));
                }
                EmailChange::Invalid(problems) => {
                    Refused::invalid(form().problems(names::problems(problems)))
                }
                EmailChange::Slow { retry_after } => {
                    Refused::waiting(form(), Wait::Slowed(retry_after), &[])
                }
            }
        }
    };
    let step = address(visit, (session, account), &refused.form);
    show(visit, account, step, refused)
}

async fn prove(
    visit: &Visit,
    (session, account): (&Session, &Account),
    shown: Mailed<'_>,
) -> Result<Response, Failure> {
    let (identity, live) = (&visit.ui.identity, &visit.live);
    let who = (account.id, &session.key);
    match confirm(identity, live, who, shown, &visit.client).await? {
        ConfirmedEmail::Done => answer::see_other(&visit.portal("account?done=email")),
        ConfirmedEmail::Wrong => {
            let text = "That isn’t the code. Look at the newest mail.";
            wrong(visit, (session, account), text).await
        }
        ConfirmedEmail::Gone => answer::see_other(&visit.portal("account/email?done=gone")),
        ConfirmedEmail::Taken => {
            let form = FormState::default().problems(vec![Problem {
                field: "email",
                text: "Somebody else has that address by now.".into(),
            }]);
            let step = address(visit, (session, account), &form);
            show(visit, account, step, Refused::invalid(form))
        }
        ConfirmedEmail::Slow { retry_after } => {
            let step = step(visit, (session, account)).await?;
            let wait = Wait::Slowed(retry_after);
            let refused = Refused::waiting(FormState::default(), wait, &[]);
            show(visit, account, step, refused)
        }
    }
}

async fn wrong(
    visit: &Visit,
    who: (&Session, &Account),
    text: &'static str,
) -> Result<Response, Failure> {
    let form = FormState::default().problems(vec![Problem {
        field: "code",
        text: text.into(),
    }]);
    let step = step(visit, who).await?;
    show(visit, who.1, step, Refused::invalid(form))
}

/// The code's form while one is on its way, unless somebody wants to type another address.
async fn step(visit: &Visit, who: (&Session, &Account)) -> Result<Step, Failure> {
    let waiting = pending(&visit.ui.identity, &who.0.key).await?;
    Ok(match waiting {
        Some(to) if visit.query.get("other").is_empty() => Step::Code {
            to: to.as_str().to_owned(),
        },
        _ => address(visit, who, &FormState::default()),
    })
}

fn address(visit: &Visit, (session, account): (&Session, &Account), form: &FormState) -> Step {
    Step::Address {
        now: account.email.clone(),
        proof: needed(visit, session, form),
        verify: visit.live.registration.verify_email,
    }
}

fn show(
    visit: &Visit,
    account: &Account,
    step: Step,
    refused: Refused,
) -> Result<Response, Failure> {
    let Refused { status, form, wait } = refused;
    let heading = match step {
        Step::Address { .. } => "Change your e-mail",
        Step::Code { .. } | Step::Link { .. } => "Confirm your new e-mail",
    };
    let mut frame = Frame::new(&visit.live, heading);
    frame.failed = form.has_failed();
    let page = Page {
        frame,
        form,
        login: account.user().to_owned(),
        step,
        gone: visit.query.get("done") == "gone",
    };
    Ok(Refused::on(wait, answer::page(status, &page)?))
}
