//! The SSE door: one ordered, resumable stream per tenant.
