//! One server among several that copy from each other.

use std::time::Instant;

use redis::Value;

use super::dial::Dial;
use super::line::Manner;
use super::link::Link;
use super::question::{Aim, Question};
use crate::Fault;

/// A server: questions go over one connection, what takes something away over another, because waiting for copies
/// keeps a connection from everything else.
pub(super) struct Server {
    asks: Link,
    takes: Link,
}

impl Server {
    pub(super) fn new(dial: &Dial) -> Result<Self, Fault> {
        Ok(Self {
            asks: Link::new(dial)?,
            takes: Link::new(dial)?,
        })
    }

    /// Asks something.
    pub(super) async fn ask(
        &self,
        by: Instant,
        manner: Manner,
        question: Question<'_>,
    ) -> Result<Value, Fault> {
        let link = match question.aim {
            Aim::Ask => &self.asks,
            Aim::Take => &self.takes,
        };
        link.ask(by, manner, question).await
    }
}
