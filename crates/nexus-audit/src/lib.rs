//! The audit log: one hash chain per tenant over salted hashes, append-only, from the first day.
//!
//! An entry's details are hashed with a salt, and the chain runs over that hash: details can be
//! erased later, salt and all, and the chain stays whole. Nothing here updates or deletes a row.

mod sql;

use nexus_kit::db::{Asked, DbError, Read, Tx};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The chain of what belongs to no tenant: refused keys, tenants made. No tenant has this key,
/// because it has no colon.
pub const PLATFORM: &str = "platform";

/// Something that happened and that somebody may have to answer for.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Who did it: `admin`, `service`, `agent:key_…`, `system:timeout`.
    pub actor: &'a str,
    /// What was done: `command.accepted`, `ask.approved`, `access.refused`, …
    pub action: &'a str,
    /// To what: an id.
    pub target: &'a str,
    /// Ties it to the request.
    pub correlation_id: &'a str,
    /// Whatever else one should know; no secrets.
    pub details: Value,
}

/// The newest entry of a chain; write it down elsewhere to notice if the end is cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainHead {
    /// Number of the entry, from 1; 0 for an empty chain.
    pub seq: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// What a check of a chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The chain's name: a tenant, or `platform`.
    pub chain: String,
    /// Entries that were read.
    pub entries: u64,
    /// Entries whose details were erased; their place in the chain stands.
    pub erased: u64,
    /// The newest entry.
    pub head: ChainHead,
    /// The first thing that is wrong, if anything is.
    pub broken: Option<Broken>,
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// At which entry.
    pub seq: u64,
    /// How.
    pub why: &'static str,
}

/// Adds an entry to a chain, in the transaction of what it tells of.
pub fn record(tx: &mut Tx<'_>, chain: &str, entry: &Entry<'_>) -> Result<(), DbError> {
    let end = ask_end(tx, chain)?;
    record_after(tx, chain, end, entry)
}

/// Where a chain ends, as far as this transaction has written it itself: nobody else can have
/// written after that.
struct End {
    seq: u64,
    hash: Vec<u8>,
}

/// The end of a chain that was asked for; without a question where it is known.
#[must_use = "whoever asks for the end of a chain adds an entry"]
pub struct AskedEnd(Option<Asked>);

/// Asks where a chain ends, so that the answer can come with others.
pub fn ask_end(tx: &Tx<'_>, chain: &str) -> Result<AskedEnd, DbError> {
    let known = tx.noted::<End>(chain).is_some();
    Ok(AskedEnd(if known { None } else { Some(sql::ask_head(tx, chain)?) }))
}

/// Adds an entry after the end that was asked for; no other entry came in between.
pub fn record_after(
    tx: &mut Tx<'_>,
    chain: &str,
    AskedEnd(end): AskedEnd,
    entry: &Entry<'_>,
) -> Result<(), DbError> {
    let (last, previous) = match (end, tx.noted::<End>(chain)) {
        (Some(asked), _) => sql::head(tx, asked)?.unwrap_or_default(),
        (None, Some(End { seq, hash })) => (*seq, hash.clone()),
        (None, None) => return Err(DbError::Failed("the end of a chain was forgotten".to_owned())),
    };
    let row = sql::Row {
        seq: last + 1,
        at: tx.now().micros(),
        actor: entry.actor.to_owned(),
        action: entry.action.to_owned(),
        target: entry.target.to_owned(),
        correlation_id: entry.correlation_id.to_owned(),
        salt: Some(tx.random::<16>().to_vec()),
        details: Some(entry.details.to_string()),
        details_hash: Vec::new(),
        hash: Vec::new(),
    };
    let details_hash = row.details_hash().unwrap_or_default();
    let row = sql::Row { details_hash, ..row };
    let hash = row.link(&previous);
    sql::insert(tx, chain, &sql::Row { hash: hash.clone(), ..row })?;
    tx.note(chain, End { seq: last + 1, hash });
    Ok(())
}

/// Checks a whole chain: no entry changed, none missing, none out of order; with `expect`, that
/// the entry with that number still has that hash, so that a cut end is noticed.
pub fn verify(q: &Read, chain: &str, expect: Option<&ChainHead>) -> Result<Verdict, DbError> {
    let mut verdict = Verdict {
        chain: chain.to_owned(),
        entries: 0,
        erased: 0,
        head: ChainHead { seq: 0, hash: String::new() },
        broken: None,
    };
    let mut previous: Vec<u8> = Vec::new();
    let mut expected_seen = expect.is_none_or(|expect| expect.seq == 0);
    sql::each(q, chain, |row| {
        if verdict.broken.is_some() {
            return;
        }
        let seq = row.seq;
        let mut broken = |why| verdict.broken = Some(Broken { seq, why });
        if seq != verdict.head.seq + 1 {
            broken("entries before this one are missing");
        } else if row.details_hash().is_some_and(|hash| hash != row.details_hash) {
            broken("the details of this entry were changed");
        } else if row.link(&previous) != row.hash {
            broken("this entry or its place in the chain was changed");
        } else if expect.is_some_and(|e| e.seq == seq && e.hash != nexus_core::json::hex(&row.hash))
        {
            broken("this entry is not the one that was expected");
        }
        expected_seen |= expect.is_some_and(|expect| expect.seq == seq);
        verdict.entries += 1;
        verdict.erased += u64::from(row.details.is_none());
        verdict.head = ChainHead { seq, hash: nexus_core::json::hex(&row.hash) };
        previous = row.hash;
    })?;
    if verdict.broken.is_none() && !expected_seen {
        let seq = verdict.head.seq + 1;
        verdict.broken = Some(Broken { seq, why: "the chain ends before the expected entry" });
    }
    Ok(verdict)
}

/// Every chain there is: the platform's and one of each tenant. Read in the system's scope.
pub fn chains(q: &Read) -> Result<Vec<String>, DbError> {
    let mut chains = sql::tenants(q)?;
    chains.push(PLATFORM.to_owned());
    Ok(chains)
}

impl sql::Row {
    /// The salted hash of the details; nothing once they were erased.
    fn details_hash(&self) -> Option<Vec<u8>> {
        let (salt, details) = self.salt.as_ref().zip(self.details.as_ref())?;
        Some(Sha256::new().chain_update(salt).chain_update(details).finalize().to_vec())
    }

    /// The hash that binds this entry to the one before it. Every part has its length before it, so
    /// that no two entries hash the same bytes.
    fn link(&self, previous: &[u8]) -> Vec<u8> {
        let mut hasher = Sha256::new();
        hasher.update(b"nexus-audit-1");
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at.to_be_bytes());
        let texts = [&self.actor, &self.action, &self.target, &self.correlation_id];
        for part in
            texts.into_iter().map(String::as_bytes).chain([self.details_hash.as_slice(), previous])
        {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }
}
