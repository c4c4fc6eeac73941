//! The file that `umapi apply` reads: memberships in YAML, JSON or CSV.

use std::{io, path::Path};

use csv::StringRecord;
use serde::Deserialize;

use super::{
    Diagnostic, Diagnostics, SourceLocation, TableArgs,
    columns::{self, ForeignTable, column_name},
    csv::{CsvReader, Row, split_list},
    desired::{Desired, Located},
    document::{Node, Value, read_document},
    source::{read_text, source_name},
    text::{decode, without_bom},
};
use crate::{
    accounts::{UserQuery, parse_kind},
    failure::Result,
    output::escape_line,
};

/// Reads the file: CSV if its name ends with `.csv`, otherwise YAML or JSON. All mistakes are told at once.
pub(crate) fn read_memberships(path: &Path, table: TableArgs) -> Result<Desired> {
    let bytes = read_text(path, table.encoding())?;
    let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    content_of(is_table, &bytes, table.delimiter()).map_err(|mistakes| {
        let mut diagnostics = Diagnostics::of_file(source_name(path));
        mistakes.into_iter().for_each(|mistake| diagnostics.push(mistake));
        let what = match diagnostics.count() {
            1 => "the memberships cannot be read".to_owned(),
            count => format!("the memberships cannot be read: {count} mistakes"),
        };
        diagnostics.into_failure(&what)
    })
}

/// Reads the content of such a file.
///
/// # Errors
///
/// All mistakes in it; one at least.
pub(crate) fn memberships_of(is_table: bool, bytes: &[u8]) -> Result<Desired, Vec<Diagnostic>> {
    content_of(is_table, bytes, None)
}

fn content_of(is_table: bool, bytes: &[u8], delimiter: Option<char>) -> Result<Desired, Vec<Diagnostic>> {
    let (desired, mistakes) = match is_table {
        true => read_table(bytes, delimiter)?,
        false => read_lists(decode(without_bom(bytes), 1).map_err(|mistake| vec![mistake])?)?,
    };
    if mistakes.is_empty() { Ok(desired) } else { Err(mistakes) }
}

const HELP: &str = "umapi help membership-file shows the format";

/// The lists of a document, and its mistakes.
#[derive(Default)]
struct Lists {
    desired: Desired,
    mistakes: Vec<Diagnostic>,
}

fn read_lists(text: &str) -> Result<(Desired, Vec<Diagnostic>), Vec<Diagnostic>> {
    let document = read_document(text).map_err(|mistake| vec![mistake])?;
    let mut lists = Lists::default();
    let Value::Mapping(entries) = document.value else {
        let rule = match document.value {
            Value::Null => "the file is empty".to_owned(),
            _ => format!("`groups` or `users` with their lists were expected, not {}", document.describe()),
        };
        return Err(vec![Diagnostic::new(document.location, rule).remedy(HELP)]);
    };
    let mut seen: Vec<(String, SourceLocation)> = Vec::new();
    for (name, value) in entries {
        let Some(section) = lists.name_of(&name) else { continue };
        if let Some((_, first)) = seen.iter().find(|(earlier, _)| *earlier == section) {
            let rule = format!("`{section}` is there already, on {first}");
            lists.mistakes.push(Diagnostic::new(name.location, rule).remedy("put everything into one"));
            continue;
        }
        match section.as_str() {
            "groups" => lists.read_groups(value),
            "users" => lists.read_users(value),
            _ => {
                let rule = format!("unknown field `{section}`");
                lists
                    .mistakes
                    .push(Diagnostic::new(name.location.clone(), rule).remedy("the fields are `groups`, `users`"));
            }
        }
        seen.push((section, name.location));
    }
    Ok((lists.desired, lists.mistakes))
}

impl Lists {
    fn mistake(&mut self, location: SourceLocation, rule: impl Into<String>, remedy: &str) {
        self.mistakes.push(Diagnostic::new(location, rule).remedy(remedy));
    }

