//! Tests of batches over SQLite in memory.

use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use futures_util::future::{join_all, poll_immediate};
use sea_orm::ConnectOptions;
use tokio::sync::Semaphore;

use super::{super::database::Health, *};

/// Longer than a task needs to be woken.
const WHILE: Duration = Duration::from_millis(5);

async fn database() -> Database {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(4);
    Database::new(sea_orm::Database::connect(options).await.unwrap(), Arc::new(Health::default()))
}

/// A batcher that doubles numbers, each batch after a while, and the number of its batches. Fails on 666 and panics
/// on 13.
async fn doubling() -> (Batcher<u32, u32>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let batcher = Batcher::new(&database().await, move |_, numbers: Arc<[u32]>| {
        counted.fetch_add(1, SeqCst);
        assert!(numbers.len() <= MAX_BATCH && !numbers.contains(&13), "this panic is meant");
        Box::pin(async move {
            sleep(WHILE).await;
            if numbers.contains(&666) {
                return Err(DbErr::Custom("this failure is meant".to_owned()));
            }
            Ok(numbers.iter().map(|number| number * 2).collect())
        })
    });
    (batcher, count)
}

#[tokio::test]
async fn concurrent_lookups_share_batches_and_each_gets_its_own_value() {
    let (batcher, count) = doubling().await;
    let values = join_all((100..200).map(|number| batcher.submit(number))).await;
    assert!(values.into_iter().zip(100..200).all(|(value, number)| value.unwrap() == number * 2));
    assert_eq!(count.load(SeqCst), 2, "{MAX_BATCH} and the others");
}

#[tokio::test]
async fn lookup_cancelled_before_its_batch_is_not_made() {
    let (made, gate) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
    let (seen, held) = (Arc::clone(&made), Arc::clone(&gate));
    let batcher = Batcher::new(&database().await, move |_, numbers: Arc<[u32]>| {
        seen.lock().unwrap().push(numbers.to_vec());
        let held = Arc::clone(&held);
        Box::pin(async move {
            held.acquire().await.unwrap().forget();
            Ok(numbers.to_vec())
        })
    });
    let submit = |number| {
        let batcher = batcher.clone();
        tokio::spawn(async move { batcher.submit(number).await })
    };
    let first = submit(1);
    while made.lock().unwrap().is_empty() {
        yield_now().await;
    }
    // queued behind the first batch, and cancelled at once
    assert!(poll_immediate(Box::pin(batcher.submit(666))).await.is_none());
    let last = submit(3);
    gate.add_permits(2);
    assert_eq!((first.await.unwrap().unwrap(), last.await.unwrap().unwrap()), (1, 3));
    assert_eq!(*made.lock().unwrap(), [[1], [3]]);
}

#[tokio::test]
async fn failed_batch_fails_for_its_own_callers_alone() {
    let (batcher, _) = doubling().await;
    for bad in [666, 13] {
        let values = join_all([1, bad, 2].map(|number| batcher.submit(number))).await;
        assert!(values.iter().all(Result::is_err), "{values:?}");
        assert_eq!(batcher.submit(4).await.unwrap(), 8);
    }
}

#[tokio::test]
async fn slow_batch_does_not_delay_the_others() {
    let batcher = Batcher::new(&database().await, |_, numbers: Arc<[u32]>| {
        Box::pin(async move { if numbers.contains(&0) { pending().await } else { Ok(numbers.to_vec()) } })
    });
    let slow = tokio::spawn({
        let batcher = batcher.clone();
        async move { batcher.submit(0).await }
    });
    sleep(WHILE).await;
    assert_eq!(timeout(UNIT_TIMEOUT / 2, batcher.submit(7)).await.unwrap().unwrap(), 7);
    slow.abort();
}

#[test]
fn items_are_padded_to_a_power_of_two() {
    assert!(padded::<u8>(vec![]).is_empty());
    assert_eq!(padded(vec![1]), [1]);
    assert_eq!(padded(vec![1, 2, 3, 4, 5]), [1, 2, 3, 4, 5, 5, 5, 5]);
}
