//! Finding the API keys that were revoked and whose sessions have still to be ended: every gateway asks each second.

use sea_orm_migration::prelude::*;

use crate::database::entity::api_key::{Column, Entity};

/// The index.
const NAME: &str = "api_key_by_revocation";

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_revoked_api_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create()
            .name(NAME)
            .table(Entity)
            .col(Column::RevokedAt)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop().name(NAME).table(Entity).to_owned();
        manager.drop_index(index).await
    }
}
