//! The client for programs without an async runtime.
//!
//! Everything is here under the names that it has in the crate. Where an async program writes `.await`, write `.wait()`; where
//! it takes the items of a list or the outcomes of a stream one by one, write a `for` loop.
//!
//! ```no_run
//! use umapi::{Command, NewUser, blocking::Client};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::from_env()?; // UMAPI_ORG_ID, UMAPI_CLIENT_ID, UMAPI_CLIENT_SECRET, …
//!     for user in client.users().domain("example.com").list() {
//!         println!("{:?}", user?.email);
//!     }
//!     let new = NewUser::federated("jdoe@example.com", "John", "Doe", "US").ignore_if_exists();
//!     let john = Command::create_user(new).add_to(["Photoshop", "Design"]);
//!     let report = client.execute([john]).wait()?;
//!     report.rejected().for_each(|refused| eprintln!("{refused}"));
//!     Ok(())
//! }
//! ```
//!
//! Every group of calls:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let emulator = umapi_emulator::Emulator::start_blocking()?;
//! # let client = emulator.client_builder()?.build_blocking()?;
//! use umapi::model::{ThrottleClass, User};
//!
//! // Users: one, by whatever names them, or a list.
//! let john = client.users().get("jdoe@example.com").wait()?;
//! let lee = client.users().get_by_username("lee", "usernames.example").wait()?;
//! let ann = client.users().get_adobe_id("ann@mail.example").wait()?;
//! let designers = client.users().in_group("Design").direct_only(false).list().dedup();
//! let designers: Vec<User> = designers.collect::<Result<_, _>>()?;
//! assert!(john.is_some() && lee.is_some() && ann.is_some() && !designers.is_empty());
//!
//! // Groups: all of them, to look them up; and memberships, which need their kinds.
//! let groups = client.groups().directory().wait()?;
//! let changes = client.memberships().add("jdoe@example.com", "Sales").with_directory(&groups)?;
//! assert!(changes.plan().wait()?.wait()?.is_success());
//!
//! // Anything else that the service has, and how long the rate limits make it wait.
//! let request = client.request("GET", "/users/{orgId}/0").query("domain", "example.com");
//! assert_eq!(request.send().wait()?.status, 200);
//! println!("{:?}", client.time_for(ThrottleClass::Action, 100)?);
//!
//! // The deprecated endpoints.
//! for group in client.legacy().user_groups().list() {
//!     println!("{}", group?.name);
//! }
//! # Ok(()) }
//! ```
//!
//! It is the same client, with the same rate limits, retries and outcomes, which a background thread drives. The thread belongs to
//! the client and its clones, and ends with the last of them. Any number of threads may share a client, and wait at the same
//! time.
//!
//! * **Async programs**: nothing here may wait inside of an async runtime, because it would stop the tasks of that runtime. It is
//!   an error, and nothing is sent. Use the async client there, or `spawn_blocking` of tokio. A client may be created and
//!   dropped anywhere.
//! * **Forked processes** do not have the thread. A client from before the fork is an error there; create one after it.
//! * **Callbacks** (an [`Observer`](crate::Observer), a [`RetryPolicy`](crate::RetryPolicy)) may run on the thread. They must not wait for calls
//!   of a blocking client.

mod call;
mod groups;
mod legacy;
mod list;
mod run;
mod runtime;
mod users;
mod wrapper;

use std::time::Duration;

pub use self::{
    call::{Call, Request},
    groups::{GroupList, Groups},
    legacy::{Legacy, LegacyConfigurations, LegacyProducts, LegacyUserGroups, LegacyUserList, LegacyUsers},
    list::{List, Pages},
    run::{Execute, MembershipChanges, Outcomes, PlannedMemberships},
    users::{GroupMembers, UserList, Users},
};
use self::{runtime::Runtime, wrapper::wrapper};
use crate::{ClientBuilder, Error, RateLimitScope, Submission, stub::Stub};

wrapper! {
    /// A client for one organization, for programs without an async runtime. Cheap to clone; clones share everything.
    ///
    /// See the [module](self).
    Client;

    /// Reads users.
    fn users(&self) -> Users;
    /// Reads user groups, product profiles and administrative groups.
    fn groups(&self) -> Groups;
    /// Calls the deprecated endpoints, which some older programs still need.
    fn legacy(&self) -> Legacy;
    /// Changes memberships with the fewest requests.
    fn memberships(&self) -> MembershipChanges;
    /// Creates a request of any operation of the service, by method and path.
    fn request(&self, method: impl Into<String>, path: impl Into<String>) -> Request;
}

impl Client {
    /// Creates a builder for an organization, e.g. `12345@AdobeOrg`. Finish it with
    /// [`build_blocking`](ClientBuilder::build_blocking).
    pub fn builder(organization: impl Into<String>) -> ClientBuilder {
        crate::Client::builder(organization)
    }

    /// Creates a client from environment variables; see [`Client::from_env`](crate::Client::from_env).
    ///
    /// # Errors
    ///
    /// If a variable is missing or its value cannot be used. The error names the variable.
    pub fn from_env() -> Result<Self, Error> {
        Self::new(crate::Client::from_env()?)
    }

