//! The customers, put together: a database from the configuration, as conversations ask it.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::calls::CustomerLookup;
use crate::config::Config;
use crate::customers::Customers;
use crate::model::LookUp;
use crate::store::Store;

/// The customers of a configuration, none where no database is set. `store` knows which numbers are our own.
pub fn customers(config: &Config, store: Option<Store>) -> Customers {
    let Some(database) = &config.customer_database else { return Customers::default() };
    let password = config.customers_password.as_ref().map(|secret| secret.value.clone());
    Customers::new(database.clone(), password, store)
}

/// The customers as conversations ask for them.
pub(super) struct CustomerDatabase(pub(super) Customers);

impl CustomerLookup for CustomerDatabase {
    fn look_up<'a>(&'a self, number: &'a str) -> BoxFuture<'a, LookUp> {
        async { self.0.look_up(number).await.answer }.boxed()
    }
}
