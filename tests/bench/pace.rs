//! Benchmark of reading a million users from a service that takes seconds for a page: how much longer than the rate limit
//! itself it takes. On a virtual clock, so the figures are the same on every machine.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use umapi::{Client, RateLimits, auth::FixedToken, model::ThrottleClass};
use umapi_time::{Clock, ManualClock};

use crate::{Run, chart::grouped, report::Table};

/// Users on a page, as the service has them today.
const PAGE_SIZE: u32 = 2_000;

/// How long the service takes for a page.
const PAGE_TIME: Duration = Duration::from_secs(4);

/// Long enough for every ready task of one thread to run.
const GRACE: Duration = Duration::from_millis(5);

/// The longest time that is accepted, over the time of the limit, for so many credentials.
const GOALS: [(u32, f64); 2] = [(1, 1.05), (4, 1.1)];

pub(crate) fn measure(run: &Run) -> Result<Table> {
    let pages = if run.quick { 100 } else { 500 };
    let users = pages * PAGE_SIZE;
    let how = format!(
        "{} users in pages of 2,000, on a virtual clock, from a service that takes 4 seconds for a page. The rate limit \
         is 25 pages per minute and credential. \"The limit's own time\" is that of one credential divided by the number of \
         credentials: the last page is sent as soon as the limit allows, and arrives 4 seconds later.",
        grouped(usize::try_from(users)?)
    );
    let columns =
        ["credentials", "client, seconds", "limit's own time, seconds", "client ÷ limit", "one after the other"];
    let mut table = Table::new("Reading all users of a slow service", how, &columns);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (credentials, goal) in GOALS {
        let seconds = runtime.block_on(read(pages, credentials))?;
        let limit = own_time(pages)? / f64::from(credentials);
        let ratio = seconds / limit;
        // A few pages are read within the first minute, where the limit does not matter.
        ensure!(run.quick || ratio <= goal, "{credentials} credentials: {ratio:.3} times the limit, not {goal}");
        table.row([
            credentials.to_string(),
            format!("{seconds:.0}"),
            format!("{limit:.0}"),
            format!("{ratio:.2}"),
            format!("{:.0}", f64::from(pages) * PAGE_TIME.as_secs_f64()),
        ]);
    }
    Ok(table)
}

/// The time that one credential needs for so many pages.
fn own_time(pages: u32) -> Result<f64> {
    let limits = RateLimits::documented();
    let per_minute = limits.per_minute(ThrottleClass::Users).context("the limit of users")?;
    let minutes = pages.div_ceil(per_minute.get()) - 1;
    Ok(f64::from(minutes) * 60.0 + PAGE_TIME.as_secs_f64())
}

/// Reads all pages with so many credentials. Returns the seconds on the clock.
async fn read(pages: u32, credentials: u32) -> Result<f64> {
    let manual = ManualClock::new().auto_advance(GRACE);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = tokio::spawn(serve(listener, manual.clock(), pages));
    let mut builder = Client::builder("1F@AdobeOrg").base_url(url).clock(manual.clock());
    for number in 0..credentials {
        builder = builder.token_source(format!("key-{number}"), FixedToken::new("token"));
    }
    let mut list = builder.build()?.users().list();
    let mut users = 0;
    while let Some(user) = list.try_next().await? {
        ensure!(user.id == Some(users.to_string()), "user {users} comes in its place");
        users += 1;
    }
    service.abort();
    ensure!(users == pages * PAGE_SIZE && !list.changes().any(), "every user is read once: {users}");
    Ok(manual.clock().now().since_origin().as_secs_f64())
}

async fn serve(listener: TcpListener, clock: Clock, pages: u32) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, clock.clone(), pages));
    }
}

/// Serves the requests of a connection, one after the other.
async fn connection(mut stream: TcpStream, clock: Clock, pages: u32) -> std::io::Result<()> {
    let mut received = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        received.extend_from_slice(&chunk[..count]);
        if !received.ends_with(b"\r\n\r\n") {
            continue;
        }
        let head = String::from_utf8_lossy(&received).into_owned();
        received.clear();
        // GET /users/1F@AdobeOrg/{page} HTTP/1.1
        let index = head.split(['/', ' ']).nth(4).and_then(|part| part.parse().ok()).unwrap_or_default();
        clock.sleep(PAGE_TIME).await;
        // The clock stands still until the whole page is sent.
        let guard = clock.advance_guard();
        stream.write_all(&page(index, pages)).await?;
        drop(guard);
    }
}

fn page(index: u32, pages: u32) -> Vec<u8> {
    let user = |number: u32| {
        format!(
            r#"{{"id":"{number}","email":"user{number}@example.com","username":"user{number}@example.com","domain":"example.com","firstname":"First","lastname":"Last","country":"US","status":"active","type":"federatedID","groups":["Everyone","Design"]}}"#
        )
    };
    let users: Vec<String> = (index * PAGE_SIZE..(index + 1) * PAGE_SIZE).map(user).collect();
    let is_last = index + 1 >= pages;
    let body = format!(r#"{{"lastPage":{is_last},"result":"success","users":[{}]}}"#, users.join(","));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nx-total-count: {}\r\nx-page-count: {pages}\r\n\
         x-page-size: {PAGE_SIZE}\r\nx-current-page: {index}\r\n\r\n",
        body.len(),
        pages * PAGE_SIZE,
    );
    [head.into_bytes(), body.into_bytes()].concat()
}
