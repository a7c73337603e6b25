//! What only HTTP can show: tokens, repetition, redirects, pages. A scripted server answers in the given order.

mod inventory;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;

use super::config_file::tests::env;
use super::*;
use crate::call::{Read, Write};
use crate::model::{Fact, Observed, Place};
use crate::provider::WriteError;

const MACHINE: &[(&str, &str)] = &[("DATABRICKS_CLIENT_ID", "id"), ("DATABRICKS_CLIENT_SECRET", "s3cr3t")];

/// (method and path with query, headers, body) of one request.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Status, headers, body.
type Answer = (u16, Vec<(&'static str, String)>, String);

#[derive(Clone, Default)]
struct Script {
    /// Answers of everything but the token endpoints. Empty: 200 `[]`.
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    fn then(self, status: u16, headers: &[(&'static str, &str)], body: impl ToString) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.answers.lock().unwrap().push_back((status, headers, body.to_string()));
        self
    }

    fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|seen| seen.line.clone()).collect()
    }

    fn tokens(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.line.ends_with("/v1/token")).cloned().collect()
    }

    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    async fn client(&self, pairs: &[(&str, &str)]) -> DatabricksClient {
        let options = DatabricksOptions {
            endpoint: Some(self.serve().await),
            retry_budget: Duration::from_secs(10),
            env: env(pairs),
            ..DatabricksOptions::new("acct", Partition::Aws)
        };
        DatabricksClient::connect(options).await.unwrap()
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let headers =
        parts.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap_or_default().to_owned())).collect();
    let line = format!("{} {}", parts.method, parts.uri);
    let is_token = line.ends_with("/v1/token") && !body.contains("subject_token=bad");
    let count = {
        let mut seen = script.seen.lock().unwrap();
        seen.push(Seen { line, headers, body });
        seen.len()
    };
    if is_token {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let token = json!({"access_token": format!("bearer-{count}"), "expires_in": 3600});
        return Response::new(Body::from(token.to_string()));
    }
    let next = script.answers.lock().unwrap().pop_front().unwrap_or((200, Vec::new(), "[]".to_owned()));
    let mut response = Response::builder().status(next.0);
    for (name, value) in next.1 {
        response = response.header(name, value);
    }
    response.body(Body::from(next.2)).unwrap()
}

fn account() -> Place {
    Place::Databricks { account: "acct".to_owned() }
}

fn workspace(id: i64) -> Place {
    Place::Workspace { account: "acct".to_owned(), workspace: id, deployment: "dbc-1".to_owned() }
}

