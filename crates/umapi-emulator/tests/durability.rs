//! Durability of acknowledged requests: the emulator is killed at random moments under load. After each restart every
//! acknowledged request is complete, and every other request is complete or has no effect.
//!
//! `DURABILITY_KILLS` sets how often it is killed (default 3).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failed assumption fails the test")]
#![allow(clippy::print_stdout, reason = "a long run prints a summary")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use umapi_time::Clock;

/// Clients that send at the same time.
const CLIENTS: usize = 4;
const GROUPS: [&str; 2] = ["Design", "Sales"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_requests_survive_kills() {
    let kills: u64 = std::env::var("DURABILITY_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("state.db");
    let mut rng = fastrand::Rng::with_seed(42);
    let known = Known::default();
    let mut unanswered = 0;
    for kill in 0..kills {
        let mut emulator = Running::start(&data).await;
        known.check(&emulator.users().await, &emulator.member_counts().await);
        let load: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let sender = Sender {
                    service: emulator.service.clone(),
                    name: format!("k{kill}-c{client}"),
                    known: known.clone(),
                };
                tokio::spawn(sender.run())
            })
            .collect();
        Clock::real().sleep(Duration::from_millis(rng.u64(5..400))).await;
        emulator.kill();
        for client in load {
            client.await.unwrap();
        }
        unanswered += known.unanswered();
    }
    let emulator = Running::start(&data).await;
    known.check(&emulator.users().await, &emulator.member_counts().await);
    drop(emulator);
    let sound: String = rusqlite::Connection::open(&data)
        .and_then(|sql| sql.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(sound, "ok");
    let (acknowledged, done, users) = known.totals();
    assert!(acknowledged >= kills && unanswered >= kills, "the load was too light to prove anything");
    println!(
        "{kills} kills, {acknowledged} requests acknowledged, {unanswered} not ({done} of them done), {users} users"
    );
}

/// One request: the users that it creates and removes.
#[derive(Debug, Clone)]
struct Sent {
    made: Vec<String>,
    removed: Vec<String>,
}

/// The state as far as the responses tell.
#[derive(Debug, Clone, Default)]
struct Known(Arc<Mutex<Facts>>);

#[derive(Debug, Default)]
struct Facts {
    /// Whether a user exists.
    users: BTreeMap<String, bool>,
    /// Requests without a response: each was done completely, or not at all.
    open: BTreeMap<String, Sent>,
    acknowledged: u64,
    /// Requests that were done although they got no response.
    done_unanswered: u64,
}

impl Facts {
    fn apply(&mut self, sent: Sent) {
        self.users.extend(sent.made.into_iter().map(|user| (user, true)));
        self.users.extend(sent.removed.into_iter().map(|user| (user, false)));
    }
}

impl Known {
    fn sending(&self, request: &str, sent: Sent) {
        self.0.lock().unwrap().open.insert(request.to_owned(), sent);
    }

    fn acknowledged(&self, request: &str) {
        let mut facts = self.0.lock().unwrap();
        let sent = facts.open.remove(request).unwrap();
        facts.apply(sent);
        facts.acknowledged += 1;
    }

    fn unanswered(&self) -> u64 {
        self.0.lock().unwrap().open.len() as u64
    }

    fn totals(&self) -> (u64, u64, usize) {
        let facts = self.0.lock().unwrap();
        (facts.acknowledged, facts.done_unanswered, facts.users.values().filter(|there| **there).count())
    }

    /// Compares the lists with the known state, and finds out which requests without a response were done.
    fn check(&self, users: &BTreeMap<String, BTreeSet<String>>, member_counts: &BTreeMap<String, u64>) {
        let mut facts = self.0.lock().unwrap();
        for (request, sent) in std::mem::take(&mut facts.open) {
            let done = sent.made.iter().map(|user| users.contains_key(user));
            let done: BTreeSet<bool> = done.chain(sent.removed.iter().map(|user| !users.contains_key(user))).collect();
            assert_eq!(done.len(), 1, "only a part of {request} was done: {sent:?}");
            if done.contains(&true) {
                facts.done_unanswered += 1;
                facts.apply(sent);
            }
        }
        for (user, there) in &facts.users {
            assert_eq!(users.contains_key(user), *there, "{user}");
        }
        let ours = users.iter().filter(|(user, _)| user.starts_with('k'));
        for (user, groups) in ours {
            assert!(facts.users.contains_key(user), "{user} was never created");
            assert!(
                GROUPS.iter().all(|group| groups.contains(*group)),
                "only a part of a step was done on {user}: {groups:?}"
            );
        }
        let in_design = users.values().filter(|groups| groups.contains("Design")).count() as u64;
        assert_eq!(member_counts["Design"], in_design, "the count differs from the list");
    }
}

/// The addresses and credentials of an emulator.
#[derive(Debug, Clone)]
struct Service {
    http: reqwest::Client,
    url: String,
    org: String,
    key: String,
    token: String,
}

impl Service {
    async fn get(&self, path: &str) -> Value {
        let call = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).header("x-api-key", &self.key);
        call.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }
}

