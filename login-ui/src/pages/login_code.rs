//! The second step of signing in: a code. Also for somebody who is signed in with a password only, when a page of the
//! site or their account asks for more.

use askama::Template;
use axum::response::Response;
use doorward_identity::flow::FlowToken;
use doorward_identity::proof;
use doorward_identity::session::SessionKey;
use doorward_identity::sign_in::{SecondStep, StepUp, Stepped, half_way, second_step, step_up};
use http::StatusCode;

use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::frame::Frame;
use crate::to::To;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "login_code.html")]
struct Page {
    frame: Frame,
    form: FormState,
    goal: Goal,
    /// Whose code is asked for.
    person: String,
    kind: Kind,
    way: Way,
}

#[derive(Template)]
#[template(path = "no_second_factor.html")]
struct NoSecondFactor {
    frame: Frame,
    to: To,
}

/// Where a right code leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Goal {
    To(To),
    /// The person's own page, which `to` never names.
    Account,
}

/// Which code is typed; a keyboard of digits alone has no letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    App,
    Recovery,
}

/// What the code is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    SignIn,
    StepUp,
}

/// Where somebody stands who comes here.
enum Stands {
    HalfWay { flow: FlowToken, person: String },
    PasswordOnly { session: SessionKey, person: String },
    Complete,
    NoSecondFactor,
    Stranger,
}

impl Goal {
    fn of(visit: &Visit, fields: &Fields) -> Self {
        if visit.told(fields, "for") == "account" {
            Self::Account
        } else {
            Self::To(visit.to_of(fields))
        }
    }

    fn way(&self, visit: &Visit) -> String {
        match self {
            Self::To(to) => visit.way(to),
            Self::Account => visit.portal("account"),
        }
    }

    fn way_after_form(&self, visit: &Visit) -> String {
        match self {
            Self::To(to) => visit.way_after_form(to),
            Self::Account => visit.portal("account"),
        }
    }

    /// For the end of a link to this page or to the sign-in page.
    fn query(&self) -> String {
        match self {
            Self::To(to) => to.query(),
            Self::Account => "?for=account".to_owned(),
        }
    }
}

impl Kind {
    fn of(visit: &Visit, fields: &Fields) -> Self {
        if visit.told(fields, "with") == "recovery" {
            Self::Recovery
        } else {
            Self::App
        }
    }

    /// What is wrong with a code that was not accepted.
    fn refused(self) -> &'static str {
        match self {
            Self::App => "That code isn’t right, or it was used before. Wait for the next one.",
            Self::Recovery => "That code isn’t right, or it was used before.",
        }
    }
}

impl Page {
    fn link_to(&self, kind: Kind) -> String {
        let query = self.goal.query();
        let joint = if query.is_empty() { '?' } else { '&' };
        match kind {
            Kind::App => query,
            Kind::Recovery => format!("{query}{joint}with=recovery"),
        }
    }

    fn attributes(&self) -> &'static str {
        match (self.kind, self.form.has_failed()) {
            (Kind::App, false) => "class=\"code\" required inputmode=\"numeric\" autofocus",
            (Kind::App, true) => "class=\"code\" required inputmode=\"numeric\"",
            (Kind::Recovery, _) => {
                "class=\"code\" required autocapitalize=\"none\" autocorrect=\"off\" spellcheck=\"false\""
            }
        }
    }
}

async fn stands(visit: &Visit) -> Result<Stands, Failure> {
    let identity = &visit.ui.identity;
    // Somebody who has just typed a password comes before whoever was signed in here.
    if let Some(flow) = visit.flow()
        && let Some(person) = half_way(identity, flow).await?
    {
        let flow = flow.clone();
        return Ok(Stands::HalfWay { flow, person });
    }
    let Some((session, account)) = visit.person().await? else {
        return Ok(Stands::Stranger);
    };
    Ok(if !account.mfa_enabled() {
        Stands::NoSecondFactor
    } else if proof::is_complete(&session.snapshot.record, &account) {
        Stands::Complete
    } else {
        Stands::PasswordOnly {
            session: session.key,
            person: account.user().to_owned(),
        }
    })
}

