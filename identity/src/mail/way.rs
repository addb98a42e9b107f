//! The two ways out: a mail server, or files.

use std::path::{Path, PathBuf};

use doorward_config::{Live, Smtp};

use super::files;
use super::message::{Outgoing, compose};
use super::smtp::{Conversation, Failure};
use crate::Identity;

/// How mail leaves, while one batch of it does.
pub(super) enum Mailer<'a> {
    /// To a mail server.
    Server(&'a Smtp, Line),
    /// Into this folder.
    Folder(PathBuf),
}

/// How it stands with the mail server.
pub(super) enum Line {
    /// There was nothing to say yet, or what was said ended badly.
    Idle,
    /// The server waits for the next message.
    Open(Box<Conversation>),
    /// It cannot be reached: that is not tried again for every message of a batch.
    Down(String),
}

/// Where a message went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// To the server.
    Out,
    /// Into this file.
    Into(PathBuf),
}

impl<'a> Mailer<'a> {
    /// What the configuration asks for.
    pub(super) fn new(identity: &Identity, live: &'a Live) -> Self {
        match &live.mail.smtp {
            Some(smtp) => Self::Server(smtp, Line::Idle),
            None => Self::Folder(folder(&identity.data_dir)),
        }
    }

    /// Puts a message together and lets it out.
    ///
    /// # Errors
    /// Why it did not get out.
    pub(super) async fn send(
        &mut self,
        outgoing: &Outgoing<'_>,
        live: &Live,
    ) -> Result<Went, Failure> {
        let message = compose(outgoing, live).map_err(|fault| Failure::Final(fault.to_string()))?;
        match self {
            Self::Folder(path) => {
                let named = (outgoing.id, outgoing.content.kind(), outgoing.created_at);
                files::write(path.clone(), named, message.formatted())
                    .await
                    .map(Went::Into)
                    .map_err(|error| {
                        Failure::Passing(format!("{} takes no files: {error}", path.display()))
                    })
            }
            Self::Server(smtp, standing) => {
                if let Err(failure) = standing.pick_up(smtp).await?.send(&message).await {
                    // Nobody knows what state the conversation is in.
                    *standing = Line::Idle;
                    return Err(failure);
                }
                Ok(Went::Out)
            }
        }
    }

    /// Ends what was begun.
    pub(super) async fn end(self) {
        if let Self::Server(_, Line::Open(conversation)) = self {
            conversation.end().await;
        }
    }
}

impl Line {
    /// The conversation, begun if need be.
    async fn pick_up(&mut self, smtp: &Smtp) -> Result<&mut Conversation, Failure> {
        if matches!(self, Self::Idle) {
            *self = match Conversation::begin(smtp).await {
                Ok(begun) => Self::Open(Box::new(begun)),
                Err(why) => Self::Down(why),
            };
        }
        match self {
            Self::Open(conversation) => Ok(conversation),
            Self::Down(why) => Err(Failure::Passing(why.clone())),
            Self::Idle => Err(Failure::Passing("nothing was begun".to_owned())),
        }
    }
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("outbox")
}
