//! Deletes old rows in batches. The keys are read first, because MySQL does not support `LIMIT` in a subquery of a
//! `DELETE`, and the rows are deleted in the order of their keys, so that two nodes do not deadlock.

use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TryGetable, Value, sea_query::IntoCondition,
};

use super::database::Connection;

/// Deletes up to `limit` of the rows `which`, and returns their number. `K` is the type of `key`. With an `order`, which
/// needs an index, the first rows in it are deleted; without one, any rows.
pub(super) async fn delete_batch<E, K>(
    db: Connection,
    (key, order): (E::Column, Option<E::Column>),
    which: impl IntoCondition,
    limit: u64,
) -> Result<u64, DbErr>
where
    E: EntityTrait,
    K: TryGetable + Into<Value> + Ord + Send,
{
    let which = which.into_condition();
    let mut rows = E::find().select_only().column(key).filter(which.clone()).limit(limit);
    if let Some(order) = order {
        rows = rows.order_by_asc(order);
    }
    let mut keys: Vec<K> = rows.into_tuple().all(&db).await?;
    if keys.is_empty() {
        return Ok(0);
    }
    keys.sort_unstable();
    Ok(E::delete_many().filter(key.is_in(keys)).filter(which).exec(&db).await?.rows_affected)
}
