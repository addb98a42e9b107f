//! Keys that sign tokens, and tokens that are exchanged for others.

use sea_orm_migration::prelude::*;

use crate::database::entity::{refresh_token, signing_key};
use crate::database::migration::create_table;

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_tokens"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(manager, keys()).await?;
        create_table(manager, refresh_tokens()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["refresh_token", "signing_key"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

fn keys() -> TableCreateStatement {
    use signing_key::{Column, Entity};
    Table::create()
        .table(Entity)
        .col(
            ColumnDef::new(Column::Kid)
                .string_len(16)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::State).string_len(8).not_null())
        .col(ColumnDef::new(Column::Since).big_integer().not_null())
        .col(ColumnDef::new(Column::Sealed).var_binary(255).not_null())
        .col(ColumnDef::new(Column::Point).var_binary(65).not_null())
        .to_owned()
}

fn refresh_tokens() -> TableCreateStatement {
    use refresh_token::{Column, Entity};
    Table::create()
        .table(Entity)
        .col(
            ColumnDef::new(Column::Hash)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::Session).var_binary(32).not_null())
        .col(ColumnDef::new(Column::AccountId).var_binary(16).not_null())
        .col(ColumnDef::new(Column::Used).boolean().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .to_owned()
}

fn indexes() -> [IndexCreateStatement; 2] {
    use refresh_token::{Column, Entity};
    let index = |name: &str| Index::create().name(name).table(Entity).to_owned();
    [
        index("refresh_token_by_session")
            .col(Column::Session)
            .to_owned(),
        index("refresh_token_by_end")
            .col(Column::ExpiresAt)
            .to_owned(),
    ]
}
