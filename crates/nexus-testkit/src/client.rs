//! A client with one key and one tenant.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use nexus_kit::http::principal::SESSION_PREFIX;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::sse::Stream;

/// Where the server is now; it moves when the world restarts.
pub(crate) type Address = Arc<Mutex<SocketAddr>>;

/// Somebody who calls the API.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) address: Address,
    /// The key, or a session's token; none for a stranger.
    pub key: Option<String>,
    /// `org`, `project`; none on routes without a tenant.
    pub tenant: Option<(String, String)>,
}

impl Client {
    /// The same key in another tenant, `{org}:{project}`.
    pub fn of(&self, tenant: &str) -> Self {
        let (org, project) = tenant.split_once(':').expect("org:project");
        Self { tenant: Some((org.to_owned(), project.to_owned())), ..self.clone() }
    }

    /// The same key without a tenant.
    pub fn without_tenant(&self) -> Self {
        Self { tenant: None, ..self.clone() }
    }

    /// Another key in the same tenant.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// Nobody, in the same tenant.
    pub fn stranger(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// Where the server listens now.
    pub fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap()
    }

    /// A request with key and tenant, to be completed by the test.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("http://{}{path}", self.address()));
        if let Some(key) = &self.key {
            request = match key.starts_with(SESSION_PREFIX) {
                true => request.bearer_auth(key),
                false => request.header("x-api-key", key),
            };
        }
        if let Some((org, project)) = &self.tenant {
            request = request.header("x-org-id", org).header("x-project-id", project);
        }
        request
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        let headers = response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let body = response.bytes().await.expect("the answer is whole").to_vec();
        Answer::new(status, headers, body)
    }

    /// Sends a request with a JSON body.
    pub async fn send_json(&self, request: RequestBuilder, body: &Value) -> Answer {
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    /// POST with JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.with_body("POST", path, body.to_string()).await
    }

    /// PUT with JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.with_body("PUT", path, body.to_string()).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    /// A body that says that it is JSON, whatever it is.
    pub async fn with_body(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request(method, path).header("content-type", "application/json");
        self.send(request.body(body.into())).await
    }

    /// Sends a command and returns its task's id.
    pub async fn command(&self, command_type: &str, params: Value) -> String {
        let body = json!({"command_type": command_type, "params": params});
        let answer = self.post("/sidecar/command", &body).await;
        answer.accepted()["task_id"].as_str().unwrap().to_owned()
    }

    /// Decides an ask: `approve` or `deny`.
    pub async fn decide(&self, ask_id: &str, decision: &str) -> Answer {
        let body = json!({"decision": decision});
        self.post(&format!("/approvals/{ask_id}/decide"), &body).await
    }

    /// A task as `GET /tasks/{id}` shows it.
    pub async fn task(&self, task_id: &str) -> Value {
        self.get(&format!("/tasks/{task_id}")).await.expect(200).clone()
    }

    /// An ask as `GET /approvals/{id}` shows it.
    pub async fn ask(&self, ask_id: &str) -> Value {
        self.get(&format!("/approvals/{ask_id}")).await.expect(200).clone()
    }

    /// Opens the stream, after a cursor if one is given.
    pub async fn stream(&self, after: Option<&str>) -> Stream {
        let mut request = self.request("GET", "/agent/reports/stream");
        if let Some(cursor) = after {
            request = request.header("last-event-id", cursor);
        }
        self.open(request).await
    }

    /// Opens a stream by a request of the test's own.
    pub async fn open(&self, request: RequestBuilder) -> Stream {
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status(), 200);
        Stream::new(response)
    }
}
