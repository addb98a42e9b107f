//! `doorward mail`: whether messages get out.

use clap::Subcommand;
use doorward_config::Config;
use doorward_identity::mail::{self, Tested};

use super::exit::Trouble;
use super::open;
use super::print::say;

/// What can be done with mail.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send a message now, and say what the mail server answers
    Test {
        /// To whom
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
}

/// Does `command`.
pub fn mail(command: MailCommand, config: &Config) -> Result<(), Trouble> {
    let MailCommand::Test { address } = command;
    open::with_stores(&config.boot, async |identity| {
        match mail::test(identity, &config.live, &address).await? {
            Tested::Sent => say(&format!("the mail server took a message for {address}\n")),
            Tested::Written(file) => say(&format!(
                "there is no mail server: the message is in {}\n",
                file.display()
            )),
            Tested::Failed(why) => Err(Trouble::refused(format!(
                "error: the message did not get out: {why}\nhelp: see [mail] in the configuration"
            ))),
            Tested::Invalid(why) => Err(Trouble::usage(format!("error: {address}: {why}"))),
        }
    })
}
