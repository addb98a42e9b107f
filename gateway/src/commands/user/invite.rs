//! `doorward user invite`.

use clap::Args;
use doorward::banner::{Banner, Bound, Public};
use doorward_config::Config;
use doorward_identity::Identity;
use doorward_identity::audit::By;
use doorward_identity::invite::{Invited, Mailing, invite};
use doorward_identity::role::Role;

use super::invalid;
use crate::commands::exit::Trouble;
use crate::commands::print::{moment, say};

/// Whom, and what they may do then.
#[derive(Debug, Args)]
pub struct Invite {
    /// E-mail address; it counts as verified
    email: String,
    /// May be given several times; without any, those of `registration.default_roles`
    #[arg(long = "role", value_name = "ROLE", value_parser = super::role)]
    roles: Vec<Role>,
}

impl Invite {
    /// Makes the invitation and prints its link.
    pub async fn act(&self, identity: &Identity, config: &Config) -> Result<(), Trouble> {
        let made = invite(
            identity,
            &config.live,
            &self.email,
            &self.roles,
            By::Command,
        )
        .await?;
        match made {
            Invited::Done {
                token,
                until,
                mailed,
            } => {
                let path = &config.live.portal.path;
                let link = format!("{}{path}/register?invite={}", origin(config)?, token.text());
                let mailed = match mailed {
                    Mailing::Queued => "a running gateway mails it",
                    Mailing::NoLink => {
                        "pass it on yourself: without portal.url no mail can carry a link"
                    }
                };
                say(&format!(
                    "{link}\nworks once, until {}; {mailed}\n",
                    moment(until)
                ))
            }
            Invited::Invalid(problems) => Err(invalid(&problems)),
            Invited::Closed => Err(Trouble::refused(
                "error: nobody may make an account\n\
                 help: set registration.mode = \"invite\", or use `doorward user add`",
            )),
        }
    }
}

/// Where a browser finds the built-in pages, as far as the configuration tells.
fn origin(config: &Config) -> Result<String, Trouble> {
    let Config { boot, live } = config;
    let public = Public::configured(boot).ok_or_else(|| {
        Trouble::configuration("error: server.listen is empty\nhelp: name an address")
    })?;
    let bound = Bound {
        public,
        admin: boot.admin_listen,
    };
    Ok(Banner {
        boot,
        live,
        bound,
        setup: None,
    }
    .portal())
}
