//! An agent in the server's process that does what a test tells it to.
//!
//! | type | level | params |
//! |---|---|---|
//! | `test.echo` | GREEN | any object; the result is the params; `lines` (a list) goes to the worklog |
//! | `test.yellow` | YELLOW | as `test.echo` |
//! | `test.fail` | GREEN | `code`, `message`, `times` (attempts that fail; all without it), `retryable`, `panic` |
//! | `test.slow` | GREEN | `name`; runs until [`Hands::release`] |
//! | `test.outside` | RED | `target`, `payload`, `then`: `ok`, `nothing`, `sent`, `unknown`, `panic`, `hang` |

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus_core::failure::FailureCode;
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_work::agent::{
    Agent, Bound, Failure, Job, Left, ParamError, Performing, Supervisor, TypeSpec,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::world::PATIENCE;

/// What a test holds to steer and see the [`TestAgent`].
#[derive(Default)]
pub struct Hands {
    started: watch::Sender<Vec<String>>,
    released: watch::Sender<HashSet<String>>,
    sent: Mutex<Vec<(String, Value)>>,
}

impl Hands {
    /// Waits until `test.slow` of that name, or `test.outside` to that target, has begun.
    pub async fn started(&self, name: &str) {
        let mut started = self.started.subscribe();
        let waited = started.wait_for(|started| started.iter().any(|other| other == name));
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        waited.unwrap_or_else(|_| panic!("{name} did not start")).unwrap();
    }

    /// The names of everything that has begun, in order.
    pub fn order(&self) -> Vec<String> {
        self.started.borrow().clone()
    }

    /// Lets what has that name end.
    pub fn release(&self, name: &str) {
        self.released.send_modify(|released| {
            released.insert(name.to_owned());
        });
    }

    /// What `test.outside` has sent: target and payload.
    pub fn sent(&self) -> Vec<(String, Value)> {
        self.sent.lock().unwrap().clone()
    }

    fn start(&self, name: &str) {
        self.started.send_modify(|started| started.push(name.to_owned()));
    }

    async fn wait(&self, name: &str) {
        let mut released = self.released.subscribe();
        let all = |released: &HashSet<String>| released.contains(name) || released.contains("*");
        drop(released.wait_for(all).await);
    }
}

/// The agent.
pub struct TestAgent(pub Arc<Hands>);

impl TestAgent {
    async fn run(&self, job: &Job, supervisor: &dyn Supervisor) -> Result<Value, Failure> {
        let text = |name: &str| job.params[name].as_str().unwrap_or_default().to_owned();
        match job.command_type.as_str() {
            "test.fail" => {
                assert!(job.params["panic"] != true, "the test agent panics on purpose");
                let times = job.params["times"].as_u64().unwrap_or(u64::MAX);
                if u64::from(job.attempt) > times {
                    return Ok(json!({"attempt": job.attempt}));
                }
                let code = FailureCode::parse(&text("code")).unwrap_or(FailureCode::AgentError);
                let message = job.params["message"].as_str().unwrap_or("failed on purpose");
                let mut failure = Failure::new(code, message);
                failure.retryable = job.params["retryable"].as_bool();
                Err(failure)
            }
            "test.slow" => {
                self.0.start(&text("name"));
                self.0.wait(&text("name")).await;
                Ok(json!({"name": text("name")}))
            }
            "test.outside" => self.outside(job, supervisor, &text("target"), &text("then")).await,
            _ => {
                for line in job.params["lines"].as_array().into_iter().flatten() {
                    supervisor.line("info", line.as_str().unwrap_or_default()).await;
                }
                Ok(job.params.clone())
            }
        }
    }

    async fn outside(
        &self,
        job: &Job,
        supervisor: &dyn Supervisor,
        target: &str,
        then: &str,
    ) -> Result<Value, Failure> {
        let failed = |left| Err(Failure::new(FailureCode::DeliveryFailed, "on purpose").left(left));
        if then == "nothing" {
            return failed(Left::Nothing);
        }
        let payload = job.params["payload"].clone();
        supervisor.intent(target, payload.to_string().as_bytes()).await?;
        self.0.sent.lock().unwrap().push((target.to_owned(), payload));
        self.0.start(target);
        match then {
            "sent" => failed(Left::Sent),
            "unknown" => failed(Left::Unknown),
            "panic" => panic!("the test agent panics on purpose"),
            "hang" => {
                self.0.wait(target).await;
                Ok(json!({"sent": true}))
            }
            _ => Ok(json!({"sent": true})),
        }
    }
}

impl Agent for TestAgent {
    fn name(&self) -> &'static str {
        "tester"
    }

    fn types(&self) -> Vec<TypeSpec> {
        let spec = |name, risk, schema: Value, target| TypeSpec {
            name,
            risk,
            floor: false,
            title_en: "A test",
            title_ko: "시험",
            params_schema: schema,
            target,
            timeout: Duration::from_secs(3_600),
        };
        let any = json!({"type": "object", "properties": {"count": {"type": "integer"}}});
        let outside = json!({
            "type": "object",
            "properties": {"target": {"type": "string"}, "payload": {}, "then": {"type": "string"}},
            "required": ["target"],
            "additionalProperties": false,
        });
        vec![
            spec("test.echo", Risk::Green, any.clone(), None),
            spec("test.yellow", Risk::Yellow, any.clone(), None),
            spec("test.fail", Risk::Green, any.clone(), None),
            spec("test.slow", Risk::Green, any, None),
            spec("test.outside", Risk::Red, outside, Some("/target")),
        ]
    }

    fn check(&self, _: &Tenant, _: &str, _: &Value) -> Result<(), Vec<ParamError>> {
        Ok(())
    }

    fn bind(&self, _: &Tenant, _: &str, _: &Value) -> Result<Vec<Bound>, Vec<ParamError>> {
        Ok(Vec::new())
    }

    fn perform<'a>(&'a self, job: &'a Job, supervisor: &'a dyn Supervisor) -> Performing<'a> {
        Box::pin(self.run(job, supervisor))
    }
}
