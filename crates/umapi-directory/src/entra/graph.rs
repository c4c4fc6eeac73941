//! Microsoft Graph: its requests, its pages, and what its errors mean.

use std::{borrow::Cow, time::SystemTime};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

use crate::cloud::{CloudClient, CloudResponse, Failure, FailureKind, Next, Vendor, Verdict};

/// The number of items that a page may have at most.
const PAGE_SIZE: u32 = 999;

/// What is read of a group.
const GROUP_SELECT: &str = "id,displayName,visibility";

/// The right to read users.
pub(super) const READ_USERS: &str = "User.Read.All";

/// The right to read groups and their members.
pub(super) const READ_GROUPS: &str = "GroupMember.Read.All";

/// The right to read the members of groups that hide them.
pub(super) const READ_HIDDEN: &str = "Member.Read.Hidden";

/// A user, as Microsoft Graph sends it.
pub(super) type User = Map<String, Value>;

/// A group without its members.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Group {
    pub(super) id: String,
    #[serde(rename = "displayName")]
    pub(super) name: Option<String>,
    pub(super) visibility: Option<String>,
}

/// A group in a delta: what changed of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct GroupChange {
    pub(super) id: String,
    /// `None` if it did not change.
    #[serde(rename = "displayName")]
    pub(super) name: Option<String>,
    pub(super) visibility: Option<String>,
    #[serde(rename = "members@delta", default)]
    pub(super) members: Vec<Member>,
    /// Why it was removed.
    #[serde(rename = "@removed")]
    pub(super) removed: Option<Value>,
}

/// A direct member of a group.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Member {
    pub(super) id: String,
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    /// In a delta: it was removed from the group.
    #[serde(rename = "@removed")]
    pub(super) removed: Option<Value>,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberKind {
    User,
    Group,
    /// A device, a contact, another application.
    Other,
    /// Microsoft Graph does not say.
    Unknown,
}

/// A page of a list, or of a delta.
#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta: Option<String>,
}

/// What is peculiar to Microsoft Graph.
pub(super) struct Graph;

impl Member {
    pub(super) fn kind(&self) -> MemberKind {
        match self.kind.as_deref() {
            Some("#microsoft.graph.user") => MemberKind::User,
            Some("#microsoft.graph.group") => MemberKind::Group,
            Some(_) => MemberKind::Other,
            None => MemberKind::Unknown,
        }
    }
}

impl Group {
    /// Whether the members are hidden from everyone without a right of its own. Without it, the list looks empty.
    pub(super) fn is_hidden(&self) -> bool {
        is_hidden(self.visibility.as_deref())
    }
}

pub(super) fn is_hidden(visibility: Option<&str>) -> bool {
    visibility.is_some_and(|visibility| visibility.eq_ignore_ascii_case("HiddenMembership"))
}

impl Graph {
    fn error(response: &CloudResponse) -> (String, String) {
        #[derive(Default, Deserialize)]
        struct Body {
            #[serde(default)]
            error: Error,
        }
        #[derive(Default, Deserialize)]
        struct Error {
            #[serde(default)]
            code: String,
            #[serde(default)]
            message: String,
        }
        let Body { error } = response.json().unwrap_or_default();
        (error.code, error.message)
    }
}

impl Vendor for Graph {
    fn name(&self) -> &'static str {
        "Microsoft Graph"
    }

    fn verdict(&self, response: &CloudResponse, _now: SystemTime) -> Verdict {
        let (code, message) = Self::error(response);
        let is_code = |known: &str| code.eq_ignore_ascii_case(known);
        match Verdict::of_status(&response.head) {
            Verdict::Denied(_) => {
                let path = response.url.path();
                let right = if path.contains("/groups") { READ_GROUPS } else { READ_USERS };
                Verdict::Denied(grant(right))
            }
            Verdict::Rejected(_)
                if is_code("Directory_BadDeltaToken")
                    || is_code("syncStateNotFound")
                    || is_code("Directory_ExpiredDeltaToken") =>
            {
                Verdict::Resync
            }
            Verdict::Rejected(_) if message.contains("Could not find a property named") => {
                Verdict::Rejected(Some("correct the name of this attribute in [people]".to_owned()))
            }
            verdict => verdict,
        }
    }

    fn told(&self, response: &CloudResponse) -> String {
        match Self::error(response) {
            (code, message) if code.is_empty() => message,
            (code, message) => format!("{code}: {message}"),
        }
    }
}

/// What to do about a right that is missing.
pub(super) fn grant(right: &str) -> String {
    format!(
        "grant {right} to the application: in the Entra admin center, API permissions, as an application permission with admin consent"
    )
}

/// What to do about an error of the login.
pub(super) fn login_remedy(status: u16, _code: &str, description: &str) -> Cow<'static, str> {
    let has = |code: &str| description.contains(code);
    Cow::Borrowed(match status {
        _ if has("AADSTS7000215") => {
            "use the value of the client secret, not its id, and check that it belongs to this application"
        }
        _ if has("AADSTS7000222") => "the client secret has expired; add a new one to the application and store it",
        _ if has("AADSTS700016") => {
            "compare `client_id` and `tenant` with the overview of the application in the Entra admin center"
        }
        _ if has("AADSTS90002") || has("AADSTS900023") => "check `tenant`, and `cloud` for a national cloud",
        _ if has("AADSTS700027") => {
            "upload the certificate of this private key to the application in the Entra admin center"
        }
        _ if has("AADSTS500011") => "check `cloud`: this tenant belongs to another cloud",
        429 => "there were too many logins; wait, and log in less often",
        500.. => "the login server has an outage; try again later",
        _ => {
            "compare `tenant`, `client_id` and the secret or certificate with the application in the Entra admin center"
        }
    })
}