    /// The name of a group, a user or a field. A number is taken as it is written.
    fn name_of(&mut self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) | Value::Scalar(text) => Some(text.clone()),
            Value::Null => {
                self.mistake(node.location.clone(), "a name is empty", "write the name, or delete the entry");
                None
            }
            Value::List(_) | Value::Mapping(_) => {
                self.mistake(node.location.clone(), format!("a name was expected, not {}", node.describe()), HELP);
                None
            }
        }
    }

    fn list_of(&mut self, node: Node) -> Vec<Node> {
        match node.value {
            Value::List(items) => items,
            _ => {
                let rule = format!("a list was expected, not {}", node.describe());
                self.mistake(
                    node.location,
                    rule,
                    "put names into brackets, as in [ann@example.com]; [] is an empty list",
                );
                Vec::new()
            }
        }
    }

    fn mapping_of(&mut self, node: Node) -> Vec<(Node, Node)> {
        match node.value {
            Value::Mapping(entries) => entries,
            _ => {
                let rule = format!("names with their lists were expected, not {}", node.describe());
                self.mistake(node.location, rule, HELP);
                Vec::new()
            }
        }
    }

    fn read_groups(&mut self, node: Node) {
        for (name, members) in self.mapping_of(node) {
            let Some(group) = self.name_of(&name) else { continue };
            let items = self.list_of(members);
            let members: Vec<_> = items.into_iter().filter_map(|item| self.member(item)).collect();
            match self.desired.begin_group(Located::new(group, name.location), false) {
                Ok(list) => self.mistakes.extend(members.into_iter().filter_map(|member| list.push(member).err())),
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
    }

    fn read_users(&mut self, node: Node) {
        if let Value::List(items) = node.value {
            for item in items {
                let Some(fields) = self.user_fields(item, true) else { continue };
                let Some(groups) = fields.groups else {
                    let rule = format!("the list of `{}` is missing", fields.user.name);
                    self.mistake(fields.user.location, rule, "write `groups: []` for a user without groups");
                    continue;
                };
                self.add_user(fields.user, groups);
            }
            return;
        }
        for (name, groups) in self.mapping_of(node) {
            if let Some(user) = self.name_of(&name) {
                self.add_user(Located::new(UserQuery::new(user), name.location), groups);
            }
        }
    }

    fn add_user(&mut self, user: Located<UserQuery>, groups: Node) {
        let items = self.list_of(groups);
        let groups: Vec<_> =
            items.into_iter().filter_map(|item| Some(Located::new(self.name_of(&item)?, item.location))).collect();
        match self.desired.begin_user(user, false) {
            Ok(list) => self.mistakes.extend(groups.into_iter().filter_map(|group| list.push(group).err())),
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    /// A member of a group: a name, or a mapping with what tells the account from others of the same name.
    fn member(&mut self, node: Node) -> Option<Located<UserQuery>> {
        match &node.value {
            Value::Text(name) => Some(Located::new(UserQuery::new(name), node.location)),
            Value::Mapping(_) => self.user_fields(node, false).map(|fields| fields.user),
            Value::Scalar(_) | Value::Null | Value::List(_) => {
                let rule = format!("an email address or a username was expected, not {}", node.describe());
                self.mistake(node.location, rule, "put a name that is a number into quotes");
                None
            }
        }
    }

    /// A user as a mapping. All fields are checked, also behind a wrong one.
    fn user_fields(&mut self, node: Node, with_groups: bool) -> Option<UserFields> {
        let location = node.location.clone();
        let Value::Mapping(entries) = node.value else {
            let rule = format!("a user with a list was expected, not {}", node.describe());
            self.mistake(location, rule, "write {user: ann@example.com, groups: [Design]}");
            return None;
        };
        let known: &[&str] =
            if with_groups { &["user", "type", "domain", "groups"] } else { &["user", "type", "domain"] };
        let mistakes = self.mistakes.len();
        let (mut user, mut kind, mut domain, mut groups) = (None, None, None, None);
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in entries {
            let Some(field) = self.name_of(&name) else { continue };
            if seen.contains(&field) {
                self.mistake(name.location, format!("the field `{field}` is there twice"), "delete one of them");
                continue;
            }
            match field.as_str() {
                "user" => user = self.name_of(&value).map(|name| Located::new(name, value.location)),
                "domain" => domain = self.name_of(&value),
                "type" => match self.name_of(&value).map(|kind| parse_kind(&kind)) {
                    Some(Ok(read)) => kind = Some(read),
                    Some(Err(rule)) => self.mistake(value.location, rule, HELP),
                    None => {}
                },
                "groups" if with_groups => groups = Some(value),
                _ => {
                    let fields: Vec<String> = known.iter().map(|field| format!("`{field}`")).collect();
                    let remedy = format!("the fields are {}", fields.join(", "));
                    self.mistake(name.location, format!("unknown field `{field}`"), &remedy);
                }
            }
            seen.push(field);
        }
        if user.is_none() && !seen.iter().any(|field| field == "user") {
            self.mistake(location, "the field `user` is missing", "name the user");
        }
        let user = user.filter(|_| self.mistakes.len() == mistakes)?;
        let query = UserQuery { name: user.name, kind, domain };
        Some(UserFields { user: Located::new(query, user.location), groups })
    }
}

/// A user as a mapping.
struct UserFields {
    user: Located<UserQuery>,
    groups: Option<Node>,
}

/// Columns of `umapi export` that say nothing about memberships.
const IGNORED: [&str; 5] = ["id", "firstname", "lastname", "country", "status"];

/// The columns of a table.
enum Table {
    Own(Columns),
    Foreign(ForeignTable),
}

/// Columns of our own.
struct Columns {
    /// Whether the lists of groups are complete, since `group` is before `user`; or those of users.
    is_by_group: bool,
    /// Their names as in the file.
    shown: StringRecord,
    names: StringRecord,
}

/// The fields of a row that count. An empty field is `None`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TableRow<'a> {
    group: Option<&'a str>,
    user: Option<&'a str>,
    username: Option<&'a str>,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    domain: Option<&'a str>,
}

fn read_table(bytes: &[u8], delimiter: Option<char>) -> Result<(Desired, Vec<Diagnostic>), Vec<Diagnostic>> {
    let cannot_read = |error: io::Error| vec![Diagnostic::new(SourceLocation::default(), error.to_string())];
    let mut reader = CsvReader::new(bytes).with_delimiter(delimiter);
    let (header, line) = reader.read_header().map_err(cannot_read)?.map_err(|mistake| vec![mistake])?;
    let table = Table::of_header(header.clone(), line).map_err(|mistake| vec![mistake])?;
    if let Table::Foreign(table) = &table
        && table.has_short_rows()
    {
        reader.fill_short_rows();
    }
    let (mut desired, mut mistakes) = (Desired::default(), Vec::new());
    while let Some(row) = reader.next_row().map_err(cannot_read)? {
        let added = match row {
            Ok(row) => match &table {
                Table::Own(columns) => columns.add_row(&row, &mut desired),
                Table::Foreign(table) => add_user(&row, table, &mut desired),
            },
            Err(bad) => Err(bad.diagnostic),
        };
        mistakes.extend(added.err());
    }
    Ok((desired, mistakes))
}

/// Adds a user of another tool's table, with all their groups.
fn add_user(row: &Row, table: &ForeignTable, desired: &mut Desired) -> Result<(), Diagnostic> {
    let location = SourceLocation::line(row.line);
    let user = table.user(row)?;
    let query = UserQuery { name: user.name, kind: user.kind, domain: user.domain };
    let list = desired.begin_user(Located::new(query, location.clone()), true)?;
    user.groups.into_iter().try_for_each(|group| list.push(Located::new(group, location.clone())))
}

impl Table {
    fn of_header(shown: StringRecord, line: u64) -> Result<Self, Diagnostic> {
        if let Some(table) = ForeignTable::recognize(&shown) {
            columns::check_unique(&shown, shown.iter(), line)?;
            return Ok(Self::Foreign(table));
        }
        let mistake = |rule: String| {
            Diagnostic::new(SourceLocation::line(line), rule)
                .remedy("the header is `group,user` or `user,group`; umapi help membership-file says more")
        };
        let (mut names, mut unknown) = (StringRecord::new(), Vec::new());
        for shown in &shown {
            let name = column_name(shown);
            let name = match name.as_str() {
                "group" | "groups" | "group_name" | "groupname" | "user_group" | "user_groups" | "product_profile"
                | "product_profiles" => "group",
                "user" | "users" | "email" | "member" | "members" => "user",
                name if ["type", "domain", "username"].contains(&name) || IGNORED.contains(&name) => name,
                _ => {
                    unknown.push(format!("`{}`", escape_line(shown)));
                    continue;
                }
            };
            names.push_field(name);
        }
        if !unknown.is_empty() {
            let plural = if unknown.len() == 1 { "" } else { "s" };
            return Err(mistake(format!("unknown column{plural} {}", unknown.join(", "))));
        }
        columns::check_unique(&shown, names.iter(), line)?;
        let position = |wanted: &str| names.iter().position(|name| name == wanted);
        match (position("group"), position("user")) {
            (Some(group), Some(user)) => Ok(Self::Own(Columns { is_by_group: group < user, shown, names })),
            (None, _) => Err(mistake("a column `group` is missing".to_owned())),
            (_, None) => Err(mistake("a column `user` is missing".to_owned())),
        }
    }
}

impl Columns {
    /// The name of a column as in the file.
    fn shown<'a>(&'a self, name: &'a str) -> &'a str {
        let position = self.names.iter().position(|own| own == name);
        position.and_then(|position| self.shown.get(position)).unwrap_or(name)
    }

    /// Adds a row to the lists.
    fn add_row(&self, row: &Row, desired: &mut Desired) -> Result<(), Diagnostic> {
        let location = SourceLocation::line(row.line);
        let cells: TableRow<'_> = row
            .fields
            .deserialize(Some(&self.names))
            .map_err(|error| Diagnostic::new(location.clone(), error.to_string()))?;
        let in_column =
            |column: &str, rule: String| Diagnostic::new(SourceLocation::column(row.line, self.shown(column)), rule);
        let kind = cells.kind.map(parse_kind).transpose().map_err(|rule| in_column("type", rule))?;
        let domain = cells.domain.map(str::to_owned);
        let list_of = |column: &str, cell: Option<&str>| {
            split_list(cell.unwrap_or_default()).map_err(|rule| in_column(column, rule).remedy(HELP))
        };
        if self.is_by_group {
            let group = cells.group.unwrap_or_default().to_owned();
            let list = desired.begin_group(Located::new(group, location.clone()), true)?;
            for name in list_of("user", cells.user)? {
                list.push(Located::new(UserQuery { name, kind, domain: domain.clone() }, location.clone()))?;
            }
        } else {
            // The username of a directory whose usernames are not addresses tells its users apart, addresses may not.
            let username = cells.username.filter(|username| !username.contains('@') || cells.user.is_none());
            let name = username.or(cells.user).unwrap_or_default().to_owned();
            let user = UserQuery { name, kind, domain };
            let list = desired.begin_user(Located::new(user, location.clone()), true)?;
            for group in list_of("group", cells.group)? {
                list.push(Located::new(group, location.clone()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use umapi::{model::User, plan::account::FoldedName};

    use super::*;
    use crate::{
        options::Format,
        output::{Listing, UserRecord},
    };

    fn shown(desired: &Desired) -> Vec<String> {
        let groups = desired.groups.values().map(|list| {
            let members: Vec<String> = list.members.values().map(|member| member.name.to_string()).collect();
            format!("group {}: {}", list.group.name, members.join(" "))
        });
        let users = desired.users.values().map(|list| {
            let groups: Vec<&str> = list.groups.values().map(|group| group.name.as_str()).collect();
            format!("user {}: {}", list.user.name, groups.join(" "))
        });
        groups.chain(users).collect()
    }

    fn read(is_table: bool, text: &str) -> Vec<String> {
        shown(&memberships_of(is_table, text.as_bytes()).unwrap())
    }

    fn mistakes(is_table: bool, text: &str) -> Vec<String> {
        memberships_of(is_table, text.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    const EXPECTED: [&str; 3] = [
        "group Design: ann@example.com bob@example.com",
        "group Photoshop: ",
        "user cleo@example.com: Illustrator Sales",
    ];

    #[test]
    fn yaml_and_json_have_the_same_shape() {
        let yaml = "groups:\n  Design: [bob@example.com, ann@example.com]\n  Photoshop: []\nusers:\n  cleo@example.com:\n    - Sales\n    - Illustrator\n";
        let json = "{\n\t\"groups\": {\"Design\": [\"ann@example.com\", \"bob@example.com\"], \"Photoshop\": []},\n\t\"users\": {\"cleo@example.com\": [\"Illustrator\", \"Sales\"]}\n}";
        for text in [yaml, json] {
            assert_eq!(read(false, text), EXPECTED, "{text}");
        }
    }

    #[test]
    fn first_column_of_csv_says_which_lists_are_complete() {
        let groups = "group,user\nDesign,ann@example.com\nPhotoshop,\n\ndesign,bob@example.com;ann@example.com\n";
        assert_eq!(read(true, groups), &EXPECTED[..2]);
        let users = "id;Email;firstname;groups\n1;cleo@example.com;Cleo;\"Illustrator;Sales\"\n";
        assert_eq!(read(true, users), &EXPECTED[2..]);
    }

    #[test]
    fn tables_of_other_tools_are_lists_of_groups() {
        let console = "Identity Type,Username,Domain,Email,First Name,Last Name,Country Code,ID,Product Configurations,\
            Admin Roles,Product Configurations Administered,User Groups,User Groups Administered,Products Administered,\
            Developer Access,Auto Assigned Products\n\
            Federated ID,ann@b.c,b.c,ann@b.c,Ann,Lee,US,1,\"All Apps,Photoshop\",,,Design,,,,All Apps\n";
        assert_eq!(read(true, console), ["user ann@b.c (federatedID): All Apps Design Photoshop"]);
        let user_sync = "firstname,lastname,email,country,groups,type,username,domain\n\
            Ann,Lee,ann@b.c,US,\"A, B\",enterpriseID\nBob,Ray,bob@b.c,US\nLee,Kim,lee@b.c,KR,C,federatedID,lee,d.e\n";
        let expected = ["user ann@b.c (enterpriseID): A B", "user bob@b.c: ", "user lee (federatedID, d.e): C"];
        assert_eq!(read(true, user_sync), expected);
        assert_eq!(read(true, "Group Name\tE-Mail Address\nDesign\tann@b.c\n"), ["group Design: ann@b.c"]);
    }

    #[test]
    fn type_and_domain_tell_accounts_apart() {
        let yaml = "groups:\n  Design:\n  - {user: ann@b.c, type: adobeID}\n  - ann@b.c\nusers:\n- {user: ann@b.c, type: federatedID, groups: [Sales]}\n- {user: lee, domain: d.e, groups: []}\n";
        let expected =
            ["group Design: ann@b.c ann@b.c (adobeID)", "user ann@b.c (federatedID): Sales", "user lee (d.e): "];
        assert_eq!(read(false, yaml), expected);
        let table = "group,user,type\nDesign,ann@b.c,adobeID\nDesign,ann@b.c,\n";
        assert_eq!(read(true, table), &expected[..1]);
        let export = "id,email,username,domain,firstname,lastname,country,status,type,groups\n\
                      1,ann@b.c,ann@b.c,b.c,A,L,US,active,federatedID,Sales\n2,lee@x.y,lee,d.e,L,E,US,active,federatedID,\n";
        assert_eq!(read(true, export), ["user ann@b.c (federatedID, b.c): Sales", "user lee (federatedID, d.e): "]);
    }

    proptest! {
        /// Names with blanks at their ends, separators and escapes survive an export.
        #[test]
        fn exported_names_are_read_back(groups in proptest::collection::btree_set("[aB ;,\\\\\"'é\u{a0}]{1,6}", 0..4)) {
            let groups: Vec<String> = groups.into_iter().filter(|group| !group.trim().is_empty()).collect();
            let user = User::default().with_email("ann@b.c").with_groups(groups.clone());
            let mut out = Vec::new();
            let mut listing = Listing::new(Format::Csv, None, &mut out);
            listing.push(&UserRecord::from(user)).unwrap();
            listing.finish().unwrap();
            let desired = memberships_of(true, &out).unwrap();
            let fold = |names: &[String]| names.iter().map(|name| FoldedName::new(name)).collect::<BTreeSet<_>>();
            let read: Vec<String> =
                desired.users.into_values().flat_map(|list| list.groups.into_values().map(|group| group.name)).collect();
            prop_assert_eq!(fold(&read), fold(&groups));
            prop_assert!(read.iter().all(|name| groups.contains(name)));
        }
    }

    #[test]
    fn mistakes_have_a_place_and_a_rule() {
        for (text, parts) in [
            ("groups:\n  Design: [a@b.c]\n  design: [d@e.f]\n", ["line 3, column 3: ", "line 2"]),
            ("teams: {}\n", ["line 1", "teams"]),
            ("groups:\n  Design: nobody\n", ["line 2, column 11: a list was expected", ""]),
            ("groups:\n  Design: [a@b.c, ' ']\n", ["line 2, column 19: ", "empty"]),
            ("groups:\n  Design: [\"a@b.c\\u200b\"]\n", ["line 2, column 12: ", "`a@b.c<U+200B>` contains"]),
            ("groups:\n  Design: [{user: a@b.c, type: martian}]\n", ["line 2", "unknown user type `martian`"]),
            ("groups:\n  Design: [007]\n", ["line 2", "put a name that is a number into quotes"]),
            ("users:\n- {user: a@b.c}\n", ["line 2, column 10", "the list of `a@b.c` is missing"]),
            (
                "groups:\n  Design: [a@b.c]\n  Design: []\n",
                ["line 3, column 3: `Design` has a list already, on line 2", ""],
            ),
            ("groups: {Design: [\n", ["line", "a bracket is not closed"]),
            ("", ["line 1", "the file is empty"]),
            ("- Design\n", ["line 1, column 1: `groups` or `users`", "not a list"]),
            ("groups:\n  Design:\n", ["line 2, column", "a list was expected, not nothing"]),
        ] {
            let shown = mistakes(false, text).join("\n");
            assert!(parts.iter().all(|part| shown.contains(part)), "{text}: {shown}");
        }
        for (text, part) in [
            ("group\nDesign\n", "line 1: a column `user` is missing"),
            ("group,user,color\n", "line 1: unknown column `color`"),
            ("group,user,email\n", "two columns"),
            ("group,user\n\n,ann@example.com\n", "line 3: a name is empty"),
            ("group,user\nDesign,a\\b\n", "line 2, column `user`: a single `\\`"),
            ("group,user\nDesign,a@b.c,d@e.f\n", "line 2: the row has 3 fields, the header has 2"),
            ("user,group\na@b.c\n", "line 2: the row has 1 field, the header has 2"),
        ] {
            let shown = mistakes(true, text).join("\n");
            assert!(shown.contains(part), "{text}: {shown}");
        }
    }

    #[test]
    fn all_mistakes_of_a_file_are_told_at_once() {
        let table = mistakes(true, "group,user\nDesign\n,ann@b.c\nSales,\"a\nSales,a@b.c\n");
        let lines: Vec<&str> = table.iter().map(|mistake| &mistake[..7]).collect();
        assert_eq!(lines, ["line 2:", "line 3:", "line 4,"], "{table:?}");
        let document = mistakes(false, "groups:\n  A: ['', b@c.d]\n  a: []\n  B: [' ']\n");
        assert_eq!(document.len(), 3, "{document:?}");
        let document = mistakes(
            false,
            "teams: []\ngroups:\n  A: nobody\n  B: [7, {user: a@b.c, type: martian, color: 1}, {}]\nusers:\n- {user: a@b.c}\n\
             - b@c.d\n- {groups: []}\ngroups: {}\n",
        );
        let lines: Vec<&str> = document.iter().map(|mistake| &mistake[..7]).collect();
        let expected = [1, 3, 4, 4, 4, 4, 6, 7, 8, 9].map(|line| format!("line {line},"));
        assert_eq!(lines, expected, "{document:?}");
    }
}
