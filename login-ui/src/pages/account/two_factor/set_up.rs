//! Turning it on: the secret for an app, then a code that the app made of it.

use askama::Template;
use axum::response::Response;
use doorward_identity::accounts::Account;
use doorward_identity::flow::FlowToken;
use doorward_identity::two_factor::{
    AppKey, Begun, Confirmation, Confirmed, Enrolment, begin, confirm as confirm_for, look,
};
use http::StatusCode;

use super::{Shown, back, codes, show};
use crate::answer;
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::frame::Frame;
use crate::pages::account::again::{Judged, judge};
use crate::pages::account::to_sign_in;
use crate::qr::Qr;
use crate::to::To;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "two_factor_set_up.html")]
struct Page {
    frame: Frame,
    form: FormState,
    to: To,
    enrolment: String,
    /// Absent if it does not fit, which only a very long title could cause.
    qr: Option<Qr>,
    /// For an app on the very device.
    address: String,
    key: String,
}

/// Shows a new secret, once somebody has proven who they are.
pub(crate) async fn set_up(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let to = visit.to_of(&fields);
    let again = match judge(&visit, &session, &fields, FormState::default()).await? {
        Judged::Given(again) => again,
        Judged::Refused(refused) => {
            return show(&visit, (&session, &account), to, Shown::Refused(refused)).await;
        }
    };
    match begin(&visit.ui.identity, &again).await? {
        Begun::Enrolment(Enrolment { token, key }) => {
            page(&visit, &account, (&token, &key), to, FormState::default())
        }
        Begun::AlreadyOn => back(&visit, ""),
    }
}

/// Turns it on, if the code is right.
pub(crate) async fn confirm(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let to = visit.to_of(&fields);
    let Some(token) = FlowToken::parse(fields.get("enrolment")) else {
        return back(&visit, "late");
    };
    let asked = Confirmation {
        session: session.key,
        token: &token,
        code: fields.get("code"),
        client: &visit.client,
    };
    let idle = visit.live.session.idle;
    match confirm_for(&visit.ui.identity, idle, asked).await? {
        Confirmed::Done { opened, codes } => {
            answer::signed_in(&visit, &opened, codes::show(&visit, &codes, &to)?)
        }
        Confirmed::Wrong => {
            // The same secret again: the app has it by now.
            match look(&visit.ui.identity, account.id, &token).await? {
                Some(key) => page(&visit, &account, (&token, &key), to, wrong(&fields)),
                None => back(&visit, "late"),
            }
        }
        Confirmed::Gone => back(&visit, "late"),
    }
}

fn wrong(fields: &Fields) -> FormState {
    let text = if fields.get("code").trim().is_empty() {
        "This is needed."
    } else {
        "That isn’t what the app should show. Try the next code, and check the phone’s time."
    };
    FormState::default().problems(vec![Problem {
        field: "code",
        text: text.into(),
    }])
}

fn page(
    visit: &Visit,
    account: &Account,
    (token, key): (&FlowToken, &AppKey),
    to: To,
    form: FormState,
) -> Result<Response, Failure> {
    let mut frame = Frame::new(&visit.live, "Connect an app");
    frame.failed = form.has_failed();
    let status = if form.has_failed() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let address = key.address(&visit.live.portal.title, account.user())?;
    let page = Page {
        frame,
        form,
        to,
        enrolment: token.text(),
        qr: Qr::of(&address),
        address,
        key: key.text()?,
    };
    answer::page(status, &page)
}
