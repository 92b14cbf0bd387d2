//! The door of the supervisor of a check: HTTP on a free port of this machine. It is not the server's
//! own, because it must also break off in the middle and go away.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::findings::Check;
use super::stage::{Answer, Stage};

/// Largest body, as `NEXUS_MAX_BODY_BYTES` has it by default.
const MAX_BODY: usize = 1 << 20;

/// Serves until it is dropped; while the stage is away nothing listens and every connection is cut.
pub async fn serve(
    stage: Arc<Stage>,
    mut listener: TcpListener,
    address: SocketAddr,
) -> io::Result<Infallible> {
    let mut away = stage.away.subscribe();
    loop {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    open.spawn(connection(stage.clone(), stream));
                }
                Some(_) = open.join_next() => {}
                gone = away.wait_for(|away| *away) => {
                    gone.map_err(io::Error::other)?;
                    break;
                }
            }
        }
        drop((open, listener));
        away.wait_for(|away| !*away).await.map_err(io::Error::other)?;
        listener = TcpListener::bind(address).await?;
    }
}

async fn connection(stage: Arc<Stage>, stream: TcpStream) {
    let service = service_fn(|request| answer(&stage, request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // Connections are broken off here on purpose; an agent's own faults are seen in what it says.
    drop(served);
}

/// Answers one request; an error breaks the connection off.
async fn answer(stage: &Stage, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let given = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = given(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    if given("x-api-key").or(bearer) != Some(stage.key.as_str()) {
        let seen = format!("{}: neither X-API-Key nor Bearer has the key", head.uri.path());
        stage.memory().findings.fail(Check::Claim, seen);
        let refused =
            json!({"status": 401, "code": "key_invalid", "detail": "not the agent's key"});
        return response(401, &refused);
    }
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            stage.memory().findings.fail(Check::Size, format!("{}: over 1 MiB", head.uri.path()));
            let refused = json!({"status": 413, "code": "body_too_large", "detail": "over 1 MiB"});
            return response(413, &refused);
        }
        Err(error) => return Err(io::Error::other(error)),
    };
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    let answer = match (&head.method, path.as_slice()) {
        (&Method::POST, ["agent", "tasks", "claim"]) => match stage.read_claim(&body) {
            Ok(wait) => stage.hand_out(wait).await,
            Err(refused) => refused,
        },
        (&Method::POST, ["agent", "tasks", task_id, "heartbeat"]) => stage.beat(task_id, &body),
        (&Method::POST, ["agent", "callback"]) => stage.call_back(&head.headers, &body),
        _ => {
            let detail = "the check knows claim, heartbeat and callback";
            Answer::Json(404, json!({"status": 404, "code": "unknown_path", "detail": detail}))
        }
    };
    match answer {
        Answer::Json(status, json) => response(status, &json),
        Answer::Nothing => Err(io::Error::other("broken off on purpose")),
    }
}

fn response(status: u16, json: &serde_json::Value) -> io::Result<Response<Full<Bytes>>> {
    let kind = if status < 400 { "application/json" } else { "application/problem+json" };
    let mut builder = Response::builder().status(status).header(CONTENT_TYPE, kind);
    if status == 503 {
        builder = builder.header(RETRY_AFTER, "1");
    }
    builder.body(Full::new(Bytes::from(json.to_string()))).map_err(io::Error::other)
}
