//! Accounts into the database, many in one transaction.

use crate::accounts::{self, Newcomer};
use crate::audit::Event;
use crate::database::DatabaseTransaction;
use crate::{Fault, Identity};

/// How many are looked up and inserted at once.
pub(super) const BATCH: usize = 500;
/// How often to start over when a name was taken between looking and inserting.
const ROUNDS: usize = 5;

/// Somebody who may become an account.
pub(super) struct Candidate {
    /// Where in the file.
    pub(super) line: u64,
    pub(super) newcomer: Newcomer,
    pub(super) had_two_factor: bool,
}

/// Who becomes an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// All whose names and addresses are free.
    Free,
    /// All, unless one of them is not free.
    AllOrNone,
    /// Nobody; it is only found out who is not free.
    Nobody,
}

/// Of each candidate, what is wrong with it. (Those who are all right are accounts now, if they were to be.)
pub(super) type Findings = Vec<Vec<String>>;

/// Makes accounts of `candidates`, in one transaction. The same name may be among them twice: the first one has it.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked: then there is none of them.
pub(super) async fn write(
    identity: &Identity,
    candidates: &[Candidate],
    who: Who,
) -> Result<Findings, Fault> {
    for _ in 0..ROUNDS {
        let transaction = identity.database.write().await?;
        let Some(findings) = insert(identity, &transaction, candidates).await? else {
            transaction.rollback().await?;
            continue;
        };
        let is_wanted = match who {
            Who::Free => true,
            Who::AllOrNone => findings.iter().all(Vec::is_empty),
            Who::Nobody => false,
        };
        if is_wanted {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        return Ok(findings);
    }
    Err(Fault::broken(
        "names kept being taken while they were imported",
    ))
}

/// Inserts all who are free. `None`: somebody else was quicker with a name.
async fn insert(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    candidates: &[Candidate],
) -> Result<Option<Findings>, Fault> {
    let mut findings = Vec::with_capacity(candidates.len());
    for batch in candidates.chunks(BATCH) {
        let newcomers: Vec<_> = batch.iter().map(|one| &one.newcomer).collect();
        let taken = accounts::find_taken(transaction, &newcomers).await?;
        let free: Vec<_> = newcomers
            .into_iter()
            .zip(&taken)
            .filter(|(_, problems)| problems.is_empty())
            .map(|(newcomer, _)| newcomer)
            .collect();
        if !accounts::insert_all(transaction, &free).await? {
            return Ok(None);
        }
        let ids: Vec<_> = free.iter().map(|one| one.draft.id).collect();
        let event = Event::AccountImported;
        identity.audit.add_all(transaction, &event, &ids).await?;
        findings.extend(taken.into_iter().map(|problems| {
            problems
                .iter()
                .map(|problem| format!("{}: {}", problem.field.as_str(), problem.text))
                .collect()
        }));
    }
    Ok(Some(findings))
}