/// The emulator as a separate process, which is killed when the test ends.
struct Running {
    process: Child,
    service: Service,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    async fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_umapi-emulator"))
            .args(["--limits", "off", "--no-https", "--no-management", "--log", "error", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let credentials = &ready["credentials"];
        let http = reqwest::Client::new();
        let login = http
            .post(format!("{}/ims/token/v3", text(&ready["imsUrl"])))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", credentials["clientId"].as_str().unwrap()),
                ("client_secret", credentials["clientSecret"].as_str().unwrap()),
                ("scope", credentials["scopes"].as_str().unwrap()),
            ])
            .send()
            .await
            .unwrap();
        let token = text(&login.json::<Value>().await.unwrap()["access_token"]);
        let (url, org, key) = (text(&ready["umUrl"]), text(&ready["organization"]), text(&credentials["clientId"]));
        Self { process, service: Service { http, url, org, key, token } }
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Returns all users with their groups.
    async fn users(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut users = BTreeMap::new();
        for page in 0.. {
            let body = self.service.get(&format!("/users/{}/{page}", self.service.org)).await;
            for user in body["users"].as_array().unwrap() {
                let groups = user["groups"].as_array().into_iter().flatten();
                let groups = groups.map(|group| group.as_str().unwrap().to_owned()).collect();
                assert!(users.insert(user["email"].as_str().unwrap().to_owned(), groups).is_none(), "listed twice");
            }
            if body["lastPage"] == true {
                break;
            }
        }
        users
    }

    async fn member_counts(&self) -> BTreeMap<String, u64> {
        let body = self.service.get(&format!("/groups/{}/0", self.service.org)).await;
        let groups = body["groups"].as_array().unwrap().iter();
        groups
            .map(|group| (group["groupName"].as_str().unwrap().to_owned(), group["memberCount"].as_u64().unwrap_or(0)))
            .collect()
    }
}

/// A client that creates users, and removes some of them, until the emulator is gone.
struct Sender {
    service: Service,
    name: String,
    known: Known,
}

impl Sender {
    async fn run(self) {
        let mut made: Vec<String> = Vec::new();
        for n in 0.. {
            let request = format!("{}-{n}", self.name);
            let users: Vec<String> = (0..7).map(|i| format!("{request}-{i}@example.com")).collect();
            let removed: Vec<String> = made.drain(..made.len().min(3)).collect();
            let body: Vec<Value> =
                users.iter().map(|user| creation(user)).chain(removed.iter().map(|user| removal(user))).collect();
            self.known.sending(&request, Sent { made: users.clone(), removed });
            let call = self
                .service
                .http
                .post(format!("{}/action/{}", self.service.url, self.service.org))
                .bearer_auth(&self.service.token)
                .header("x-api-key", &self.service.key)
                .json(&body);
            let Ok(answer) = call.send().await else { return };
            let Ok(answer) = answer.json::<Value>().await else { return };
            assert_eq!(answer["notCompleted"], 0, "{answer}");
            self.known.acknowledged(&request);
            made.extend(users);
        }
    }
}

fn creation(user: &str) -> Value {
    json!({"user": user, "do": [
        {"createFederatedID": {"email": user, "firstname": "Kim", "lastname": "Kill", "country": "KR"}},
        {"add": {"group": GROUPS}},
    ]})
}

fn removal(user: &str) -> Value {
    json!({"user": user, "do": [{"removeFromOrg": {"deleteAccount": true}}]})
}
