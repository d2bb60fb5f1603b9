//! The program is killed between the commit of a refresh and its response.

use std::{path::Path, time::Duration};

use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::sleep;

use crate::harness::{DatabaseKind, Program, Proxy, ProxyMode, ServerProcess, TestDatabase, folder};

/// A refresh, as a document.
fn refresh(token: &str) -> String {
    format!("mutation {{ refreshSession(refreshToken: {token:?}) {{ token refreshToken }} }}")
}

fn serve(folder: &Path, database: &TestDatabase) -> ServerProcess {
    let program =
        |arguments: &[&str]| Program::new(folder, arguments).set("DATABASE_URL", database.url.expose_secret());
    if database.kind != DatabaseKind::Sqlite {
        assert_eq!(program(&["migrate"]).run().code, Some(0));
    }
    let server = program(&["serve"]).set("EMULATOR", "true");
    server.set("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").serve()
}

/// Sends a refresh whose response is withheld, kills the server, and returns the refresh token that no client received.
async fn refresh_and_kill(mut server: ServerProcess, token: &str) -> String {
    let proxy = Proxy::to(server.api.trim_start_matches("http://").parse().unwrap()).await;
    proxy.set(ProxyMode::Withhold);
    server.api = format!("http://{}", proxy.address);
    let document = serde_json::json!({ "query": refresh(token) });
    let response = async { server.post("/graphql", &document).await.ok() };
    let withheld = async {
        loop {
            // the complete response ends with the brackets of `refreshSession`, `data` and the whole
            if let Some(answer) = response_in(&proxy.withheld()) {
                break answer;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let answer = tokio::select! {
        answer = withheld => answer,
        response = response => panic!("the client received {response:?}"),
    };
    // SIGKILL
    drop(server);
    answer["data"]["refreshSession"]["refreshToken"].as_str().unwrap().to_owned()
}

/// The body of an HTTP/1.1 response, once it is complete.
fn response_in(text: &str) -> Option<Value> {
    serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
}

on_each_empty_database! {
    async fn client_of_a_killed_server_gets_the_same_successor(database: Arc<TestDatabase>) {
        let folder = folder();
        let server = serve(folder.path(), &database);
        let login = "mutation { login(code: \"emulator:alice\") { refreshToken } }";
        let login = server.graphql(None, login).await;
        let first = login["data"]["login"]["refreshToken"].as_str().unwrap();
        let lost = refresh_and_kill(server, first).await;

        let server = serve(folder.path(), &database);
        for _ in 0..2 {
            let again = server.graphql(None, &refresh(first)).await;
            let again = &again["data"]["refreshSession"];
            assert_eq!(again["refreshToken"], lost.as_str());
            let me = server.graphql(again["token"].as_str(), "{ me { id } }").await;
            assert!(me["data"]["me"]["id"].is_string(), "{me}");
        }
        let next = server.graphql(None, &refresh(&lost)).await;
        assert!(next["data"]["refreshSession"]["refreshToken"].is_string(), "{next}");
        // the successor was used: from now on the first token is a copy
        let copy = server.graphql(None, &refresh(first)).await;
        assert_eq!(copy.pointer("/errors/0/extensions/reason").unwrap(), "REUSED");
    }
}
