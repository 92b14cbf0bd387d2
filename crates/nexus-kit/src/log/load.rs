//! Reading the log: heads, views and ranges.

use nexus_core::cursor::Epoch;
use nexus_core::tenant::Tenant;
use nexus_core::view::{Keep, Touched, View};

use crate::args;
use crate::db::{DbError, Read, Row};

/// Reports that are read at once where their bytes are counted.
const PIECE: u64 = 64;

/// Where a tenant's log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which life of the log.
    pub epoch: Epoch,
    /// The newest report; 0 before the first.
    pub last: u64,
}

/// A view and where it stands.
#[derive(Debug)]
pub struct Loaded {
    /// Where the log stands.
    pub head: Head,
    /// The fold of everything up to there.
    pub view: View,
}

pub(super) fn read_head(row: &Row<'_>, first: usize) -> Result<Head, DbError> {
    let epoch = Epoch::parse(&row.text(first)?)
        .ok_or_else(|| DbError::Failed("a stored epoch is not one".into()))?;
    Ok(Head { epoch, last: row.count(first + 1)? })
}

/// Where a tenant's log stands.
///
/// # Errors
/// [`DbError::NoTenant`] where there is no such tenant.
pub fn head(q: &Read, tenant: &Tenant) -> Result<Head, DbError> {
    q.opt("SELECT epoch, last FROM stream_head WHERE tenant = $1", args![tenant], |row| {
        read_head(row, 0)
    })?
    .ok_or(DbError::NoTenant)
}

/// Where every tenant's log stands.
pub fn heads(q: &Read) -> Result<Vec<(Tenant, Head)>, DbError> {
    q.all("SELECT tenant, epoch, last FROM stream_head ORDER BY tenant", args![], |row| {
        let tenant = Tenant::parse(&row.text(0)?)
            .map_err(|_| DbError::Failed("a stored tenant is not one".into()))?;
        Ok((tenant, read_head(row, 1)?))
    })
}

/// The fold of base and log up to the head.
pub fn load(q: &Read, tenant: &Tenant, keep: Keep) -> Result<Loaded, DbError> {
    let head = head(q, tenant)?;
    let mut base = load_base(q, tenant, keep)?;
    base.fold(q, tenant, head.last)?;
    Ok(Loaded { head, view: base.view })
}

/// The fold of the reports up to a number.
pub(super) struct Base {
    /// The newest report in it.
    pub number: u64,
    pub view: View,
    /// The items that are not as they are stored.
    pub touched: Touched,
}

/// The base as it is stored.
pub(super) fn load_base(q: &Read, tenant: &Tenant, keep: Keep) -> Result<Base, DbError> {
    let number = "SELECT number FROM stream_base WHERE tenant = $1";
    let number = q.opt(number, args![tenant], |row| row.count(0))?.unwrap_or(0);
    let mut view = View::empty(keep);
    q.all("SELECT collection, id, value FROM base_item WHERE tenant = $1", args![tenant], |row| {
        view.insert(&row.text(0)?, &row.text(1)?, &row.text(2)?)
            .map_err(|error| DbError::Failed(format!("the base cannot be read: {error}")))
    })?;
    let touched = view.bounded();
    Ok(Base { number, view, touched })
}

impl Base {
    /// Applies the reports up to `to`.
    pub fn fold(&mut self, q: &Read, tenant: &Tenant, to: u64) -> Result<(), DbError> {
        let Self { number: from, view, touched } = self;
        q.all(
            "SELECT number, body FROM report WHERE tenant = $1 AND number > $2 AND number <= $3
             ORDER BY number",
            args![tenant, *from, to],
            |row| {
                let (number, body) = (row.count(0)?, row.text(1)?);
                view.apply_noting(&body, touched).map_err(|error| {
                    DbError::Failed(format!(
                        "report {number} of {tenant} cannot be folded: {error}"
                    ))
                })
            },
        )?;
        self.number = to;
        Ok(())
    }

    /// The items that are not as they are stored, as they are now.
    pub fn take_changed(&mut self) -> Vec<Changed> {
        let touched = std::mem::take(&mut self.touched);
        let changed = |(collection, id, was_stored): (&'static str, &str, bool)| {
            let value = self.view.get(collection, id).map(str::to_owned);
            // What came and went in between was never stored.
            (was_stored || value.is_some()).then(|| Changed {
                collection,
                id: id.to_owned(),
                value,
            })
        };
        touched.iter().filter_map(changed).collect()
    }
}

/// An item of the base that changes.
pub(super) struct Changed {
    pub collection: &'static str,
    pub id: String,
    /// None where it is gone.
    pub value: Option<String>,
}

/// At most `limit` reports after `number`, in order: their numbers and bodies.
pub fn reports_after(
    q: &Read,
    tenant: &Tenant,
    number: u64,
    limit: u64,
) -> Result<Vec<(u64, String)>, DbError> {
    q.all(
        "SELECT number, body FROM report WHERE tenant = $1 AND number > $2 ORDER BY number LIMIT $3",
        args![tenant, number, limit],
        |row| Ok((row.count(0)?, row.text(1)?)),
    )
}

/// The newest reports, in order: at most so many, and no more once they have so many bytes.
pub fn newest_reports(
    q: &Read,
    tenant: &Tenant,
    most: u64,
    bytes: usize,
) -> Result<Vec<(u64, String)>, DbError> {
    let mut found: Vec<(u64, String)> = Vec::new();
    let mut size = 0;
    let mut before = i64::MAX.unsigned_abs();
    while size < bytes {
        let left = most.saturating_sub(found.len() as u64).min(PIECE);
        let piece = q.all(
            "SELECT number, body FROM report WHERE tenant = $1 AND number < $2
             ORDER BY number DESC LIMIT $3",
            args![tenant, before, left],
            |row| Ok::<_, DbError>((row.count(0)?, row.text(1)?)),
        )?;
        let Some((last, _)) = piece.last() else { break };
        before = *last;
        size += piece.iter().map(|(_, body)| body.len()).sum::<usize>();
        found.extend(piece);
    }
    found.reverse();
    Ok(found)
}
