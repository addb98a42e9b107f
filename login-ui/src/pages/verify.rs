//! Proving the address of a new account: a code, or the link of the mail, in the browser that asked.

use askama::Template;
use axum::response::Response;
use doorward_identity::Mailed;
use doorward_identity::verify_email::{Resent, Verified, redeem, resend};
use http::StatusCode;

use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::frame::Frame;
use crate::to::To;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "verify.html")]
struct Page {
    frame: Frame,
    form: FormState,
    to: To,
    /// The `t` of a link, which takes the place of typing.
    link: String,
}

/// The form. Opening the link of a mail only shows it: mail programs open links too.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let to = visit.to(visit.query.get("to"));
    if visit.flow().is_none() {
        return to_sign_in(&visit, &to);
    }
    let link = visit.query.get("t").to_owned();
    show(&visit, StatusCode::OK, (to, link), FormState::default())
}

/// The code, or the wish for another.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let to = visit.to_of(&fields);
    let Some(flow) = visit.flow().cloned() else {
        return to_sign_in(&visit, &to);
    };
    let (identity, live, client) = (&visit.ui.identity, &visit.live, &visit.client);
    if fields.get("again") == "yes" {
        return match resend(identity, live, &flow, client).await? {
            Resent::Sent => answer::see_other(&visit.portal(&format!("verify{}", to.query()))),
            Resent::Gone => to_sign_in(&visit, &to),
            Resent::Slow { retry_after } => later(&visit, to, Wait::Slowed(retry_after)),
        };
    }
    let (code, link) = (fields.get("code"), visit.told(&fields, "t"));
    let shown = match (code.trim(), link) {
        ("", "") => return wrong(&visit, to, "This is needed."),
        ("", link) => Mailed::Link(link),
        (code, _) => Mailed::Code(code),
    };
    match redeem(identity, live, (&flow, shown), client, visit.carried()).await? {
        Verified::Welcome(opened) => {
            let mut response = answer::welcome(&visit, &opened, &visit.way_after_form(&to))?;
            answer::forget_flow(&visit, &mut response);
            Ok(response)
        }
        Verified::CodeNeeded(flow) => {
            let path = visit.portal(&format!("login/code{}", to.query()));
            answer::next_step(&visit, &flow, &path)
        }
        Verified::Wrong => wrong(&visit, to, "That isn’t the code. Look at the newest mail."),
        Verified::Gone => to_sign_in(&visit, &to),
        Verified::Slow { retry_after } => later(&visit, to, Wait::Slowed(retry_after)),
    }
}

fn wrong(visit: &Visit, to: To, text: &'static str) -> Result<Response, Failure> {
    let form = FormState::default().problems(vec![Problem {
        field: "code",
        text: text.into(),
    }]);
    show(
        visit,
        StatusCode::UNPROCESSABLE_ENTITY,
        (to, String::new()),
        form,
    )
}

fn later(visit: &Visit, to: To, wait: Wait) -> Result<Response, Failure> {
    let form = FormState::default().alert(wait.words(), &[]);
    Ok(wait.on(show(visit, wait.status(), (to, String::new()), form)?))
}

/// Whoever has nothing to prove here (any more) gets a new code by signing in.
fn to_sign_in(visit: &Visit, to: &To) -> Result<Response, Failure> {
    answer::see_other(&visit.portal(&format!("login{}", to.query())))
}

fn show(
    visit: &Visit,
    status: StatusCode,
    (to, link): (To, String),
    form: FormState,
) -> Result<Response, Failure> {
    let mut frame = Frame::new(&visit.live, "Confirm your e-mail");
    frame.failed = form.has_failed();
    answer::page(
        status,
        &Page {
            frame,
            form,
            to,
            link,
        },
    )
}