/// The form, for whoever has a code to add to something.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let goal = Goal::of(&visit, &visit.query);
    let (way, person) = match stands(&visit).await? {
        Stands::HalfWay { person, .. } => (Way::SignIn, person),
        Stands::PasswordOnly { person, .. } => (Way::StepUp, person),
        Stands::Complete => return answer::see_other(&goal.way(&visit)),
        Stands::NoSecondFactor => return no_second_factor(&visit, goal),
        Stands::Stranger => return to_sign_in(&visit, &goal, ""),
    };
    let page = Page {
        frame: Frame::new(&visit.live, "Enter your code"),
        form: FormState::default(),
        goal,
        person,
        kind: Kind::of(&visit, &visit.query),
        way,
    };
    answer::page(StatusCode::OK, &page)
}

/// The try.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let goal = Goal::of(&visit, &fields);
    let stands = stands(&visit).await?;
    let (way, person) = match &stands {
        Stands::HalfWay { person, .. } => (Way::SignIn, person.clone()),
        Stands::PasswordOnly { person, .. } => (Way::StepUp, person.clone()),
        Stands::Complete => return answer::see_other(&goal.way_after_form(&visit)),
        Stands::NoSecondFactor => return no_second_factor(&visit, goal),
        Stands::Stranger => return over(&visit, &goal),
    };
    let mut page = Page {
        frame: Frame::new(&visit.live, "Enter your code"),
        form: FormState::default(),
        goal,
        person,
        kind: Kind::of(&visit, &fields),
        way,
    };
    page.frame.failed = true;
    // An empty form is never a try.
    if fields.get("code").trim().is_empty() {
        page.form = page.form.problems(vec![Problem {
            field: "code",
            text: "This is needed.".into(),
        }]);
        return answer::page(StatusCode::UNAUTHORIZED, &page);
    }
    match attempt(&visit, &stands, fields.get("code")).await? {
        Stepped::Welcome(opened) => {
            answer::welcome(&visit, &opened, &page.goal.way_after_form(&visit))
        }
        Stepped::Refused if is_over(&visit, &stands).await? => over(&visit, &page.goal),
        Stepped::Refused => {
            page.form = page.form.alert(page.kind.refused(), &["code"]);
            answer::page(StatusCode::UNAUTHORIZED, &page)
        }
        Stepped::Slow { retry_after } => {
            let wait = Wait::Slowed(retry_after);
            page.form = page.form.alert(wait.words(), &[]);
            Ok(wait.on(answer::page(wait.status(), &page)?))
        }
        Stepped::Gone => over(&visit, &page.goal),
    }
}

async fn attempt(visit: &Visit, stands: &Stands, code: &str) -> Result<Stepped, Failure> {
    let (identity, live, client) = (&visit.ui.identity, &visit.live, &visit.client);
    Ok(match stands {
        Stands::HalfWay { flow, .. } => {
            let step = SecondStep {
                flow,
                code,
                client,
                former: visit.carried(),
            };
            second_step(identity, live, step).await?
        }
        Stands::PasswordOnly { session, .. } => {
            let step = StepUp {
                session: *session,
                code,
                client,
            };
            step_up(identity, live, step).await?
        }
        Stands::Complete | Stands::NoSecondFactor | Stands::Stranger => Stepped::Gone,
    })
}

/// Whether that was the last code there was to try.
async fn is_over(visit: &Visit, stands: &Stands) -> Result<bool, Failure> {
    Ok(match stands {
        Stands::HalfWay { flow, .. } => half_way(&visit.ui.identity, flow).await?.is_none(),
        _ => false,
    })
}

/// There is nothing (any more) to add a code to: from the beginning.
fn over(visit: &Visit, goal: &Goal) -> Result<Response, Failure> {
    let mut response = to_sign_in(visit, goal, "over=1")?;
    answer::forget_flow(visit, &mut response);
    Ok(response)
}

fn to_sign_in(visit: &Visit, goal: &Goal, more: &str) -> Result<Response, Failure> {
    let query = match goal {
        Goal::To(to) => to.query(),
        Goal::Account => String::new(),
    };
    let more = match (query.is_empty(), more) {
        (_, "") => String::new(),
        (true, more) => format!("?{more}"),
        (false, more) => format!("&{more}"),
    };
    answer::see_other(&visit.portal(&format!("login{query}{more}")))
}

fn no_second_factor(visit: &Visit, goal: Goal) -> Result<Response, Failure> {
    let to = match goal {
        Goal::Account => return answer::see_other(&visit.portal("account")),
        Goal::To(to) => to,
    };
    let frame = Frame::new(&visit.live, "This page needs two steps");
    answer::page(StatusCode::FORBIDDEN, &NoSecondFactor { frame, to })
}
