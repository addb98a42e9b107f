//! Accounts, their roles, throttling, setup links and the audit trail.

use sea_orm_migration::prelude::*;

use crate::database::entity::{
    account, account_follow, account_role, audit, setup_token, throttle,
};
use crate::database::migration::create_table;

/// Longest comparing form of a username: 64 characters of up to four bytes, counted in characters.
const USERNAME: u32 = 64;
/// Longest e-mail address, in bytes.
const EMAIL: u32 = 254;
/// Longest first or last name, in characters.
const PERSON_NAME: u32 = 100;

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            accounts(),
            roles(),
            follows(),
            throttles(),
            setup_tokens(),
            audits(),
        ] {
            create_table(manager, table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "audit",
            "setup_token",
            "throttle",
            "account_follow",
            "account_role",
            "account",
        ] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

fn accounts() -> TableCreateStatement {
    use account::Column;
    Table::create()
        .table(account::Entity)
        .col(
            ColumnDef::new(Column::Id)
                .var_binary(16)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::Version).big_integer().not_null())
        .col(ColumnDef::new(Column::Username).string_len(USERNAME))
        .col(ColumnDef::new(Column::UsernameCanonical).string_len(USERNAME))
        .col(ColumnDef::new(Column::Email).string_len(EMAIL).not_null())
        .col(
            ColumnDef::new(Column::EmailCanonical)
                .string_len(EMAIL)
                .not_null(),
        )
        .col(ColumnDef::new(Column::EmailVerifiedAt).big_integer())
        .col(
            ColumnDef::new(Column::FirstName)
                .string_len(PERSON_NAME)
                .not_null(),
        )
        .col(
            ColumnDef::new(Column::LastName)
                .string_len(PERSON_NAME)
                .not_null(),
        )
        .col(ColumnDef::new(Column::DateOfBirth).string_len(10))
        .col(ColumnDef::new(Column::PasswordHash).text())
        .col(ColumnDef::new(Column::Enabled).boolean().not_null())
        .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
        .to_owned()
}

fn roles() -> TableCreateStatement {
    use account_role::Column;
    Table::create()
        .table(account_role::Entity)
        .col(ColumnDef::new(Column::AccountId).var_binary(16).not_null())
        .col(ColumnDef::new(Column::Role).string_len(32).not_null())
        .primary_key(Index::create().col(Column::AccountId).col(Column::Role))
        .foreign_key(
            ForeignKey::create()
                .name("account_role_account")
                .from(account_role::Entity, Column::AccountId)
                .to(account::Entity, account::Column::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn follows() -> TableCreateStatement {
    use account_follow::Column;
    Table::create()
        .table(account_follow::Entity)
        .col(
            ColumnDef::new(Column::AccountId)
                .var_binary(16)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::Version).big_integer().not_null())
        .col(ColumnDef::new(Column::EndBefore).big_integer().not_null())
        .col(ColumnDef::new(Column::Reason).string_len(32))
        .to_owned()
}

fn throttles() -> TableCreateStatement {
    use throttle::Column;
    Table::create()
        .table(throttle::Entity)
        .col(
            ColumnDef::new(Column::Key)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::Failures).big_integer().not_null())
        .col(ColumnDef::new(Column::LastAt).big_integer().not_null())
        .col(ColumnDef::new(Column::FreeAt).big_integer().not_null())
        .to_owned()
}

fn setup_tokens() -> TableCreateStatement {
    use setup_token::Column;
    Table::create()
        .table(setup_token::Entity)
        .col(
            ColumnDef::new(Column::Hash)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .to_owned()
}

fn audits() -> TableCreateStatement {
    use audit::Column;
    Table::create()
        .table(audit::Entity)
        .col(
            ColumnDef::new(Column::Id)
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::At).big_integer().not_null())
        .col(ColumnDef::new(Column::Event).string_len(64).not_null())
        .col(ColumnDef::new(Column::Detail).string_len(255))
        .col(ColumnDef::new(Column::AccountId).var_binary(16))
        .col(ColumnDef::new(Column::Address).string_len(45))
        .col(ColumnDef::new(Column::RequestId).string_len(64))
        .to_owned()
}

/// The names of the unique ones hold the column: that is how a violation finds its field on the form.
fn indexes() -> [IndexCreateStatement; 5] {
    let index = |name: &str| Index::create().name(name).to_owned();
    [
        index("account_username_canonical")
            .unique()
            .table(account::Entity)
            .col(account::Column::UsernameCanonical)
            .to_owned(),
        index("account_email_canonical")
            .unique()
            .table(account::Entity)
            .col(account::Column::EmailCanonical)
            .to_owned(),
        index("account_role_by_role")
            .table(account_role::Entity)
            .col(account_role::Column::Role)
            .to_owned(),
        index("throttle_by_time")
            .table(throttle::Entity)
            .col(throttle::Column::LastAt)
            .to_owned(),
        index("audit_by_account")
            .table(audit::Entity)
            .col(audit::Column::AccountId)
            .col(audit::Column::Id)
            .to_owned(),
    ]
}
