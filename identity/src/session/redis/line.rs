//! What a question is asked over: a connection, and whether each command must say `ASKING` first.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisError, RedisFuture, Value};

/// A connection to the server that answers.
#[derive(Clone)]
pub(super) struct Line {
    connection: MultiplexedConnection,
    manner: Manner,
}

/// How a command is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As it is.
    Plain,
    /// With `ASKING` before it: the node is about to become the owner of the slot (Redis Cluster specification,
    /// "ASK redirection").
    Asking,
}

impl Line {
    pub(super) fn new(connection: MultiplexedConnection, manner: Manner) -> Self {
        Self { connection, manner }
    }
}

impl ConnectionLike for Line {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self.manner {
            Manner::Plain => self.connection.req_packed_command(cmd),
            Manner::Asking => Box::pin(async move {
                let mut both = redis::pipe();
                both.cmd("ASKING").add_command(cmd.clone());
                let answers = self.connection.req_packed_commands(&both, 0, 2).await?;
                answers.into_iter().nth(1).ok_or_else(unanswered)
            }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self.manner {
            Manner::Plain => self.connection.req_packed_commands(pipeline, offset, count),
            Manner::Asking => Box::pin(async move {
                let mut all = redis::pipe();
                for cmd in pipeline.cmd_iter() {
                    all.cmd("ASKING").add_command(cmd.clone());
                }
                let answers = self
                    .connection
                    .req_packed_commands(&all, 0, 2 * pipeline.len())
                    .await?;
                let answers = answers.into_iter().skip(1).step_by(2);
                Ok(answers.skip(offset).take(count).collect())
            }),
        }
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

fn unanswered() -> RedisError {
    RedisError::from(std::io::Error::other("a command was not answered"))
}
