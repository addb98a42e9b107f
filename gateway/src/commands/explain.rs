//! `doorward explain`: what the gateway would do with a request, and why.
//!
//! Owns who is meant by `--as`. The answer is [`doorward::explain`]'s, how it looks is below.

mod json;
mod text;

use std::net::IpAddr;
use std::sync::Arc;

use clap::Args;
use doorward::explain::{AskedFor, Explanation, Question, explain};
use doorward::metrics::Metrics;
use doorward::pages::Opened;
use doorward::policy::Found;
use doorward::redirect::TlsPort;
use doorward::sites::{Openers, Sites};
use doorward::upstream::Upstream;
use doorward_config::{Config, Effective, Place, Sources};
use doorward_identity::session::{Amr, NewSession, Record, Remembered};

use super::exit::Trouble;
use super::print::{self, Format, plain, say};
use super::{open, settings, user};

/// The request in question.
#[derive(Debug, Args)]
pub struct Explain {
    /// The method, as in GET
    #[arg(value_name = "METHOD")]
    method: String,
    /// The address as a browser has it, as in `http://app.example.com/admin/x?y=1`
    #[arg(value_name = "URL")]
    url: String,
    /// Who asks: a username or e-mail, signed in with every factor they have; without it, a stranger
    #[arg(long = "as", value_name = "USER")]
    who: Option<String>,
    /// Where from
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    from: IpAddr,
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
}

/// The answer, and what it is told with.
struct Told<'a> {
    asked: &'a Explain,
    record: Option<&'a Record>,
    explanation: Explanation,
    /// The site as it is configured, and its number in the file from 0.
    site: Option<(usize, &'a doorward_config::Site)>,
    effective: Effective,
}

impl Explain {
    /// Answers; refused is exit 1.
    pub fn act(&self, sources: &Sources) -> Result<(), Trouble> {
        let question = Question::parse(&self.method, &self.url, self.from)
            .map_err(|why| Trouble::usage(format!("error: {why}")))?;
        let config = settings::load_for_work(sources)?;
        let question = question.beside(TlsPort::configured(&config.boot));
        let effective =
            doorward_config::effective(sources).map_err(|problems| settings::wrong(&problems))?;
        let record = match &self.who {
            Some(who) => Some(self.session_of(who, &config)?),
            None => None,
        };
        let sites = compile(&config)?;
        let explanation = explain(&sites, question, record.as_ref());
        let site = explanation.site.as_ref().and_then(|name| {
            let mut sites = config.live.sites.iter().enumerate();
            sites.find(|(_, site)| site.name == *name)
        });
        let told = Told {
            asked: self,
            record: record.as_ref(),
            explanation,
            site,
            effective,
        };
        match Format::from(self.json) {
            Format::Json => print::json(&told.json())?,
            Format::Table => say(&told.text())?,
        }
        match told.explanation.outcome {
            Ok(_) => Ok(()),
            Err(_) => Err(Trouble::said()),
        }
    }

    /// The session that somebody would have who signed in now.
    fn session_of(&self, who: &str, config: &Config) -> Result<Record, Trouble> {
        open::with_stores(&config.boot, async |identity| {
            let account = user::find(identity, who).await?;
            if !account.enabled {
                return Err(Trouble::refused(format!(
                    "error: {} is disabled, so nobody is signed in as them",
                    plain(account.user())
                )));
            }
            let mut amr = vec![Amr::Password];
            if account.mfa_enabled() {
                amr.push(Amr::OneTimeCode);
            }
            let new = NewSession {
                account: account.id,
                rights: account.rights(),
                life: config.live.session.absolute,
                remembered: Remembered::No,
                amr,
                auth_time: None,
                family: None,
                device: String::new(),
                address: self.from,
            };
            Ok(identity.sessions.record(new)?)
        })
    }
}

/// The sites as the gateway compiles them, but that no upstream is opened.
fn compile(config: &Config) -> Result<Sites, Trouble> {
    let defect = |error: &dyn std::fmt::Display| {
        Trouble::refused(format!("error: the sites cannot be compiled: {error}"))
    };
    let metrics = Metrics::new(&[]).map_err(|error| defect(&error))?;
    let closed = Openers {
        pages: &|_| Ok(Opened::nowhere()),
        upstream: &|_| Ok(Arc::new(Upstream::Nothing)),
    };
    Sites::compile(config.live.clone(), closed, &metrics).map_err(|error| defect(&error))
}

impl Told<'_> {
    /// The number of the rule that decides, from 0.
    fn deciding(&self) -> Option<usize> {
        match self.explanation.rules.as_ref()?.found {
            Found::Rule(rule) => Some(rule),
            Found::NoRules | Found::NoneOfThem | Found::Unclear => None,
        }
    }

    fn rule(&self, number: usize) -> Option<&doorward_config::Rule> {
        self.site?.1.rules.get(number)
    }

    /// Where a rule is written.
    fn place(&self, rule: usize) -> Option<&Place> {
        let (site, _) = self.site?;
        self.effective.rule_place(site, rule)
    }

    /// What it goes to.
    fn upstream(&self) -> Option<String> {
        match self.explanation.asked_for? {
            AskedFor::Portal => Some("the built-in pages".to_owned()),
            AskedFor::Site | AskedFor::AcmeChallenge => {
                self.site.map(|(_, site)| site.upstream.to_string())
            }
        }
    }
}
