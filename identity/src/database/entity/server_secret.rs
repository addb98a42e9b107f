//! `server_secret`: one row.

use sea_orm::entity::prelude::*;

/// The id of the one row.
pub const ONLY: i32 = 1;

/// The row: how the secret is recognised that belongs to this database.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "server_secret")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// A hash that only the right secret gives.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))")]
    pub check_value: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
