//! What a closure holds while it runs: [`Read`] to look, [`Tx`] to change.

use std::ops::Deref;

use nexus_core::cursor::Epoch;
use nexus_core::id::{Entropy as IdEntropy, ReportId};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;

use super::notes::Notes;
use super::value::Owned;
use super::{Arg, DbError, Row, Scope, postgres, sqlite};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::log::{Committed, MAX_REPORT_BYTES, Report};

/// A statement put together at run time: text that this program holds, and bound values.
#[derive(Default, Debug)]
pub struct Sql {
    text: String,
    values: Vec<Bound>,
}

#[derive(Debug)]
enum Bound {
    Int(i64),
    Text(String),
}

impl Sql {
    /// Starts with a piece of SQL.
    pub fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds a piece of SQL; never anything that a caller sent.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value as an argument.
    pub fn bind(&mut self, value: &str) -> &mut Self {
        self.values.push(Bound::Text(value.to_owned()));
        self.number()
    }

    /// Adds an integer as an argument.
    pub fn bind_int(&mut self, value: i64) -> &mut Self {
        self.values.push(Bound::Int(value));
        self.number()
    }

    fn number(&mut self) -> &mut Self {
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }
}

/// A statement's text: one that stands in the program, or one that was put together.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    Fixed(&'static str),
    Built(&'a str),
}

/// A question that was sent and is answered by [`Read::answer`]: on Postgres several are under way
/// at once; SQLite, which is asked at once, looks when the answer is wanted. So whoever asks must
/// read the answer, and changes nothing in between that the answer rests on.
#[must_use = "a question that is not answered may never have been asked"]
pub struct Asked(Question);

enum Question {
    Sqlite(&'static str, Vec<Owned>),
    Postgres(postgres::Asked),
}

/// The engine under a session.
pub(super) enum Engine {
    Sqlite(sqlite::Session),
    Postgres(postgres::Session),
}

/// Does the same with either engine.
macro_rules! with {
    ($self:ident, $session:ident => $do:expr) => {
        match &$self.engine {
            Engine::Sqlite($session) => $do,
            Engine::Postgres($session) => $do,
        }
    };
}

/// One connection, looking at one consistent state.
pub struct Read {
    engine: Engine,
}

impl Read {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Statements and round trips since the last call.
    pub(super) fn take_counts(&self) -> (u64, u64) {
        with!(self, session => session.take_counts())
    }

    /// Every row of an answer.
    pub fn all<T, E: From<DbError>>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
        row: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        self.rows(Text::Fixed(sql), args, row)
    }