fn gap(answer: Observed<Fact>) -> String {
    match answer {
        Observed::Unknown(gap) => gap.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_token_serves_concurrent_reads_and_each_target_has_its_own() {
    let script = Script::default();
    let client = script.client(MACHINE).await;
    let place = account();
    let reads = (0..20).map(|_| client.read(&place, &Read::Workspaces));
    let answers = futures::future::join_all(reads).await;
    assert!(answers.iter().all(|answer| *answer == Observed::Present(Fact::Workspaces(Vec::new()))));
    let conf = Read::WorkspaceConf { key: "k".to_owned() };
    let _ = client.read(&workspace(7), &conf).await;
    let _ = client.read(&workspace(7), &conf).await;
    let _ = client.read(&workspace(8), &conf).await;
    let tokens = script.tokens();
    let lines: Vec<_> = tokens.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(lines, ["POST /oidc/accounts/acct/v1/token", "POST /oidc/v1/token", "POST /oidc/v1/token"]);
    assert_eq!(tokens[0].body, "grant_type=client_credentials&scope=all-apis");
    assert_eq!(tokens[0].headers["authorization"], "Basic aWQ6czNjcjN0");
    assert_eq!(tokens[2].headers["x-databricks-workspace-id"], "8");
    let seen = script.seen.lock().unwrap();
    let last = seen.last().unwrap();
    assert_eq!(last.headers["x-databricks-workspace-id"], "8");
    assert_eq!(last.headers["user-agent"], concat!("auditseal/", env!("CARGO_PKG_VERSION")));
    assert_eq!(last.headers["authorization"], format!("Bearer bearer-{}", seen.len() - 1));
}

#[tokio::test]
async fn federation_exchanges_the_renewed_file_for_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwt");
    std::fs::write(&path, "subject.jwt\n").unwrap();
    let script = Script::default();
    let path = path.to_str().unwrap();
    let client = script.client(&[("DATABRICKS_OIDC_TOKEN_FILEPATH", path), ("DATABRICKS_CLIENT_ID", "sp")]).await;
    assert!(client.read(&account(), &Read::Workspaces).await.present().is_some());
    let token = script.tokens().remove(0);
    let wanted = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=subject.jwt\
                  &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&client_id=sp&scope=all-apis";
    assert_eq!(token.body, wanted);
    assert!(!token.headers.contains_key("authorization"));
}

#[tokio::test]
async fn those_who_waited_for_a_login_share_its_failure() {
    let refused = json!({"error": "invalid_grant", "error_description": "no policy matches"});
    let script = (0..9).fold(Script::default(), |script, _| script.then(400, &[], &refused));
    let client = script.client(&[("DATABRICKS_OIDC_TOKEN", "bad")]).await;
    let place = account();
    let answers = futures::future::join_all((0..9).map(|_| client.read(&place, &Read::Workspaces))).await;
    for answer in answers {
        assert!(gap(answer).contains("invalid_grant: no policy matches"));
    }
    assert_eq!(script.tokens().len(), 1);
    assert!(client.read(&place, &Read::Workspaces).await.is_unknown());
    assert_eq!(script.tokens().len(), 2);
}

#[tokio::test]
async fn github_gives_the_subject_token_for_the_account() {
    let script = Script::default().then(200, &[], json!({"count": 1, "value": "gh.jwt"}));
    let url = format!("{}/idtoken?api=2", script.serve().await);
    let pairs = [("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "gh-request")];
    let client = script.client(&pairs).await;
    assert!(client.read(&account(), &Read::Workspaces).await.present().is_some());
    let seen = script.seen.lock().unwrap().clone();
    assert_eq!(seen[0].line, "GET /idtoken?api=2&audience=acct");
    assert_eq!(seen[0].headers["authorization"], "Bearer gh-request");
    assert!(seen[1].body.contains("subject_token=gh.jwt") && !seen[1].body.contains("client_id"));
}

#[tokio::test]
async fn a_personal_token_never_reaches_the_account_api() {
    let script = Script::default().then(200, &[], json!({"k": "v"}));
    let client = script.client(&[("DATABRICKS_TOKEN", "dapi-1")]).await;
    let message = gap(client.read(&account(), &Read::LogDeliveries).await);
    assert!(message.contains("`DATABRICKS_CLIENT_ID`") && !message.contains("dapi"), "{message}");
    let write = Write::SetLogDeliveryStatus { config_id: "c".to_owned(), status: "ENABLED".to_owned() };
    assert!(matches!(client.write(&account(), &write).await, Err(WriteError::Rejected { .. })));
    assert!(script.lines().is_empty());
    let conf = Read::WorkspaceConf { key: "k".to_owned() };
    assert!(client.read(&workspace(7), &conf).await.present().is_some());
    assert_eq!(script.seen.lock().unwrap()[0].headers["authorization"], "Bearer dapi-1");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let refused = json!({"error_code": 401, "message": "Access token expired."});
    let script =
        Script::default().then(401, &[], &refused).then(200, &[], "").then(401, &[], &refused).then(401, &[], &refused);
    let client = script.client(MACHINE).await;
    let write = Write::SetLogDeliveryStatus { config_id: "c/1".to_owned(), status: "DISABLED".to_owned() };
    assert!(client.write(&account(), &write).await.is_ok());
    let error = client.write(&account(), &write).await.unwrap_err();
    let wanted = "databricks refused the credentials of the environment: UNAUTHENTICATED: Access token expired. (HTTP 401); \
                  check or renew them";
    assert_eq!(error, WriteError::Rejected { message: wanted.to_owned() });
    let sent = script.lines().iter().filter(|line| *line == "PATCH /api/2.0/accounts/acct/log-delivery/c%2F1").count();
    assert_eq!((sent, script.tokens().len()), (4, 3));
}

#[tokio::test]
async fn pages_are_followed_through_empty_ones_and_loops_are_refused() {
    let page = |items: &[&str], next: &str| {
        let items: Vec<_> = items.iter().map(|name| json!({"principal": name, "privileges": ["SELECT"]})).collect();
        json!({"privilege_assignments": items, "next_page_token": next})
    };
    let script = Script::default()
        .then(200, &[], page(&[], "p/2"))
        .then(200, &[], page(&["b"], "3"))
        .then(200, &[], page(&["a"], ""))
        .then(200, &[], page(&[], "same"))
        .then(200, &[], page(&[], "same"));
    let client = script.client(MACHINE).await;
    let read = Read::Privileges { securable: "schema".to_owned(), name: "system.access".to_owned() };
    let found = client.read(&workspace(7), &read).await.present().unwrap();
    let names: Vec<_> = found.privileges().unwrap().iter().map(|one| one.principal.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let path = "GET /api/2.1/unity-catalog/permissions/schema/system.access?max_results=0";
    assert_eq!(script.lines()[1..3], [path.to_owned(), format!("{path}&page_token=p%2F2")]);
    assert!(gap(client.read(&workspace(7), &read).await).contains("names itself"));
}

#[tokio::test]
async fn reads_wait_as_they_are_told_and_writes_are_sent_once() {
    let script = Script::default()
        .then(429, &[("retry-after", "0")], "")
        .then(400, &[], json!({"error_code": "BAD", "message": "Unknown worker environment"}))
        .then(200, &[], "[]")
        .then(429, &[("retry-after", "7")], "")
        .then(503, &[("retry-after", "99")], "");
    let client = script.client(MACHINE).await;
    assert!(client.read(&account(), &Read::Workspaces).await.present().is_some());
    let write = Write::CreateCredential { name: "n".to_owned(), role_arn: "r".to_owned() };
    let error = client.write(&account(), &write).await.unwrap_err();
    assert!(
        matches!(error, WriteError::Transient { retry_after: Some(after), .. } if after.as_secs() == 7),
        "{error:?}"
    );
    // Longer than the budget: given up at once.
    assert!(gap(client.read(&account(), &Read::Workspaces).await).contains("HTTP 503"));
    assert_eq!(script.lines().len(), 6);
}

#[tokio::test]
async fn redirects_are_not_followed_and_web_pages_are_no_answers() {
    let script = Script::default()
        .then(302, &[("location", "/elsewhere")], "")
        .then(200, &[("content-type", "text/html; charset=utf-8")], "<html>login</html>")
        .then(404, &[("content-type", "text/html")], "<html><title>Not Found</title></html>")
        .then(200, &[], "");
    let client = script.client(MACHINE).await;
    let privileges = Read::Privileges { securable: "table".to_owned(), name: "a.b.c".to_owned() };
    assert!(gap(client.read(&account(), &Read::Credentials).await).contains("a redirect to `/elsewhere`"));
    assert!(gap(client.read(&account(), &Read::Credentials).await).contains("answers with a web page"));
    assert!(gap(client.read(&workspace(7), &privileges).await).contains("a web page instead of an API answer"));
    assert!(gap(client.read(&account(), &Read::Credentials).await).contains("it is empty"));
    assert!(!script.lines().iter().any(|line| line.contains("elsewhere")));
}

#[tokio::test]
async fn what_a_client_is_not_for_is_never_sent() {
    let script = Script::default();
    let client = script.client(MACHINE).await;
    let other = Place::Databricks { account: "other".to_owned() };
    let aws = Place::Aws { account: "111122223333".to_owned(), region: "us-east-1".to_owned() };
    assert!(client.read(&other, &Read::Workspaces).await.is_unknown());
    assert!(client.read(&aws, &Read::Workspaces).await.is_unknown());
    assert!(client.read(&account(), &Read::Keys).await.is_unknown());
    assert!(client.read(&workspace(7), &Read::Workspaces).await.is_unknown());
    let token = "(known-after-apply:m/credential[delivery]#credentials-id)".to_owned();
    let write = Write::SetLogDeliveryStatus { config_id: token, status: "ENABLED".to_owned() };
    assert!(matches!(client.write(&account(), &write).await, Err(WriteError::Rejected { .. })));
    assert!(script.lines().is_empty());
}

#[tokio::test]
async fn credentials_of_another_account_or_cloud_are_refused() {
    let connect = async |pairs: &[(&str, &str)]| {
        let options = DatabricksOptions { env: env(pairs), ..DatabricksOptions::new("acct", Partition::Aws) };
        DatabricksClient::connect(options).await.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let with = |extra: (&'static str, &'static str)| [MACHINE[0], MACHINE[1], extra];
    assert_eq!(connect(MACHINE).await, "");
    assert!(connect(&with(("DATABRICKS_ACCOUNT_ID", "else"))).await.contains("account `else`, but `acct`"));
    let gov = connect(&with(("DATABRICKS_HOST", "https://accounts.cloud.databricks.us"))).await;
    assert!(gov.contains("`[aws] partition`"), "{gov}");
    assert!(connect(&[]).await.contains("no Databricks credentials in the environment"));
}
