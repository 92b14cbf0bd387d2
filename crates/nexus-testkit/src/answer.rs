//! What a request is answered.

use serde_json::Value;

/// An answer with the checks that every answer of its kind must pass.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as JSON, or `Null`.
    pub json: Value,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Self { status, headers, json, body }
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Demands a status and returns the JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Value {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        &self.json
    }

    /// Demands 202.
    #[track_caller]
    pub fn accepted(&self) -> &Value {
        self.expect(202)
    }

    /// Demands a refusal: the status, the stable code, and the form that every refusal has.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Value {
        let problem = self.problem(status);
        assert_eq!(problem["code"], code, "{problem}");
        problem
    }

    /// Demands a refusal with this status, whatever its code.
    #[track_caller]
    pub fn problem(&self, status: u16) -> &Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{problem}");
        assert_eq!(problem["status"], status);
        let code = problem["code"].as_str().expect("a problem has a code");
        assert_eq!(problem["type"], format!("https://nexus.dev/problems/{code}"));
        for member in ["title", "detail", "correlation_id"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member} of {problem}");
        }
        assert_eq!(self.header("x-correlation-id"), problem["correlation_id"].as_str());
        problem
    }

    /// The paths of the fields that a refusal names.
    pub fn paths(&self) -> Vec<String> {
        let errors = self.json["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["path"].as_str().unwrap().to_owned()).collect()
    }
}
