//! Many accounts at once: made, and read page by page.

use std::collections::HashSet;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, SqlErr,
};

use super::{Accounts, Draft, role_row, row};
use crate::account::Account;
use crate::database::entity::{account, account_role};
use crate::database::{DatabaseTransaction, in_time};
use crate::form::Problem;
use crate::name::Username;
use crate::{AccountId, Fault};

/// A row that is about to be made among others.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) draft: Draft,
    pub(crate) disabled: bool,
}

impl Newcomer {
    fn names(&self) -> [Option<&str>; 2] {
        [
            self.draft.username.as_ref().map(Username::canonical),
            Some(self.draft.email.canonical()),
        ]
    }
}

/// Of each newcomer, whether the name or address is somebody else's already, be it of one before it in the list.
pub(crate) async fn find_taken(
    transaction: &DatabaseTransaction,
    newcomers: &[&Newcomer],
) -> Result<Vec<Vec<Problem>>, Fault> {
    let mut usernames = held(
        transaction,
        account::Column::UsernameCanonical,
        newcomers,
        0,
    )
    .await?;
    let mut emails = held(transaction, account::Column::EmailCanonical, newcomers, 1).await?;
    let mut all = Vec::with_capacity(newcomers.len());
    for newcomer in newcomers {
        let [username, email] = newcomer.names();
        let mut problems = Vec::new();
        if username.is_some_and(|name| usernames.contains(name)) {
            problems.push(Problem::username_taken());
        }
        if email.is_some_and(|name| emails.contains(name)) {
            problems.push(Problem::email_taken());
        }
        // Somebody who is refused leaves the other name to whoever comes after.
        if problems.is_empty() {
            usernames.extend(username.map(str::to_owned));
            emails.extend(email.map(str::to_owned));
        }
        all.push(problems);
    }
    Ok(all)
}

/// Which of the newcomers' names in `column` are in the database.
async fn held(
    transaction: &DatabaseTransaction,
    column: account::Column,
    newcomers: &[&Newcomer],
    which: usize,
) -> Result<HashSet<String>, Fault> {
    let names: Vec<&str> = newcomers
        .iter()
        .filter_map(|newcomer| newcomer.names().get(which).copied().flatten())
        .collect();
    if names.is_empty() {
        return Ok(HashSet::new());
    }
    let held: Vec<String> = account::Entity::find()
        .select_only()
        .column(column)
        .filter(column.is_in(names))
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(held.into_iter().collect())
}

/// Makes all of them, or, if one of the names was taken meanwhile, says no; the transaction is over then.
pub(crate) async fn insert_all(
    transaction: &DatabaseTransaction,
    newcomers: &[&Newcomer],
) -> Result<bool, Fault> {
    if newcomers.is_empty() {
        return Ok(true);
    }
    let accounts = newcomers.iter().map(|newcomer| account::ActiveModel {
        enabled: Set(!newcomer.disabled),
        ..row(&newcomer.draft)
    });
    if let Err(error) = account::Entity::insert_many(accounts)
        .exec_without_returning(transaction)
        .await
    {
        return match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Ok(false),
            _ => Err(error.into()),
        };
    }
    let roles: Vec<_> = newcomers
        .iter()
        .flat_map(|newcomer| {
            let draft = &newcomer.draft;
            draft.roles.iter().map(|role| role_row(draft.id, role))
        })
        .collect();
    if !roles.is_empty() {
        account_role::Entity::insert_many(roles)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(true)
}

impl Accounts {
    /// At most `count` accounts, from the first that is newer than `after`, the oldest first.
    pub(crate) async fn page(
        &self,
        after: Option<AccountId>,
        count: u64,
    ) -> Result<Vec<Account>, Fault> {
        let newer = account::Column::Id.gt(after.map_or(Vec::new(), |id| id.as_bytes().to_vec()));
        // One transaction, so that nobody is seen with roles of another moment.
        let rows = in_time(async {
            let transaction = self.database.reads().begin_reading().await?;
            let accounts = account::Entity::find()
                .filter(newer)
                .order_by_asc(account::Column::Id)
                .limit(count)
                .all(&transaction)
                .await?;
            let ids = accounts.iter().map(|row| row.id.clone());
            let roles = account_role::Entity::find()
                .filter(account_role::Column::AccountId.is_in(ids))
                .all(&transaction)
                .await?;
            transaction.commit().await?;
            Ok((accounts, roles))
        });
        let (accounts, roles) = rows.await?;
        let mut roles_of = std::collections::HashMap::<_, Vec<_>>::new();
        for role in roles {
            roles_of
                .entry(role.account_id.clone())
                .or_default()
                .push(role);
        }
        accounts
            .into_iter()
            .map(|row| {
                let roles = roles_of.remove(&row.id).unwrap_or_default();
                Account::read(row, roles)
            })
            .collect()
    }

    /// Whether anybody is disabled or has an address that is not verified.
    pub(crate) async fn has_seldom(&self) -> Result<bool, Fault> {
        let seldom = account::Column::Enabled
            .eq(false)
            .or(account::Column::EmailVerifiedAt.is_null());
        let found = account::Entity::find()
            .filter(seldom)
            .count(self.database.reads());
        Ok(in_time(found).await? > 0)
    }
}
