//! `doorward user`: accounts, by whoever may run commands on this machine.
//!
//! What is changed here holds on every running gateway within a second.

mod export;
mod import;
mod invite;
mod view;

use std::fmt;

use clap::{Args, Subcommand};
use doorward_config::{Config, Live};
use doorward_identity::Identity;
use doorward_identity::accounts::Account;
use doorward_identity::audit::{By, Event};
use doorward_identity::change::{self, Added, Addition, Changed, SetPassword};
use doorward_identity::register::Problem;
use doorward_identity::role::Role;

use super::exit::Trouble;
use super::print::{Format, plain, say};
use super::{open, password};

/// What can be done with accounts. WHO is a username or an e-mail.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account; its address counts as verified
    Add(Add),
    /// List all accounts, the oldest first
    List {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Show one account
    Show {
        /// Username or e-mail
        who: String,
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Set a password; whoever is signed in to the account has to sign in again
    SetPassword {
        /// Username or e-mail
        who: String,
        #[command(flatten)]
        password: Password,
    },
    /// Let somebody try again at once after too many wrong tries
    Unlock {
        /// Username or e-mail
        who: String,
    },
    /// Invite somebody to make an account: prints a link, and mails it where `portal.url` is set
    Invite(invite::Invite),
    /// Make accounts of those in a file, with the passwords that they have there
    Import(import::Import),
    /// Print all accounts as `import` takes them, password hashes included
    Export(export::Export),
    #[command(flatten)]
    Change(Change),
}

/// What needs nothing but the account.
#[derive(Debug, Subcommand)]
pub enum Change {
    /// Let an account be used again
    Enable {
        /// Username or e-mail
        who: String,
    },
    /// End all sessions of an account and let nobody sign in to it
    Disable {
        /// Username or e-mail
        who: String,
    },
    /// End all sessions of an account and forget it
    Delete {
        /// Username or e-mail
        who: String,
    },
    /// Turn off the second factor of somebody who lost it, and end all their sessions
    ResetTwoFactor {
        /// Username or e-mail
        who: String,
    },
    /// Give an account a role
    #[command(alias = "grant-role")]
    Grant {
        /// Username or e-mail
        who: String,
        /// 1 to 32 of a-z, 0-9, _ and -
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Take a role from an account
    #[command(alias = "revoke")]
    RevokeRole {
        /// Username or e-mail
        who: String,
        /// 1 to 32 of a-z, 0-9, _ and -
        #[arg(value_parser = role)]
        role: Role,
    },
}

/// The account to be made.
#[derive(Debug, Args)]
pub struct Add {
    /// E-mail address
    email: String,
    /// Without one the person is known by the e-mail
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// May be given several times; without any, those of `registration.default_roles`
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<Role>,
    #[command(flatten)]
    password: Password,
}

/// Where the password comes from.
#[derive(Debug, Clone, Copy, Args)]
pub struct Password {
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long = "password-stdin")]
    from_stdin: bool,
}

impl Password {
    fn read(self) -> Result<String, Trouble> {
        password::read(if self.from_stdin {
            password::From::Stdin
        } else {
            password::From::Terminal
        })
    }
}

/// Does `command`.
pub fn user(command: UserCommand, config: &Config) -> Result<(), Trouble> {
    match command {
        UserCommand::Add(new) => {
            let password = new.password.read()?;
            open::with_stores(&config.boot, async |identity| {
                add(identity, &config.live, &new, &password).await
            })
        }
        UserCommand::SetPassword { who, password } => {
            let password = password.read()?;
            open::with_stores(&config.boot, async |identity| {
                set_password(identity, &config.live, &who, &password).await
            })
        }
        UserCommand::List { json } => open::with_stores(&config.boot, async |identity| {
            view::list(&identity.accounts.list().await?, Format::from(json))
        }),
        UserCommand::Show { who, json } => open::with_stores(&config.boot, async |identity| {
            view::show(&find(identity, &who).await?, Format::from(json))
        }),
        UserCommand::Invite(asked) => open::with_stores(&config.boot, async |identity| {
            asked.act(identity, config).await
        }),
        UserCommand::Unlock { who } => {
            open::with_stores(&config.boot, async |identity| unlock(identity, &who).await)
        }
        UserCommand::Import(asked) => asked.act(config),
        UserCommand::Export(asked) => asked.act(config),
        UserCommand::Change(asked) => open::with_stores(&config.boot, async |identity| {
            change(identity, &asked).await
        }),
    }
}