    /// The first row of an answer, if there is one.
    pub fn opt<T, E: From<DbError>>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
        mut row: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let mut first = None;
        let each = |found: &Row<'_>| {
            first = Some(row(found)?);
            Ok::<_, E>(false)
        };
        with!(self, session => session.each(Text::Fixed(sql), args, each))?;
        Ok(first)
    }

    /// The only row of an answer that has one, such as a count.
    pub fn one<T, E: From<DbError>>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
        row: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.opt(sql, args, row)?.ok_or_else(|| DbError::Failed("a row is missing".into()).into())
    }

    /// Sends a question whose answer is read later, so that several share a round trip.
    pub fn ask(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Asked, DbError> {
        Ok(Asked(match &self.engine {
            Engine::Sqlite(_) => Question::Sqlite(sql, args.iter().map(Owned::from).collect()),
            Engine::Postgres(session) => Question::Postgres(session.ask(sql, args)?),
        }))
    }

    /// The first row of an answer, if there is one.
    pub fn answer<T, E: From<DbError>>(
        &self,
        Asked(asked): Asked,
        mut row: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        match (&self.engine, asked) {
            (Engine::Sqlite(session), Question::Sqlite(sql, args)) => {
                let args: Vec<Arg<'_>> = args.iter().map(Arg::from).collect();
                let mut first = None;
                session.each(Text::Fixed(sql), &args, |found| {
                    first = Some(row(found)?);
                    Ok::<_, E>(false)
                })?;
                Ok(first)
            }
            (Engine::Postgres(session), Question::Postgres(asked)) => session.answer(asked, row),
            _ => Err(DbError::Failed("asked elsewhere".to_owned()).into()),
        }
    }

    /// Every row of an answer to a statement that was put together at run time.
    pub fn all_built<T, E: From<DbError>>(
        &self,
        sql: &Sql,
        row: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let args: Vec<Arg<'_>> = sql
            .values
            .iter()
            .map(|value| match value {
                Bound::Int(value) => Arg::Int(*value),
                Bound::Text(value) => Arg::Text(value),
            })
            .collect();
        self.rows(Text::Built(&sql.text), &args, row)
    }

    fn rows<T, E: From<DbError>>(
        &self,
        text: Text<'_>,
        args: &[Arg<'_>],
        mut row: impl FnMut(&Row<'_>) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let mut found = Vec::new();
        let each = |next: &Row<'_>| {
            found.push(row(next)?);
            Ok::<_, E>(true)
        };
        with!(self, session => session.each(text, args, each))?;
        Ok(found)
    }

    fn change(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        with!(self, session => session.change(sql, args))
    }

    fn put(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), DbError> {
        with!(self, session => session.put(sql, args))
    }

    /// Begins a transaction that changes rows of a scope.
    pub(super) fn begin(&self, scope: &Scope) -> Result<(), DbError> {
        with!(self, session => session.begin(scope))
    }

    /// Begins the part of one job.
    pub(super) fn savepoint(&self) -> Result<(), DbError> {
        with!(self, session => session.savepoint())
    }

    /// Keeps what one job did, all of it: what was not waited for is known to be done after this.
    pub(super) fn release(&self) -> Result<(), DbError> {
        with!(self, session => session.release())
    }

    /// Undoes what one job did, and that alone.
    pub(super) fn roll_back_job(&self) -> Result<(), DbError> {
        with!(self, session => session.roll_back_job())
    }

    /// Why the engine has ended the transaction by itself, if it has.
    pub(super) fn lost_transaction(&self) -> Option<DbError> {
        with!(self, session => session.lost_transaction())
    }

    /// Puts everything on disk.
    pub(super) fn commit(&self) -> Result<(), DbError> {
        with!(self, session => session.commit())
    }

    /// Undoes everything since the beginning.
    pub(super) fn roll_back(&self) {
        with!(self, session => session.roll_back());
    }

    /// Begins a transaction that sees one consistent state and changes nothing.
    pub(super) fn begin_read(&self, scope: &Scope) -> Result<(), DbError> {
        with!(self, session => session.begin_read(scope))
    }

    /// Ends it.
    pub(super) fn end_read(&self) {
        with!(self, session => session.end_read());
    }
}

/// What a transaction will tell the process once it is on disk.
#[derive(Default)]
pub(super) struct Outbox {
    pub reports: Vec<Committed>,
    pub wake: bool,
}

/// A transaction of one scope; derefs to [`Read`], so that every query works in it too.
pub struct Tx<'a> {
    pub(super) session: &'a Read,
    pub(super) scope: &'a Scope,
    pub(super) outbox: &'a mut Outbox,
    pub(super) notes: &'a mut Notes,
    pub(super) clock: &'a Clock,
    pub(super) entropy: &'a Entropy,
}

impl Deref for Tx<'_> {
    type Target = Read;

    fn deref(&self) -> &Read {
        self.session
    }
}

/// Where a tenant's log stands in this transaction; the store hears of it before the commit.
#[derive(Clone)]
struct LogHead {
    epoch: Epoch,
    /// The number that was taken last.
    last: u64,
    /// The number that the store has.
    stored: u64,
}

fn read_log_head(row: &Row<'_>) -> Result<LogHead, DbError> {
    let epoch = Epoch::parse(&row.text(0)?)
        .ok_or_else(|| DbError::Failed("a stored epoch is not one".into()))?;
    let last = row.count(1)?;
    Ok(LogHead { epoch, last, stored: last })
}

/// Tells the store how far the logs have come in this transaction: once, not for each report.
pub(super) fn store_heads(session: &Read, notes: &Notes) -> Result<(), DbError> {
    for (tenant, head) in notes.all::<LogHead>() {
        if head.last > head.stored {
            session.put(
                "UPDATE stream_head SET last = $2 WHERE tenant = $1",
                crate::args![tenant, head.last],
            )?;
        }
    }
    Ok(())
}

/// A place that was asked for: with the question where the store has to be asked.
#[must_use = "whoever asks for a place takes it"]
pub struct AskedPlace(Option<Asked>);

/// A place in a tenant's log that this transaction has taken.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which life of the log.
    pub epoch: Epoch,
    /// Which report of it.
    pub number: u64,
}

