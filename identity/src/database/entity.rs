//! The tables of this room as `SeaORM` sees them. Times are milliseconds since 1970 UTC, account ids are 16 bytes.

pub(crate) mod api_key;
pub(crate) mod invite;
pub(crate) mod login_flow;
pub(crate) mod one_time_code;
pub(crate) mod outbox;
pub(crate) mod recovery_code;
pub(crate) mod refresh_token;
pub(crate) mod server_secret;
pub(crate) mod signing_key;
pub(crate) mod ticket;
pub(crate) mod two_factor;

pub(crate) mod account {
    use sea_orm::entity::prelude::*;

    /// A row of `account`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "account")]
    pub struct Model {
        #[sea_orm(
            primary_key,
            auto_increment = false,
            column_type = "VarBinary(StringLen::N(16))"
        )]
        pub id: Vec<u8>,
        /// Raised by every change; a session's rights name the version that they were taken from.
        pub version: i64,
        pub username: Option<String>,
        #[sea_orm(unique)]
        pub username_canonical: Option<String>,
        pub email: String,
        #[sea_orm(unique)]
        pub email_canonical: String,
        pub email_verified_at: Option<i64>,
        pub first_name: String,
        pub last_name: String,
        /// `YYYY-MM-DD`.
        pub date_of_birth: Option<String>,
        /// A PHC string. Absent: nobody can sign in with a password.
        pub password_hash: Option<String>,
        pub enabled: bool,
        pub created_at: i64,
        /// When the second factor was turned on; absent: it is off.
        pub two_factor_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::account_role::Entity")]
        Role,
    }

    impl Related<super::account_role::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Role.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod account_role {
    use sea_orm::entity::prelude::*;

    /// A row of `account_role`: this account has this role.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "account_role")]
    pub struct Model {
        #[sea_orm(
            primary_key,
            auto_increment = false,
            column_type = "VarBinary(StringLen::N(16))"
        )]
        pub account_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub role: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::account::Entity",
            from = "Column::AccountId",
            to = "super::account::Column::Id"
        )]
        Account,
    }

    impl Related<super::account::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Account.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod account_follow {
    use sea_orm::entity::prelude::*;

    /// A row of `account_follow`: the sessions of this account are not known to be in line with it yet.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "account_follow")]
    pub struct Model {
        #[sea_orm(
            primary_key,
            auto_increment = false,
            column_type = "VarBinary(StringLen::N(16))"
        )]
        pub account_id: Vec<u8>,
        /// The version that the latest change led to.
        pub version: i64,
        /// Sessions of an older generation than this have to end.
        pub end_before: i64,
        /// Why they do.
        pub reason: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod throttle {
    use sea_orm::entity::prelude::*;

    /// A row of `throttle`: the wrong tries at one account or from one address.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "throttle")]
    pub struct Model {
        /// SHA-256 of whose tries they are.
        #[sea_orm(
            primary_key,
            auto_increment = false,
            column_type = "VarBinary(StringLen::N(32))"
        )]
        pub key: Vec<u8>,
        pub failures: i64,
        /// When the last of them was counted.
        pub last_at: i64,
        /// When the next try will be judged.
        pub free_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod setup_token {
    use sea_orm::entity::prelude::*;

    /// A row of `setup_token`: a link that makes the first admin.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "setup_token")]
    pub struct Model {
        /// SHA-256 of the token.
        #[sea_orm(
            primary_key,
            auto_increment = false,
            column_type = "VarBinary(StringLen::N(32))"
        )]
        pub hash: Vec<u8>,
        pub expires_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod audit {
    use sea_orm::entity::prelude::*;

    /// A row of `audit`. Rows are only ever added.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub at: i64,
        pub event: String,
        pub detail: Option<String>,
        /// Whom it is about; stays when the account is deleted.
        #[sea_orm(column_type = "VarBinary(StringLen::N(16))", nullable)]
        pub account_id: Option<Vec<u8>>,
        /// Absent for commands.
        pub address: Option<String>,
        pub request_id: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
