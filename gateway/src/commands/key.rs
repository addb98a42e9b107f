//! `doorward key`: the keys that tokens are signed with.

use std::time::Duration;

use clap::Subcommand;
use doorward_config::Config;
use doorward_identity::Identity;
use doorward_identity::audit::By;
use doorward_identity::keys::{self, PUBLISHED_BEFORE, Rotated};
use serde_json::json;

use super::exit::Trouble;
use super::print::{Format, moment, say, table};
use super::{open, print};

/// Clocks are put right while one waits.
const A_MOMENT: Duration = Duration::from_millis(100);

/// What can be done with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List them: the one that will sign, the one that signs, those that signed before
    List {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Have the next one sign from now on; they also take turns by themselves
    Rotate,
}

/// Does `command`.
pub fn key(command: &KeyCommand, config: &Config) -> Result<(), Trouble> {
    open::with_stores(&config.boot, async |identity| match command {
        KeyCommand::List { json } => list(identity, Format::from(*json)).await,
        KeyCommand::Rotate => match rotate(identity).await? {
            Rotated::Done => list(identity, Format::Table).await,
            Rotated::TooSoon { .. } => Err(Trouble::refused(
                "error: the next key is too young: some gateway may not know it yet\n\
                 help: try again in a quarter of a minute; if it stays so, look at the clocks of your machines",
            )),
        },
    })
}

/// Turns the keys, and waits for the next one to be old enough if it soon is: once, or others who turn them, too, might
/// have it wait for ever.
async fn rotate(identity: &Identity) -> Result<Rotated, Trouble> {
    match keys::rotate(identity, By::Command).await? {
        Rotated::TooSoon { wait } if wait <= PUBLISHED_BEFORE => {
            let seconds = wait.as_millis().div_ceil(1000);
            eprintln!(
                "the next key is new, and every gateway has to know it first: waiting {seconds} s"
            );
            tokio::time::sleep(wait + A_MOMENT).await;
            Ok(keys::rotate(identity, By::Command).await?)
        }
        turned => Ok(turned),
    }
}

async fn list(identity: &Identity, format: Format) -> Result<(), Trouble> {
    let all = keys::list(identity).await?;
    if format == Format::Json {
        let values = all.iter().map(|key| {
            json!({ "kid": key.kid, "state": key.state.as_str(), "since": key.since.to_string() })
        });
        return print::json(&values.collect::<Vec<_>>());
    }
    let row = |key: &keys::Listed| {
        [
            key.kid.clone(),
            key.state.as_str().to_owned(),
            moment(key.since),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    say(&table(["KEY", "STATE", "SINCE"], &rows))
}
