//! The audit log: one hash chain per tenant over salted hashes.