/// The account of WHO.
pub async fn find(identity: &Identity, who: &str) -> Result<Account, Trouble> {
    let found = identity.accounts.find_by_login(who).await?;
    found.ok_or_else(|| nobody(who))
}

fn nobody(who: &str) -> Trouble {
    Trouble::refused(format!(
        "error: there is no account {}\nhelp: `doorward user list` shows those that there are",
        plain(who)
    ))
}

async fn add(identity: &Identity, live: &Live, new: &Add, password: &str) -> Result<(), Trouble> {
    let addition = Addition {
        username: new.username.as_deref().unwrap_or_default(),
        email: &new.email,
        password: Some(password),
        roles: &new.roles,
    };
    match change::add(identity, live, addition, By::Command).await? {
        Added::Done(account) => say(&format!(
            "{} added, with {}\n",
            plain(account.user()),
            view::roles(&account)
        )),
        Added::Invalid(problems) => Err(invalid(&problems)),
        Added::Busy { .. } => Err(busy()),
    }
}

async fn set_password(
    identity: &Identity,
    live: &Live,
    who: &str,
    password: &str,
) -> Result<(), Trouble> {
    let account = find(identity, who).await?;
    match change::set_password(identity, live, account.id, password, By::Command).await? {
        SetPassword::Done => say(&format!(
            "{} has a new password and is signed out everywhere\n",
            plain(account.user())
        )),
        SetPassword::NotFound => Err(nobody(who)),
        SetPassword::Invalid(problems) => Err(invalid(&problems)),
        SetPassword::Busy { .. } => Err(busy()),
    }
}

async fn unlock(identity: &Identity, who: &str) -> Result<(), Trouble> {
    let account = find(identity, who).await?;
    identity.throttle.forget(&account).await?;
    let event = Event::AccountUnlocked;
    let audit = &identity.audit;
    audit.record(&event, Some(account.id), By::Command).await?;
    let name = plain(account.user());
    say(&format!(
        "{name} may try again at once, unless many wrong tries came from the same address\n"
    ))
}

fn invalid(problems: &[Problem]) -> Trouble {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("error: {}: {}", problem.field.as_str(), problem.text))
        .collect();
    Trouble::refused(format!("{}\nhelp: nothing was changed", lines.join("\n")))
}

fn busy() -> Trouble {
    Trouble::refused("error: too many passwords wait to be hashed\nhelp: try again in a moment")
}

async fn change(identity: &Identity, asked: &Change) -> Result<(), Trouble> {
    let (Change::Enable { who }
    | Change::Disable { who }
    | Change::Delete { who }
    | Change::ResetTwoFactor { who }
    | Change::Grant { who, .. }
    | Change::RevokeRole { who, .. }) = asked;
    let (id, by) = (find(identity, who).await?.id, By::Command);
    let outcome = match asked {
        Change::Enable { .. } => change::enable(identity, id, by).await?,
        Change::Disable { .. } => change::disable(identity, id, by).await?,
        Change::Delete { .. } => change::delete(identity, id, by).await?,
        Change::ResetTwoFactor { .. } => change::reset_two_factor(identity, id, by).await?,
        Change::Grant { role, .. } => change::grant_role(identity, id, role, by).await?,
        Change::RevokeRole { role, .. } => change::revoke_role(identity, id, role, by).await?,
    };
    match outcome {
        Changed::Done(account) => say(&format!("{} {asked}\n", plain(account.user()))),
        Changed::Already(account) => {
            say(&format!("{} {asked}, as before\n", plain(account.user())))
        }
        Changed::NotFound => Err(nobody(who)),
        Changed::LastAdmin => Err(Trouble::refused(format!(
            "error: {} is the last who can administer\n\
             help: nothing was changed; make another admin first: doorward user grant WHO admin",
            plain(who)
        ))),
    }
}

impl fmt::Display for Change {
    /// What is so once it is done.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enable { .. } => f.write_str("may sign in"),
            Self::Disable { .. } => f.write_str("is signed out everywhere and may not sign in"),
            Self::Delete { .. } => f.write_str("is deleted"),
            Self::ResetTwoFactor { .. } => {
                f.write_str("signs in with a password alone, and is signed out everywhere")
            }
            Self::Grant { role, .. } => write!(f, "has the role {role}"),
            Self::RevokeRole { role, .. } => write!(f, "does not have the role {role}"),
        }
    }
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).map_err(|error| error.to_string())
}
