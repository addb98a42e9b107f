//! `one_time_code`: codes that were mailed, and what they lead to.

use sea_orm::entity::prelude::*;

/// A row: one code, or the permit that a code was exchanged for.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_code")]
pub struct Model {
    /// A hash of what the browser holds that asked for it.
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(32))"
    )]
    pub flow: Vec<u8>,
    pub purpose: String,
    /// Absent: nobody's, or it is looked up by the address when it matters.
    #[sea_orm(column_type = "VarBinary(StringLen::N(16))", nullable)]
    pub account_id: Option<Vec<u8>>,
    /// The address that is proven by it, as compared.
    pub address: String,
    /// The same as it was typed.
    pub address_shown: String,
    /// Absent for a permit.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub code_hash: Option<Vec<u8>>,
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable, unique)]
    pub link_hash: Option<Vec<u8>>,
    /// Wrong ones so far.
    pub tries: i32,
    /// Whether the session that follows outlives the browser.
    pub remembered: bool,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
