//! Agent `share`: everything that hands something to the world outside. Always RED.

#[cfg(test)]
mod tests;
mod webhook;

use std::sync::Arc;

use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_kit::egress::Guard;
use nexus_work::agent::{Agent, Bound, Failure, Job, ParamError, Performing, Supervisor, TypeSpec};
use serde_json::Value;

/// Performs `share.webhook`.
#[derive(Debug)]
pub struct Share {
    guard: Arc<Guard>,
}

impl Share {
    /// Sends only where the guard lets it.
    pub fn new(guard: Arc<Guard>) -> Self {
        Self { guard }
    }

    async fn run(&self, job: &Job, supervisor: &dyn Supervisor) -> Result<Value, Failure> {
        match job.command_type.as_str() {
            webhook::TYPE => webhook::send(&self.guard, job, supervisor).await,
            _ => Err(Failure::new(
                FailureCode::UnknownTaskType,
                "Agent share does not perform this type",
            )),
        }
    }
}

impl Agent for Share {
    fn name(&self) -> &'static str {
        "share"
    }

    fn types(&self) -> Vec<TypeSpec> {
        vec![webhook::spec(self.guard.timeout())]
    }

    fn check(&self, _: &Tenant, command_type: &str, params: &Value) -> Result<(), Vec<ParamError>> {
        match command_type {
            webhook::TYPE => webhook::check(&self.guard, params),
            _ => Err(vec![ParamError {
                path: String::new(),
                code: "unknown_type",
                message: "Agent share does not perform this type".into(),
            }]),
        }
    }

    fn bind(&self, _: &Tenant, _: &str, _: &Value) -> Result<Vec<Bound>, Vec<ParamError>> {
        Ok(Vec::new())
    }

    fn perform<'a>(&'a self, job: &'a Job, supervisor: &'a dyn Supervisor) -> Performing<'a> {
        Box::pin(self.run(job, supervisor))
    }
}
