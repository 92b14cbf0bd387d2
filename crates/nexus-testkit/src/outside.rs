//! An agent outside the server, with nothing but HTTP.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::Client;

/// An agent key and a name.
#[derive(Clone)]
pub struct OutsideAgent {
    /// Its calls.
    pub client: Client,
    /// The key's id.
    pub key_id: String,
    /// The types that its key allows.
    pub types: Vec<String>,
}

/// One claimed attempt.
#[derive(Clone, Debug)]
pub struct Envelope(pub Value);

impl OutsideAgent {
    /// Claims what is due at once; does not wait.
    pub async fn claim(&self) -> Vec<Envelope> {
        let answer = self.claim_waiting(0).await;
        let tasks = answer.expect(200)["tasks"].as_array().unwrap();
        tasks.iter().cloned().map(Envelope).collect()
    }

    /// Claims the one task that must be due.
    pub async fn claim_one(&self) -> Envelope {
        let mut claimed = self.claim().await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    /// Claims by long poll.
    pub async fn claim_waiting(&self, seconds: u32) -> Answer {
        let body = json!({
            "agent": "outsider", "types": self.types, "max": 10, "wait_seconds": seconds,
        });
        self.client.post("/agent/tasks/claim", &body).await
    }

    /// Sends a callback: `more` goes into its body.
    pub async fn call_back(&self, envelope: &Envelope, status: &str, more: Value) -> Answer {
        self.client.post("/agent/callback", &envelope.callback(status, more)).await
    }

    /// Beats the heart of an attempt.
    pub async fn beat(&self, envelope: &Envelope) -> Answer {
        let body = json!({
            "attempt": envelope.0["attempt"], "attempt_token": envelope.0["attempt_token"],
        });
        self.client.post(&format!("/agent/tasks/{}/heartbeat", envelope.task_id()), &body).await
    }
}

impl Envelope {
    /// Which task.
    pub fn task_id(&self) -> &str {
        self.0["task_id"].as_str().unwrap()
    }

    /// The body of a callback about it.
    pub fn callback(&self, status: &str, more: Value) -> Value {
        let mut body = json!({
            "task_id": self.0["task_id"], "attempt": self.0["attempt"],
            "attempt_token": self.0["attempt_token"], "agent": "outsider", "status": status,
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        body
    }
}
