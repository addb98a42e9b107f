//! One conversation with a mail server (RFC 5321): for several messages, one after the other.
//!
//! Knows where in the conversation something went wrong, which decides whether the message may have been taken.

use std::fmt;
use std::time::Duration;

use doorward_config::{Smtp, SmtpSecurity};
use lettre::Message;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::timeout;

/// Longest wait until the server is ready for mail.
const CONNECT: Duration = Duration::from_secs(20);
/// Longest wait for the answer to one command.
const COMMAND: Duration = Duration::from_secs(30);
/// Longest wait for a message to be taken: what comes after that may be a second copy, so it is long
/// (RFC 5321 §4.5.3.2.6 asks for ten minutes).
const TAKE: Duration = Duration::from_mins(3);

/// Why a message was not delivered.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not taken, and may be next time.
    Passing(String),
    /// Nobody knows whether it was taken.
    Unclear(String),
    /// It never will be.
    Final(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passing(why) | Self::Unclear(why) | Self::Final(why) => f.write_str(why),
        }
    }
}

/// A server that waits for mail.
pub(super) struct Conversation {
    connection: AsyncSmtpConnection,
}

impl Conversation {
    /// Connects, encrypts, and says who we are.
    ///
    /// # Errors
    /// What went wrong. Nothing was sent.
    pub(super) async fn begin(smtp: &Smtp) -> Result<Self, String> {
        match timeout(CONNECT, connect(smtp)).await {
            Ok(Ok(connection)) => Ok(Self { connection }),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err(format!("no greeting within {CONNECT:?}")),
        }
    }

    /// Hands a message over.
    ///
    /// # Errors
    /// [`Failure`]; the conversation is over then, unless the server refused this message only.
    pub(super) async fn send(&mut self, message: &Message) -> Result<(), Failure> {
        let bytes = message.formatted();
        self.announce(message.envelope(), &bytes).await?;
        match timeout(TAKE, self.connection.message(&bytes)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(match sort(&error) {
                // It went out, and what came back was no answer.
                Failure::Passing(why) if error.status().is_none() => Failure::Unclear(why),
                failure => failure,
            }),
            Err(_) => Err(Failure::Unclear(format!("no answer within {TAKE:?}"))),
        }
    }

    async fn announce(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<(), Failure> {
        let server = self.connection.server_info();
        let mut parameters = Vec::new();
        let plain = |address: &lettre::Address| AsRef::<str>::as_ref(address).is_ascii();
        if !envelope.from().into_iter().chain(envelope.to()).all(plain) {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                let why = "the server takes no addresses with such letters (RFC 6531)";
                return Err(Failure::Final(why.to_owned()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.say(Mail::new(envelope.from().cloned(), parameters))
            .await?;
        for to in envelope.to() {
            self.say(Rcpt::new(to.clone(), Vec::new())).await?;
        }
        self.say(Data).await
    }

    async fn say(&mut self, command: impl fmt::Display) -> Result<(), Failure> {
        match timeout(COMMAND, self.connection.command(command)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(sort(&error)),
            Err(_) => Err(Failure::Passing(format!("no answer within {COMMAND:?}"))),
        }
    }

    /// Says goodbye. What is lost then was delivered already.
    pub(super) async fn end(mut self) {
        let _ = timeout(COMMAND, self.connection.quit()).await;
    }
}

async fn connect(smtp: &Smtp) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
    let name = ClientId::default();
    let tls = || TlsParameters::new(smtp.host.clone());
    let at_once = match smtp.security {
        SmtpSecurity::Tls => Some(tls()?),
        SmtpSecurity::Plain | SmtpSecurity::StartTls => None,
    };
    let server = (smtp.host.as_str(), smtp.port);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &name, at_once, None).await?;
    if smtp.security == SmtpSecurity::StartTls {
        // An error where the server does not offer it: nothing goes out in the clear.
        connection.starttls(tls()?, &name).await?;
    }
    if let Some(login) = &smtp.login {
        let credentials = Credentials::new(login.user.clone(), login.password.expose().to_owned());
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
            .await?;
    }
    Ok(connection)
}

/// 5yz is final, 4yz is not (RFC 5321 §4.2.1); so is what cannot even be said.
fn sort(error: &lettre::transport::smtp::Error) -> Failure {
    let why = told(error);
    if error.is_permanent() || error.is_client() {
        Failure::Final(why)
    } else {
        Failure::Passing(why)
    }
}

/// The whole chain in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = error.source();
    }
    text.replace(['\r', '\n'], " ")
}