impl Tx<'_> {
    /// Runs a statement that changes rows and says how many.
    pub fn exec(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        self.session.change(sql, args)
    }

    /// Runs a statement that changes rows when nobody needs to know how many. Postgres is not
    /// waited for: what fails is found at the next query, or when the action ends, and undoes the
    /// action whole.
    pub fn put(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), DbError> {
        self.session.put(sql, args)
    }

    /// The tenant of this transaction.
    ///
    /// # Errors
    /// In the system's scope, which has none.
    pub fn tenant(&self) -> Result<Tenant, DbError> {
        match self.scope {
            Scope::Tenant(tenant) => Ok(tenant.clone()),
            Scope::System => Err(DbError::NoTenant),
        }
    }

    /// The wall clock.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The clock for rights and expiry.
    pub fn expiry(&self) -> Time {
        self.clock.expiry()
    }

    /// Ten random bytes for an id.
    pub fn id_entropy(&self) -> IdEntropy {
        self.entropy.bytes()
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        self.entropy.bytes()
    }

    /// What this transaction has noted under a name. A note is of a type of its writer's own.
    pub fn noted<T: 'static>(&self, name: &str) -> Option<&T> {
        self.notes.get(name)
    }

    /// Notes something for the writes that share this transaction: what was read or written and
    /// stays so unless one of them changes it, which then notes it again or forgets it. A write that
    /// is rolled back takes its notes along.
    pub fn note<T: 'static>(&mut self, name: &str, note: T) {
        self.notes.put(name, note);
    }

    /// Forgets what was noted under a name.
    pub fn forget<T: 'static>(&mut self, name: &str) {
        self.notes.forget::<T>(name);
    }

    /// Takes the next number of the tenant's log. The log stays locked until the commit, so number
    /// order is commit order, and a rollback gives the number back.
    pub fn next_place(&mut self) -> Result<Place, DbError> {
        let asked = self.ask_place()?;
        self.place(asked)
    }

    /// Asks for the next number; whoever does uses the places in the order of asking.
    pub fn ask_place(&mut self) -> Result<AskedPlace, DbError> {
        let known = self.noted::<LogHead>(self.tenant()?.key()).is_some();
        let on_its_way = match &self.session.engine {
            // Whoever writes to SQLite is alone; on Postgres the row is locked by changing it.
            Engine::Postgres(_) if !known => Some(self.session.ask(
                "UPDATE stream_head SET last = last + 1 WHERE tenant = $1 RETURNING epoch, last",
                crate::args![&self.tenant()?],
            )?),
            _ => None,
        };
        Ok(AskedPlace(on_its_way))
    }

    /// The place that was asked for.
    pub fn place(&mut self, AskedPlace(asked): AskedPlace) -> Result<Place, DbError> {
        let tenant = self.tenant()?;
        let head = match asked {
            // Taken in the store, and so with everything up to it.
            Some(asked) => {
                let taken = self.session.answer(asked, read_log_head)?;
                taken.ok_or(DbError::NoTenant)?
            }
            None => {
                let known = match self.noted::<LogHead>(tenant.key()) {
                    Some(known) => known.clone(),
                    None => self
                        .session
                        .opt(
                            "SELECT epoch, last FROM stream_head WHERE tenant = $1",
                            crate::args![&tenant],
                            read_log_head,
                        )?
                        .ok_or(DbError::NoTenant)?,
                };
                LogHead { last: known.last + 1, ..known }
            }
        };
        let place = Place { epoch: head.epoch.clone(), number: head.last };
        self.note(tenant.key(), head);
        Ok(place)
    }

    /// Writes a report at a place that this transaction took; a place takes one report.
    pub fn report(&mut self, place: &Place, report: &Report<'_>) -> Result<ReportId, DbError> {
        let tenant = self.tenant()?;
        let now = self.now();
        let report_id = ReportId::new(now, &self.id_entropy());
        let body = report.body(&report_id, now);
        if body.len() > MAX_REPORT_BYTES {
            return Err(DbError::ReportTooLarge(body.len()));
        }
        self.put(
            "INSERT INTO report (tenant, number, report_id, body) VALUES ($1, $2, $3, $4)",
            crate::args![&tenant, place.number, report_id.as_str(), &body],
        )?;
        self.outbox.reports.push(Committed {
            tenant,
            epoch: place.epoch.clone(),
            number: place.number,
            body: body.into(),
        });
        Ok(report_id)
    }

    /// After the commit, wakes whoever waits for due work.
    pub fn wake(&mut self) {
        self.outbox.wake = true;
    }
}
