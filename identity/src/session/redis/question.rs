//! What can be asked of a server, and what must be true of the one that answers.

use futures_util::future::join;
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, ScriptInvocation, ServerErrorKind, Value};

use super::line::Line;

/// How long a change that takes something away is waited for on another server, in milliseconds.
const COPIED: u64 = 100;

/// A question.
#[derive(Clone, Copy)]
pub(super) struct Question<'q> {
    /// What is said.
    pub(super) words: Words<'q>,
    /// What it is about.
    pub(super) aim: Aim,
    /// Who may answer.
    pub(super) from: From,
}

/// What is said.
#[derive(Clone, Copy)]
pub(super) enum Words<'q> {
    /// One command.
    Command(&'q Cmd),
    /// Several at once; the answer is all of theirs.
    Several(&'q Pipeline),
    /// A script.
    Script(&'q ScriptInvocation<'q>),
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// Reading, or adding something.
    Ask,
    /// Taking something away. Where servers copy from each other a moment is waited until a second one knows: a master
    /// that dies right after must not be followed by one that never heard of it.
    Take,
}

/// Who may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// Whoever is connected to.
    Anyone,
    /// Only one that says in the same breath that it is the master.
    Master,
}

impl<'q> Question<'q> {
    /// Something to read, answered by whoever is connected to.
    pub(super) fn plain(words: Words<'q>) -> Self {
        Self {
            words,
            aim: Aim::Ask,
            from: From::Anyone,
        }
    }

    /// Puts it, and gives the answer.
    pub(super) async fn put(&self, line: Line) -> Result<Value, RedisError> {
        let answer = match self.from {
            From::Anyone => self.words.put(line.clone()).await?,
            From::Master => {
                let (role, answer) = join(role(line.clone()), self.words.put(line.clone())).await;
                match role? {
                    Role::Master { .. } => answer?,
                    Role::Other => return Err(demoted()),
                }
            }
        };
        if self.aim == Aim::Take {
            copied(line).await;
        }
        Ok(answer)
    }
}

impl Words<'_> {
    async fn put(&self, mut line: Line) -> Result<Value, RedisError> {
        match self {
            Self::Command(command) => command.query_async(&mut line).await,
            Self::Several(commands) => commands.query_async(&mut line).await,
            Self::Script(script) => script.invoke_async(&mut line).await,
        }
    }
}

/// Waits until a replica has what was just written. It is done on the master in any case.
async fn copied(mut line: Line) {
    let replicas = match role(line.clone()).await {
        Ok(Role::Master { replicas }) => replicas,
        Ok(Role::Other) | Err(_) => 0,
    };
    if replicas == 0 {
        tracing::debug!("something ended on a redis server that no other one copies from");
        return;
    }
    let mut wait = redis::cmd("WAIT");
    match wait.arg(1).arg(COPIED).query_async::<u64>(&mut line).await {
        Ok(0) => tracing::warn!(
            "no replica of redis has confirmed what ended: if the master is lost now, it may come back"
        ),
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, "redis does not say whether a replica knows of what ended");
        }
    }
}

/// What a server is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that is written to.
    Master {
        /// How many copy from it right now.
        replicas: usize,
    },
    /// A copy, or no server for data at all.
    Other,
}

/// Asks a server what it is (`ROLE`).
pub(super) async fn role(mut line: impl ConnectionLike) -> Result<Role, RedisError> {
    let answer: Vec<Value> = redis::cmd("ROLE").query_async(&mut line).await?;
    let name: String = redis::from_redis_value(answer.first().cloned().unwrap_or(Value::Nil))?;
    Ok(match (name.as_str(), answer.get(2)) {
        ("master", Some(Value::Array(replicas))) => Role::Master {
            replicas: replicas.len(),
        },
        _ => Role::Other,
    })
}

/// What Redis itself says to a writer that takes it for the master.
fn demoted() -> RedisError {
    RedisError::from((
        ErrorKind::Server(ServerErrorKind::ReadOnly),
        "this server is not the master any more",
    ))
}