    /// Creates a client whose answers come from a [stub](crate::stub), for unit tests.
    ///
    /// ```
    /// use umapi::{Error, blocking::Client, model::User, stub::{Stub, UserLookup}};
    ///
    /// struct Everybody;
    ///
    /// impl Stub for Everybody {
    ///     async fn get_user(&self, user: UserLookup) -> Result<Option<User>, Error> {
    ///         Ok(Some(User::default().with_email(user.name())))
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// let client = Client::from_stub(Everybody)?;
    /// assert!(client.users().get("ann@example.com").wait()?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the system starts no thread.
    pub fn from_stub(stub: impl Stub) -> Result<Self, Error> {
        Self::new(crate::Client::from_stub(stub))
    }

    /// Uses an async client. Both share rate limits and tokens.
    ///
    /// # Errors
    ///
    /// If the system starts no thread.
    pub fn new(client: crate::Client) -> Result<Self, Error> {
        Ok(Self { inner: client, runtime: Runtime::start()? })
    }

    /// The async client that this one drives, for code that needs that.
    ///
    /// ```no_run
    /// # fn run(client: umapi::blocking::Client, runtime: &tokio::runtime::Handle) {
    /// use umapi::{Client, Command};
    ///
    /// /// A part of the program that has a runtime.
    /// async fn clean_up(client: Client) -> Result<(), umapi::Error> {
    ///     client.execute([Command::user("jdoe@example.com").remove_from_org()]).await?;
    ///     Ok(())
    /// }
    ///
    /// // Both count their calls together.
    /// runtime.spawn(clean_up(client.as_async().clone()));
    /// # }
    /// ```
    #[must_use]
    pub fn as_async(&self) -> &crate::Client {
        &self.inner
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        self.inner.organization()
    }

    /// Executes commands; see [`Client::execute`](crate::Client::execute).
    ///
    /// ```no_run
    /// # fn run(client: umapi::blocking::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use umapi::Command;
    ///
    /// let report = client.execute([Command::user("jdoe@example.com").remove_from_org()]).wait()?;
    /// println!("{report}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn execute<S: Submission>(&self, commands: impl IntoIterator<Item = S>) -> Execute<S> {
        Execute::new(self.inner.execute(commands), &self.runtime)
    }

    /// Executes the commands of an iterator, however many, and returns an iterator of their outcomes; see
    /// [`Client::execute_stream`](crate::Client::execute_stream).
    ///
    /// ```no_run
    /// # fn run(client: umapi::blocking::Client, rows: impl Iterator<Item = umapi::Command>) -> Result<(), umapi::Error> {
    /// let mut outcomes = client.execute_stream(rows);
    /// for outcome in outcomes.by_ref() {
    ///     println!("{outcome}");
    /// }
    /// println!("{}", outcomes.result()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The iterator of commands runs on the thread that takes the outcomes. While it waits, nothing is sent.
    ///
    /// A journal records what is about to be sent, here by the number of the row:
    ///
    /// ```no_run
    /// use std::{fs::File, io::Write, sync::{Arc, Mutex}};
    ///
    /// use umapi::{Command, Journal, JournalEntry, JournalFuture, blocking::Client};
    ///
    /// struct Rows(Arc<Mutex<File>>);
    ///
    /// impl Journal<u64> for Rows {
    ///     fn begin(&self, commands: &[JournalEntry<'_, u64>]) -> JournalFuture {
    ///         let text: String = commands.iter().map(|command| format!("{}\n", command.key)).collect();
    ///         let written = match self.0.lock() {
    ///             Ok(mut file) => file.write_all(text.as_bytes()).map_err(Into::into),
    ///             Err(error) => Err(error.to_string().into()),
    ///         };
    ///         Box::pin(std::future::ready(written))
    ///     }
    /// }
    ///
    /// fn remove(client: &Client, leavers: Vec<String>, journal: File) -> Result<(), umapi::Error> {
    ///     let rows = (1..).zip(leavers.iter().map(|user| Command::user(user).remove_from_org()));
    ///     let mut outcomes =
    ///         client.execute_stream(rows).with_journal(Rows(Arc::new(Mutex::new(journal))));
    ///     for (row, outcome) in outcomes.by_ref() {
    ///         println!("row {row}: {outcome}");
    ///     }
    ///     outcomes.result().map(drop)
    /// }
    /// ```
    pub fn execute_stream<I: IntoIterator<Item: Submission>>(&self, commands: I) -> Outcomes<I::IntoIter> {
        Outcomes::new(&self.inner, commands.into_iter(), &self.runtime)
    }

    /// Returns how long this many further calls take under the rate limits; see
    /// [`Client::time_for`](crate::Client::time_for).
    ///
    /// # Errors
    ///
    /// If the store of the rate limits fails.
    pub fn time_for(&self, calls_of: impl Into<RateLimitScope>, calls: usize) -> Result<Duration, Error> {
        self.runtime.wait(self.inner.time_for(calls_of, calls))?
    }
}

impl ClientBuilder {
    /// Creates a [blocking client](crate::blocking). Nothing is sent until the first call.
    ///
    /// ```
    /// use umapi::{auth::OAuthServerToServer, blocking::Client};
    ///
    /// # fn main() -> Result<(), umapi::Error> {
    /// let client = Client::builder("12345@AdobeOrg")
    ///     .credentials(OAuthServerToServer::new("client id", "client secret")?)
    ///     .build_blocking()?;
    /// assert_eq!(client.organization(), "12345@AdobeOrg");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), or if the system starts no thread.
    pub fn build_blocking(self) -> Result<Client, Error> {
        Client::new(self.build()?)
    }
}
