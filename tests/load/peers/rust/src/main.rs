// SPDX-License-Identifier: Apache-2.0

//! The race's peer on hyper and tokio: one future per item, joined (see ../README.md).
use futures_util::future::join_all;
use hyper::client::HttpConnector;
use hyper::service::{make_service_fn, service_fn};
use hyper::{body, Body, Client, Method, Request, Response, Server, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

const TIMEOUT_MS: u64 = 30_000;
const CONNECTIONS_MAX: usize = 20_000;

type Http = Client<HttpConnector>;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    url: String,
    timeout_ms: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Reply { status: u16, headers: HashMap<String, String>, body: String },
    Failed { status: u16, error: Fault },
}

#[derive(Serialize)]
struct Fault {
    code: String,
}

#[derive(Serialize)]
struct Summary {
    ok: usize,
}

#[derive(Serialize)]
struct Document {
    responses: Vec<Outcome>,
    summary: Summary,
}

/// Bytes that are not UTF-8 are replaced; the usual case costs no copy.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned())
}

async fn get(client: &Http, url: &str) -> Result<Outcome, String> {
    let uri = url.parse().map_err(|fault: hyper::http::uri::InvalidUri| fault.to_string())?;
    let reply = client.get(uri).await.map_err(|fault| fault.to_string())?;
    let status = reply.status().as_u16();
    let headers = reply
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), text(value.as_bytes().to_vec())))
        .collect();
    let bytes = body::to_bytes(reply.into_body()).await.map_err(|fault| fault.to_string())?;
    Ok(Outcome::Reply { status, headers, body: text(bytes.into()) })
}

async fn fetch(client: &Http, item: &Item) -> Outcome {
    let limit = Duration::from_millis(item.timeout_ms.unwrap_or(TIMEOUT_MS));
    let failed = |code| Outcome::Failed { status: 0, error: Fault { code } };
    match tokio::time::timeout(limit, get(client, &item.url)).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(code)) => failed(code),
        Err(_) => failed("timeout".into()),
    }
}

fn answer(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

async fn batch(client: Http, request: Request<Body>) -> Option<Response<Body>> {
    let bytes = body::to_bytes(request.into_body()).await.ok()?;
    let batch: Batch = serde_json::from_slice(&bytes).ok()?;
    let responses = join_all(batch.requests.iter().map(|item| fetch(&client, item))).await;
    let ok = responses.iter().filter(|one| matches!(one, Outcome::Reply { .. })).count();
    let document = Document { responses, summary: Summary { ok } };
    let mut response = answer(StatusCode::OK, serde_json::to_vec(&document).ok()?.into());
    response.headers_mut().insert("content-type", "application/json".parse().ok()?);
    Some(response)
}

async fn handle(client: Http, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => answer(StatusCode::OK, "ok".into()),
        (&Method::POST, "/v1/batch") => batch(client, request)
            .await
            .unwrap_or_else(|| answer(StatusCode::BAD_REQUEST, Body::empty())),
        _ => answer(StatusCode::NOT_FOUND, Body::empty()),
    })
}

fn number(name: &str) -> usize {
    std::env::var(name).unwrap_or_default().parse().expect(name)
}

fn main() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(number("WORKERS")).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Http =
            Client::builder().pool_max_idle_per_host(CONNECTIONS_MAX).build(connector);
        let service = make_service_fn(move |_| {
            let client = client.clone();
            async move { Ok::<_, Infallible>(service_fn(move |r| handle(client.clone(), r))) }
        });
        let address = ([127, 0, 0, 1], number("PORT") as u16).into();
        Server::bind(&address).tcp_nodelay(true).serve(service).await.unwrap();
    });
}
