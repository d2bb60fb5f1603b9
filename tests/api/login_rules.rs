//! All databases follow one set of rules for a login. PostgreSQL has a statement for a batch of logins. Any sequence of
//! logins leaves the same rows by that statement as by the transaction, on PostgreSQL and on the other databases.

mod sequence;
mod tables;

use std::sync::Arc;

use entity::{Timestamp, session::EndReason, user::Status};
use futures_util::future::join_all;
use miniaccount::store::{KnownIdentity, LoggedIn, Login, LoginOutcome, Store};
use proptest::test_runner::TestRunner;
use sea_orm::DatabaseConnection;

use self::{
    sequence::{Step, random_steps},
    tables::Tables,
};
use crate::harness::{DatabaseKind, TestDatabase};

/// The numbers of sequences.
const ON_POSTGRES: usize = 200;
const ON_OTHERS: usize = 40;

/// How the logins of a step are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// As by the server: with the batch statement, and with the transaction for those that the statement skips.
    Batch,
    /// With the transaction only.
    Transaction,
}

/// One database, and how it is written.
struct Side {
    method: Method,
    store: Store,
    db: DatabaseConnection,
    database: Arc<TestDatabase>,
}

// on one thread, so that the logins of a step are one batch
#[tokio::test]
async fn batch_statement_follows_the_rules_of_the_transaction() {
    let sides = [(DatabaseKind::Postgres, Method::Batch), (DatabaseKind::Postgres, Method::Transaction)];
    compare(ON_POSTGRES, sides).await;
}

#[tokio::test]
async fn transaction_has_the_same_rules_on_sqlite() {
    compare(ON_OTHERS, [(DatabaseKind::Postgres, Method::Batch), (DatabaseKind::Sqlite, Method::Transaction)]).await;
}

#[tokio::test]
async fn transaction_has_the_same_rules_on_mysql() {
    compare(ON_OTHERS, [(DatabaseKind::Postgres, Method::Batch), (DatabaseKind::MySql, Method::Transaction)]).await;
}

on_each_database! {
    async fn login_that_creates_no_account_is_not_called_suspended_when_its_account_is_deleted_meanwhile(app: TestApp) {
        let login = Login { create_user: false, ..sequence::some_login() };
        let deleted = KnownIdentity { identity: login.identity.new_identity, user: login.new_user };
        let outcome = app.store.login(Some(deleted), &login).await.unwrap();
        assert!(matches!(outcome, LoginOutcome::NoAccount), "{outcome:?}");
    }
}

async fn compare(sequences: usize, sides: [(DatabaseKind, Method); 2]) {
    let [Some(one), Some(other)] = [Side::open(sides[0]).await, Side::open(sides[1]).await] else { return };
    let (mut runner, mut shared, mut all) = (TestRunner::deterministic(), 0, 0);
    for number in 0..sequences {
        let steps = random_steps(&mut runner);
        for (place, step) in steps.iter().enumerate() {
            // the logins that the statement skips are written after the others, as by the server
            let (written, outcomes) = one.run(step, None).await;
            let (_, expected) = other.run(step, Some(&written)).await;
            let texts = |outcomes: &[LoginOutcome]| outcomes.iter().map(outcome_text).collect::<Vec<_>>();
            assert_eq!(texts(&outcomes), texts(&expected), "sequence {number}, step {place} of {steps:#?}");
            shared += written.iter().filter(|written| **written).count();
            all += written.len();
        }
        let (rows, expected) = (Tables::read(&one.db).await, Tables::read(&other.db).await);
        rows.assert_same(&expected, &format!("sequence {number}: {steps:#?}"));
        Tables::clear(&one.db).await;
        Tables::clear(&other.db).await;
    }
    // otherwise the transaction was compared with itself
    assert!(shared * 3 > all, "{shared} of {all} logins by the statement");
    one.close().await;
    other.close().await;
}

impl Side {
    /// `None` if no server of the kind is configured.
    async fn open((kind, method): (DatabaseKind, Method)) -> Option<Self> {
        let Some(database) = TestDatabase::create(kind).await.map(Arc::new) else {
            eprintln!("skipped: {} is not set", kind.variable());
            return None;
        };
        let store = database.store().await;
        store.migrate().await.unwrap();
        let db = database.db_connect().await;
        Some(Self { method, store, db, database })
    }

    async fn close(self) {
        self.store.close().await.unwrap();
        self.db.close().await.unwrap();
        self.database.remove().await;
    }

    /// Takes a step. `first` are the logins that the other side wrote before the rest. Returns these of this side, and
    /// each outcome.
    async fn run(&self, step: &Step, first: Option<&[bool]>) -> (Vec<bool>, Vec<LoginOutcome>) {
        match step {
            Step::Logins(logins) => return self.log_in(logins, first).await,
            Step::EndSessions(person, now) => {
                if let Some(user) = self.user_of(person).await {
                    self.store.sessions_end_of(user, None, EndReason::LoggedOut, *now).await.unwrap();
                }
            }
            Step::SetStatus(person, status, now) => self.set_status(person, *status, *now).await,
        }
        (Vec::new(), Vec::new())
    }

    async fn log_in(&self, logins: &[Login], first: Option<&[bool]>) -> (Vec<bool>, Vec<LoginOutcome>) {
        for login in logins {
            let claim = &login.code.as_ref().unwrap().claim;
            assert!(self.store.code_exchange_claim(claim).await.unwrap());
        }
        let mut outcomes: Vec<Option<LoginOutcome>> = match (self.method, first) {
            (Method::Batch, _) => {
                let written = join_all(logins.iter().map(|login| self.store.login_batched(login))).await;
                let logged_in = |written: LoggedIn| LoginOutcome::LoggedIn(Box::new(written));
                written.into_iter().map(|written| written.unwrap().map(logged_in)).collect()
            }
            (Method::Transaction, _) => logins.iter().map(|_| None).collect(),
        };
        let written: Vec<bool> = outcomes.iter().map(Option::is_some).collect();
        let is_first = |place: usize| first.is_none_or(|first| first[place]);
        let (before, after): (Vec<_>, Vec<_>) = (0..logins.len()).partition(|place| is_first(*place));
        for place in before.into_iter().chain(after) {
            if outcomes[place].is_none() {
                outcomes[place] = Some(self.log_in_alone(&logins[place]).await);
            }
        }
        (written, outcomes.into_iter().map(Option::unwrap).collect())
    }

    async fn log_in_alone(&self, login: &Login) -> LoginOutcome {
        let known = self.store.identity_by_openid(&login.identity.app_id, &login.identity.openid).await.unwrap();
        self.store.login(known.map(|(identity, _)| KnownIdentity::of(&identity)), login).await.unwrap()
    }

    async fn set_status(&self, person: &sequence::Name, status: Status, now: Timestamp) {
        if let Some(user) = self.user_of(person).await {
            self.store.user_set_status(user, status, now).await.unwrap().unwrap();
        }
    }

    async fn user_of(&self, (app_id, openid): &sequence::Name) -> Option<entity::UserId> {
        let found = self.store.identity_by_openid(app_id, openid).await.unwrap();
        found.map(|(_, user)| user.id)
    }
}

fn outcome_text(outcome: &LoginOutcome) -> String {
    match outcome {
        LoginOutcome::LoggedIn(it) => {
            format!("{:?} {:?} new {} conflict {}", it.user, it.session, it.is_new_user, it.union_conflict)
        }
        LoginOutcome::Suspended => "suspended".to_owned(),
        LoginOutcome::NoAccount => "no account".to_owned(),
    }
}
