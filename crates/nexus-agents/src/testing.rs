//! What the tests of every agent share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_work::agent::{Failure, Job, Supervisor};
use serde_json::Value;

/// The first attempt of a task that binds nothing.
pub(crate) fn job(tenant: &Tenant, command_type: &str, params: Value) -> Job {
    Job {
        tenant: tenant.clone(),
        task_id: "tsk_1".into(),
        attempt: 1,
        command_type: command_type.into(),
        params,
        bound: Vec::new(),
        correlation_id: "c-1".into(),
        deadline: Time::from_millis(i64::from(i32::MAX) * 1000),
    }
}

/// A supervisor that keeps every intent, and can do something while one is being written.
#[derive(Default)]
pub(crate) struct Recorder {
    intents: Mutex<Vec<(String, Vec<u8>)>>,
    meanwhile: Option<Box<dyn Fn() + Send + Sync>>,
    refuses: bool,
}

impl Recorder {
    pub(crate) fn then(meanwhile: impl Fn() + Send + Sync + 'static) -> Self {
        Self { meanwhile: Some(Box::new(meanwhile)), ..Self::default() }
    }

    pub(crate) fn refusing() -> Self {
        Self { refuses: true, ..Self::default() }
    }

    pub(crate) fn intents(&self) -> Vec<(String, Vec<u8>)> {
        self.intents.lock().unwrap().clone()
    }
}

impl Supervisor for Recorder {
    fn intent<'a>(
        &'a self,
        target: &'a str,
        payload: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>> {
        Box::pin(async move {
            if self.refuses {
                return Err(Failure::new(FailureCode::InternalError, "not written"));
            }
            self.intents.lock().unwrap().push((target.to_owned(), payload.to_owned()));
            if let Some(meanwhile) = &self.meanwhile {
                meanwhile();
            }
            Ok(())
        })
    }

    fn line<'a>(&'a self, _: &'a str, _: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {})
    }
}
