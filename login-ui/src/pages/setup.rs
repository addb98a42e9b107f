//! The first admin, by a link that works once.

use askama::Template;
use axum::response::Response;
use doorward_identity::setup::{self, NewAdmin, Offer, SetUp};
use http::StatusCode;

use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::FormState;
use crate::frame::Frame;
use crate::pages::fields;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "setup.html")]
struct Page {
    frame: Frame,
    form: FormState,
    token: String,
    password_hint: String,
}

/// The form, if the link is good; else there is no such page.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let token = visit.query.get("t");
    match setup::check(&visit.ui.identity, token).await? {
        Offer::Valid => show(&visit, StatusCode::OK, token, FormState::default()),
        Offer::Gone => Err(Failure::NotFound),
    }
}

/// The account, and its first session.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let token = visit.told(&fields, "t");
    let form = FormState::keeping(&fields, &["username", "email"]);
    let admin = NewAdmin {
        username: fields.get("username"),
        email: fields.get("email"),
        password: fields.get("password"),
    };
    let outcome =
        setup::redeem(&visit.ui.identity, &visit.live, token, admin, &visit.client).await?;
    match outcome {
        SetUp::Welcome(opened) => answer::welcome(&visit, &opened, "/"),
        SetUp::Gone => Err(Failure::NotFound),
        SetUp::Invalid(problems) => {
            let form = form.problems(fields::problems(problems));
            show(&visit, StatusCode::UNPROCESSABLE_ENTITY, token, form)
        }
        SetUp::Busy { retry_after } => {
            let wait = Wait::Busy(retry_after);
            let form = form.alert(wait.words(), &[]);
            Ok(wait.on(show(&visit, wait.status(), token, form)?))
        }
    }
}

fn show(
    visit: &Visit,
    status: StatusCode,
    token: &str,
    form: FormState,
) -> Result<Response, Failure> {
    let mut frame = Frame::new(&visit.live, "Create the first account");
    frame.failed = form.has_failed();
    let password_hint = fields::password_hint(&visit.live);
    answer::page(
        status,
        &Page {
            frame,
            form,
            token: token.to_owned(),
            password_hint,
        },
    )
}