/// A text in an address.
fn encoded(text: &str) -> String {
    let form: String = byte_serialize(text.as_bytes()).collect();
    // A blank of a form is a plus sign, which not every server takes for one elsewhere.
    form.replace('+', "%20")
}

/// Requests of a directory.
impl CloudClient {
    /// Reads all users. Returns why these are not all.
    pub(super) async fn graph_users(&self, select: &str, take: &mut (dyn FnMut(User) + Send)) -> Result<(), Failure> {
        let first = self.address(&format!("/v1.0/users?$select={}&$top={PAGE_SIZE}", encoded(select)));
        self.graph_list(&first, take).await
    }

    /// Whether the application may not read a list (`users`, `groups`).
    pub(super) async fn graph_is_denied(&self, list: &str) -> bool {
        let answer = self.graph_item::<Value>(&format!("/v1.0/{list}?$select=id&$top=1")).await;
        answer.is_err_and(|failure| failure.kind == FailureKind::Denied)
    }

    /// Reads one user.
    pub(super) async fn graph_user(&self, id: &str, select: &str) -> Result<User, Failure> {
        self.graph_item(&format!("/v1.0/users/{}?$select={}", encoded(id), encoded(select))).await
    }

    /// Reads one group.
    pub(super) async fn graph_group(&self, id: &str) -> Result<Group, Failure> {
        self.graph_item(&format!("/v1.0/groups/{}?$select={GROUP_SELECT}", encoded(id))).await
    }

    /// Finds the groups of a name.
    pub(super) async fn graph_groups_named(&self, name: &str) -> Result<Vec<Group>, Failure> {
        let filter = encoded(&format!("displayName eq '{}'", name.replace('\'', "''")));
        let first = self.address(&format!("/v1.0/groups?$filter={filter}&$select={GROUP_SELECT}&$top={PAGE_SIZE}"));
        let mut groups = Vec::new();
        self.graph_list(&first, &mut |group| groups.push(group)).await?;
        Ok(groups)
    }

    /// Reads the direct members of a group. A list with a failure is not whole.
    pub(super) async fn graph_members(&self, id: &str) -> (Vec<Member>, Option<Failure>) {
        let first = self.address(&format!("/v1.0/groups/{}/members?$select=id&$top={PAGE_SIZE}", encoded(id)));
        let mut members = Vec::new();
        let end = self.graph_list(&first, &mut |member| members.push(member)).await;
        (members, end.err())
    }

    /// A cursor from which on the changes of a list (`users`, `groups`) are told, without what there is now.
    pub(super) async fn graph_latest(&self, list: &str, select: &str) -> Result<String, Failure> {
        let first = self.address(&format!("/v1.0/{list}/delta?$select={}&$deltatoken=latest", encoded(select)));
        self.graph_delta(&first, &mut |_: Value| {}).await
    }

    /// The address of a delta from its beginning: everything there is, and then a cursor.
    pub(super) fn graph_delta_address(&self, list: &str, select: &str) -> String {
        self.address(&format!("/v1.0/{list}/delta?$select={}", encoded(select)))
    }

    /// Reads a delta to its end. Returns the cursor from which the next one begins.
    pub(super) async fn graph_delta<T: DeserializeOwned + Send>(
        &self,
        first: &str,
        take: &mut (dyn FnMut(T) + Send),
    ) -> Result<String, Failure> {
        let mut cursor = None;
        let mut on_page = |response: CloudResponse| {
            let Page { value, next, delta } = response.json::<Page<T>>()?;
            let next = match (next, delta) {
                (Some(next), None) => Next::Page(next),
                (None, Some(link)) => {
                    cursor = Some(link);
                    Next::End
                }
                // Without this check, a page that was cut would look like the last one.
                _ => return Err(Failure::unreadable("a page of a delta links to nothing, or to two pages")),
            };
            let count = value.len();
            value.into_iter().for_each(&mut *take);
            Ok((count, next))
        };
        self.each_page(first, &mut on_page).await?;
        let cursor = cursor.ok_or_else(|| Failure::unreadable("a delta ends without a cursor"))?;
        self.same_server(&cursor)?;
        Ok(cursor)
    }

    async fn graph_list<T: DeserializeOwned + Send>(
        &self,
        first: &str,
        take: &mut (dyn FnMut(T) + Send),
    ) -> Result<(), Failure> {
        let mut on_page = |response: CloudResponse| {
            let Page { value, next, .. } = response.json::<Page<T>>()?;
            let count = value.len();
            value.into_iter().for_each(&mut *take);
            Ok((count, next.map_or(Next::End, Next::Page)))
        };
        self.each_page(first, &mut on_page).await
    }

    async fn graph_item<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let url = self.same_server(&self.address(path))?;
        self.get(&url).await?.json()
    }
}

/// Whether a failure lasts until somebody changes the settings or the rights of the application.
pub(super) fn is_of_setup(failure: &Failure) -> bool {
    is_of_login(failure) || failure.kind == FailureKind::Rejected
}

/// Whether a failure concerns the login and its rights, and so every request.
pub(super) fn is_of_login(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Login | FailureKind::Denied)
}
