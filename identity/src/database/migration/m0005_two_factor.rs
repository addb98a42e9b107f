//! Two factors: secrets of authenticator apps, recovery codes, sign-ins that are half-way.

use sea_orm_migration::prelude::*;

use crate::database::entity::{account, login_flow, recovery_code, two_factor};
use crate::database::migration::create_table;

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_two_factor"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Table::alter()
            .table(account::Entity)
            .add_column(ColumnDef::new(account::Column::TwoFactorAt).big_integer())
            .to_owned();
        manager.alter_table(column).await?;
        for table in [secrets(), codes(), flows()] {
            create_table(manager, table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["login_flow", "recovery_code", "two_factor"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        let column = Table::alter()
            .table(account::Entity)
            .drop_column(account::Column::TwoFactorAt)
            .to_owned();
        manager.alter_table(column).await
    }
}

fn secrets() -> TableCreateStatement {
    use two_factor::{Column, Entity};
    Table::create()
        .table(Entity)
        .col(
            ColumnDef::new(Column::AccountId)
                .var_binary(16)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::Secret).var_binary(80).not_null())
        .col(ColumnDef::new(Column::LastStep).big_integer().not_null())
        .col(ColumnDef::new(Column::Enrolment).var_binary(32))
        .col(ColumnDef::new(Column::BegunAt).big_integer().not_null())
        .foreign_key(&mut of_account(
            "two_factor_account",
            Entity,
            Column::AccountId,
        ))
        .to_owned()
}

fn codes() -> TableCreateStatement {
    use recovery_code::{Column, Entity};
    Table::create()
        .table(Entity)
        .col(
            ColumnDef::new(Column::Hash)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::AccountId).var_binary(16).not_null())
        .foreign_key(&mut of_account(
            "recovery_code_account",
            Entity,
            Column::AccountId,
        ))
        .to_owned()
}

fn flows() -> TableCreateStatement {
    use login_flow::{Column, Entity};
    Table::create()
        .table(Entity)
        .col(
            ColumnDef::new(Column::Hash)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::AccountId).var_binary(16).not_null())
        .col(ColumnDef::new(Column::Version).big_integer().not_null())
        .col(ColumnDef::new(Column::Remembered).boolean().not_null())
        .col(ColumnDef::new(Column::Tries).integer().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .foreign_key(&mut of_account(
            "login_flow_account",
            Entity,
            Column::AccountId,
        ))
        .to_owned()
}

/// Goes when the account goes.
fn of_account(
    name: &str,
    table: impl IntoTableRef,
    column: impl IntoIden,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, column)
        .to(account::Entity, account::Column::Id)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

fn indexes() -> [IndexCreateStatement; 3] {
    let index = |name: &str| Index::create().name(name).to_owned();
    [
        index("recovery_code_by_account")
            .table(recovery_code::Entity)
            .col(recovery_code::Column::AccountId)
            .to_owned(),
        index("login_flow_by_account")
            .table(login_flow::Entity)
            .col(login_flow::Column::AccountId)
            .to_owned(),
        index("login_flow_by_time")
            .table(login_flow::Entity)
            .col(login_flow::Column::ExpiresAt)
            .to_owned(),
    ]
}
