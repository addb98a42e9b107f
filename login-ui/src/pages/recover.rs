//! Choosing a new password without the old one: an address, a code or link, the password. The answers are the same
//! whether anybody has the address or not.

use askama::Template;
use axum::response::Response;
use doorward_identity::Offer;
use doorward_identity::recover::{
    Began, Checked, NewPassword, begin, check_code, look, look_at_permit, set_password, use_link,
};
use http::StatusCode;

use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::frame::Frame;
use crate::pages::fields;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "recover.html")]
struct Page {
    frame: Frame,
    form: FormState,
    step: Step,
}

/// Which of the three steps is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Address,
    Code,
    /// The link was opened; it is used by the button.
    Link(String),
    Password {
        hint: String,
    },
}

impl Step {
    fn heading(&self) -> &'static str {
        match self {
            Self::Address => "Forgot your password?",
            Self::Code => "Enter your code",
            Self::Link(_) | Self::Password { .. } => "Choose a new password",
        }
    }

    /// Where its form is sent.
    fn page(&self) -> &'static str {
        match self {
            Self::Address => "recover",
            Self::Code | Self::Link(_) => "recover/code",
            Self::Password { .. } => "recover/password",
        }
    }
}

/// Asks for the address.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    show(&visit, StatusCode::OK, Step::Address, FormState::default())
}

/// Orders a code for the address.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let form = FormState::keeping(&fields, &["email"]);
    let (identity, live, client) = (&visit.ui.identity, &visit.live, &visit.client);
    match begin(identity, live, fields.get("email"), client).await? {
        Began::Sent(flow) => answer::next_step(&visit, &flow, &visit.portal("recover/code")),
        Began::Invalid(problems) => {
            let form = form.problems(fields::problems(problems));
            show(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                Step::Address,
                form,
            )
        }
        Began::Slow { retry_after } => {
            later(&visit, Step::Address, form, Wait::Slowed(retry_after))
        }
    }
}

/// Asks for the code, or shows the button of a link. Opening a link uses nothing up: mail programs open links too.
pub(crate) async fn get_code(visit: Visit) -> Result<Response, Failure> {
    let link = visit.query.get("t");
    if !link.is_empty() {
        return match look(&visit.ui.identity, link).await? {
            Offer::Valid => show(
                &visit,
                StatusCode::OK,
                Step::Link(link.to_owned()),
                FormState::default(),
            ),
            Offer::Gone => again(&visit),
        };
    }
    if visit.flow().is_none() {
        return again(&visit);
    }
    show(&visit, StatusCode::OK, Step::Code, FormState::default())
}

/// Judges the code or the link.
pub(crate) async fn post_code(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let (identity, live, client) = (&visit.ui.identity, &visit.live, &visit.client);
    let (code, link) = (fields.get("code").trim(), visit.told(&fields, "t"));
    let checked = if link.is_empty() {
        let Some(flow) = visit.flow() else {
            return again(&visit);
        };
        if code.is_empty() {
            return wrong(&visit, "This is needed.");
        }
        check_code(identity, live, (flow, code), client).await?
    } else {
        use_link(identity, live, link, client).await?
    };
    match checked {
        Checked::Right(permit) => {
            answer::next_step(&visit, &permit, &visit.portal("recover/password"))
        }
        Checked::Wrong => wrong(&visit, "That isn’t the code. Look at the newest mail."),
        Checked::Gone => again(&visit),
        Checked::Slow { retry_after } => later(
            &visit,
            Step::Code,
            FormState::default(),
            Wait::Slowed(retry_after),
        ),
    }
}

/// Asks for the new password, in the browser that showed the code.
pub(crate) async fn get_password(visit: Visit) -> Result<Response, Failure> {
    let Some(permit) = visit.flow() else {
        return again(&visit);
    };
    match look_at_permit(&visit.ui.identity, permit).await? {
        Offer::Valid => show(
            &visit,
            StatusCode::OK,
            password(&visit),
            FormState::default(),
        ),
        Offer::Gone => again(&visit),
    }
}

/// Sets it. Nobody is signed in by it.
pub(crate) async fn post_password(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some(permit) = visit.flow() else {
        return again(&visit);
    };
    let (identity, live, client) = (&visit.ui.identity, &visit.live, &visit.client);
    match set_password(identity, live, (permit, fields.get("password")), client).await? {
        NewPassword::Done => {
            let mut response = answer::see_other(&visit.portal("login"))?;
            answer::forget_flow(&visit, &mut response);
            Ok(response)
        }
        NewPassword::Invalid(problems) => {
            let form = FormState::default().problems(fields::problems(problems));
            show(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                password(&visit),
                form,
            )
        }
        NewPassword::Gone => again(&visit),
        NewPassword::Busy { retry_after } => later(
            &visit,
            password(&visit),
            FormState::default(),
            Wait::Busy(retry_after),
        ),
    }
}

fn password(visit: &Visit) -> Step {
    Step::Password {
        hint: fields::password_hint(&visit.live),
    }
}

fn wrong(visit: &Visit, text: &'static str) -> Result<Response, Failure> {
    let form = FormState::default().problems(vec![Problem {
        field: "code",
        text: text.into(),
    }]);
    show(visit, StatusCode::UNPROCESSABLE_ENTITY, Step::Code, form)
}

fn later(visit: &Visit, step: Step, form: FormState, wait: Wait) -> Result<Response, Failure> {
    let form = form.alert(wait.words(), &[]);
    Ok(wait.on(show(visit, wait.status(), step, form)?))
}

/// The time or the tries are over: from the beginning.
fn again(visit: &Visit) -> Result<Response, Failure> {
    let mut response = answer::see_other(&visit.portal("recover"))?;
    answer::forget_flow(visit, &mut response);
    Ok(response)
}

fn show(
    visit: &Visit,
    status: StatusCode,
    step: Step,
    form: FormState,
) -> Result<Response, Failure> {
    let mut frame = Frame::new(&visit.live, step.heading());
    frame.failed = form.has_failed();
    answer::page(status, &Page { frame, form, step })
}
