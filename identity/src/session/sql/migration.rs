//! The session tables' first shape.

use sea_orm_migration::prelude::*;

use crate::database::migration::create_table;

use super::entity::{session, session_change, session_clock};

/// Makes `session`, `session_change` and `session_clock`.
#[derive(Clone, Copy, Debug)]
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_sessions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(manager, session_table()).await?;
        let by_account = Index::create()
            .name("session_by_account")
            .table(session::Entity)
            .col(session::Column::AccountId)
            .to_owned();
        manager.create_index(by_account).await?;
        let by_end = Index::create()
            .name("session_by_end")
            .table(session::Entity)
            .col(session::Column::EndsAt)
            .to_owned();
        manager.create_index(by_end).await?;
        create_table(manager, change_table()).await?;
        create_table(manager, clock_table()).await?;
        let first = Query::insert()
            .into_table(session_clock::Entity)
            .columns([session_clock::Column::Id, session_clock::Column::Seq])
            .values_panic([session_clock::ONLY.into(), 0_i64.into()])
            .to_owned();
        manager.execute(first).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["session", "session_change", "session_clock"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

fn session_table() -> TableCreateStatement {
    Table::create()
        .table(session::Entity)
        .col(
            ColumnDef::new(session::Column::Key)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(
            ColumnDef::new(session::Column::AccountId)
                .var_binary(16)
                .not_null(),
        )
        .col(
            ColumnDef::new(session::Column::Generation)
                .big_integer()
                .not_null(),
        )
        .col(ColumnDef::new(session::Column::Record).text().not_null())
        .col(
            ColumnDef::new(session::Column::EndsAt)
                .big_integer()
                .not_null(),
        )
        .col(
            ColumnDef::new(session::Column::LastSeen)
                .big_integer()
                .not_null(),
        )
        .to_owned()
}

fn change_table() -> TableCreateStatement {
    Table::create()
        .table(session_change::Entity)
        .col(
            ColumnDef::new(session_change::Column::Seq)
                .big_integer()
                .not_null()
                .primary_key(),
        )
        .col(
            ColumnDef::new(session_change::Column::Key)
                .var_binary(32)
                .not_null(),
        )
        .to_owned()
}

fn clock_table() -> TableCreateStatement {
    Table::create()
        .table(session_clock::Entity)
        .col(
            ColumnDef::new(session_clock::Column::Id)
                .integer()
                .not_null()
                .primary_key(),
        )
        .col(
            ColumnDef::new(session_clock::Column::Seq)
                .big_integer()
                .not_null(),
        )
        .to_owned()
}
