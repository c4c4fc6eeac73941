//! Files with commands for `umapi run`, in any format.

use std::{
    io::{self, BufRead},
    path::Path,
};

use clap::ValueEnum;
use umapi::{AccountKind, Command};

use super::{
    BadEntry,
    csv_commands::CsvCommandReader,
    json_commands::{ArrayReader, NdjsonReader},
};
use crate::failure::{Failure, Result};

/// The format of a file with commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// One command of the API per line.
    Ndjson,
    /// An array of commands of the API.
    Json,
    /// One command per row, in columns.
    Csv,
}

impl InputFormat {
    /// The format that the extension of a file name stands for.
    pub(crate) fn of_file_name(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::usage(format!("the format of {} is not known", path.display()))
                .why("its name does not end with .csv, .ndjson, .jsonl or .json")
                .remedy("add --input-format csv, ndjson or json; umapi help command-files describes them")),
        }
    }

    /// The extension of files in this format.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// A command, and the line of the file on which it begins, counted from 1.
#[derive(Debug)]
pub(crate) struct NumberedCommand {
    pub(crate) line: u64,
    pub(crate) command: Command,
}

/// How to read a file with commands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadOptions {
    /// The delimiter of CSV, if it is not to be recognized in the header.
    pub(crate) delimiter: Option<char>,
    /// The type of users that are created, where a table of another tool does not say it.
    pub(crate) default_kind: Option<AccountKind>,
}

impl ReadOptions {
    /// What tells the commands of one content apart. Empty for the defaults.
    pub(crate) fn fingerprint(self) -> String {
        let delimiter = self.delimiter.map(|delimiter| format!(" delimiter {delimiter:?}"));
        let kind = self.default_kind.map(|kind| format!(" type {}", kind.as_str()));
        [delimiter, kind].into_iter().flatten().collect()
    }
}

/// Reads commands one by one, whatever the format of the file. Only one of them is in memory.
pub(crate) struct CommandReader<R> {
    format: Format<R>,
    is_over: bool,
}

enum Format<R> {
    Ndjson(NdjsonReader<R>),
    Array(ArrayReader<R>),
    Csv(Box<CsvCommandReader<R>>),
}

impl<R: BufRead> CommandReader<R> {
    pub(crate) fn new(format: InputFormat, options: ReadOptions, input: R) -> Self {
        let format = match format {
            InputFormat::Ndjson => Format::Ndjson(NdjsonReader::new(input)),
            InputFormat::Json => Format::Array(ArrayReader::new(input)),
            InputFormat::Csv => Format::Csv(Box::new(CsvCommandReader::new(options, input))),
        };
        Self { format, is_over: false }
    }

    /// The header of CSV, once something was read: what a file with some of its rows begins with.
    pub(crate) fn header(&self) -> Option<&str> {
        match &self.format {
            Format::Csv(reader) => Some(reader.header_text()),
            _ => None,
        }
    }
}

impl<R: BufRead> Iterator for CommandReader<R> {
    type Item = io::Result<Result<NumberedCommand, BadEntry>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = match &mut self.format {
            Format::Ndjson(reader) => reader.next(),
            Format::Array(reader) => reader.next(),
            Format::Csv(reader) => reader.next(),
        };
        self.is_over = match &next {
            Ok(Some(Err(bad))) => bad.ends_file,
            Ok(Some(Ok(_))) => false,
            Ok(None) | Err(_) => true,
        };
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The valid commands as JSON with their lines, and the diagnostics of the others.
    fn read(format: InputFormat, text: &[u8]) -> (Vec<(u64, String)>, Vec<String>) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for next in CommandReader::new(format, ReadOptions::default(), text) {
            match next.unwrap() {
                Ok(NumberedCommand { line, command }) => good.push((line, serde_json::to_string(&command).unwrap())),
                Err(wrong) => bad.push(wrong.diagnostic.to_string()),
            }
        }
        (good, bad)
    }

    const ADD: &str = r#"{"user":"ann@example.com","do":[{"add":{"group":["Design"]}}]}"#;
    const CREATE: &str = r#"{"usergroup":"Design","do":[{"createUserGroup":{}}]}"#;

    #[test]
    fn ndjson_and_json_hold_the_same_commands() {
        let lines = format!("\u{feff}{ADD}\r\n\n  {CREATE}\n");
        let (good, bad) = read(InputFormat::Ndjson, lines.as_bytes());
        assert_eq!((good, bad), (vec![(1, ADD.to_owned()), (3, CREATE.to_owned())], vec![]));
        let array = format!("\u{feff}[\n{ADD} ,\n\n {CREATE}\n]\n");
        let (good, bad) = read(InputFormat::Json, array.as_bytes());
        assert_eq!((good, bad), (vec![(2, ADD.to_owned()), (4, CREATE.to_owned())], vec![]));
        assert_eq!(read(InputFormat::Json, b"[ ]"), (vec![], vec![]));
        assert_eq!(read(InputFormat::Ndjson, b""), (vec![], vec![]));
    }

    #[test]
    fn mistakes_in_json_have_line_column_and_rule() {
        for (line, place, part) in [
            (r#"{"user":"ann@example.com","do":[{"levitate":{}}]}"#, "column 43", "levitate"),
            (r#"{"user":"ann@example.com","do":[],"color":1}"#, "column 41", "color"),
            (r#"{"do":[]}"#, "column 1", "must have"),
            ("[]", "column 1", "a command is an object"),
            ("null", "column 1", "a command is an object"),
            (
                r#"{"user":"a@b.c","do":[{"add":{"group":["x"]},"remove":"all"}]}"#,
                "column 44",
                "two steps as two objects",
            ),
            (r#"{"user":"a@b.c","do":{}}"#, "column 21", "a list was expected, not an object"),
            (r#"{"user":"a@b.c","usergroup":"x","do":[]}"#, "column 1", "not both"),
            (
                r#"{"user":"ann@example.com","do":[{"createFederatedID":{"email":"ann@example.com","firstname":"A","lastname":"B","country":"usa"}}]}"#,
                "column 122",
                "two upper-case letters",
            ),
            (r#"{"user":"ann@example.com","#, "column 26", "cut off"),
        ] {
            let (good, bad) = read(InputFormat::Ndjson, format!("{ADD}\n{line}\n{ADD}\n").as_bytes());
            assert_eq!(good.len(), 2);
            assert!(bad[0].starts_with(&format!("line 2, {place}:")) && bad[0].contains(part), "{line}: {bad:?}");
            if !part.contains("cut off") {
                let (good, bad) = read(InputFormat::Json, format!("[{ADD},\n{line},\n{ADD}]").as_bytes());
                assert_eq!(good.len(), 2);
                assert!(bad[0].starts_with(&format!("line 2, {place}:")) && bad[0].contains(part), "{line}: {bad:?}");
            }
        }
        let (_, bad) = read(InputFormat::Ndjson, b"{\"user\":\"Gr\xc3\xb6\xff\"}");
        assert!(bad[0].starts_with("line 1, column 13: this is not UTF-8"), "{bad:?}");
    }

    #[test]
    fn broken_array_ends_the_file_with_its_place() {
        for (text, expected) in [
            ("", "line 1, column 1: the file is empty"),
            ("{}", "line 1, column 1: a command must have"),
            ("7", "line 1, column 1: an array"),
            ("{\"a\":1", "line 1, column 7: the command is cut off"),
            ("{}\n{}", "line 2, column 1: the file goes on after the command"),
            ("[\n", "line 2, column 1: the array has no end"),
            ("[{\"a\":1}x]", "line 1, column 9: this is not valid JSON: there is text behind its end"),
            ("[{},]", "line 1, column 5: a command was expected"),
            ("[]\n x", "line 2, column 2: the file goes on"),
            ("[{\"a\": \"b", "line 1, column 10: the array has no end"),
        ] {
            let (_, bad) = read(InputFormat::Json, text.as_bytes());
            assert!(bad.last().unwrap().starts_with(expected), "{text}: {bad:?}");
        }
    }

    fn csv(text: &str) -> (Vec<(u64, String)>, Vec<String>) {
        read(InputFormat::Csv, text.as_bytes())
    }

    fn one(header: &str, line: &str) -> String {
        let (good, bad) = csv(&format!("{header}\n{line}\n"));
        assert_eq!(bad, Vec::<String>::new(), "{line}");
        good.into_iter().next().unwrap().1
    }

    #[test]
    fn row_of_csv_is_a_command() {
        let users = "user,domain,create,email,firstname,lastname,country,username,if_exists,add,remove,remove_from_org,request_id";
        for (line, json) in [
            (
                "ann@b.c,,federated,,Ann,Lee,US,,ignore,Design;Photo\\;shop,,,7",
                r#"{"user":"ann@b.c","requestID":"7","do":[{"createFederatedID":{"email":"ann@b.c","firstname":"Ann","lastname":"Lee","country":"US","option":"ignoreIfAlreadyExists"}},{"add":{"group":["Design","Photo;shop"]}}]}"#,
            ),
            (
                "ann,b.c,enterprise,ann@b.c,Ann,\"Lee, Jr.\",,,,,,,",
                r#"{"user":"ann","domain":"b.c","do":[{"createEnterpriseID":{"email":"ann@b.c","firstname":"Ann","lastname":"Lee, Jr."}}]}"#,
            ),
            ("ann@b.c,,,,,Kim,,,,,,,", r#"{"user":"ann@b.c","do":[{"update":{"lastname":"Kim"}}]}"#),
            ("ann@b.c,,,,,,,,,New,*,,", r#"{"user":"ann@b.c","do":[{"remove":"all"},{"add":{"group":["New"]}}]}"#),
            ("ann@b.c,,,,,,,,,,,yes,", r#"{"user":"ann@b.c","do":[{"removeFromOrg":{}}]}"#),
            ("ann@b.c,,,,,,,,,,,delete,", r#"{"user":"ann@b.c","do":[{"removeFromOrg":{"deleteAccount":true}}]}"#),
        ] {
            assert_eq!(one(users, line), json, "{line}");
        }
        let groups = "UserGroup,create,name,description,if_exists,add,remove,add_profiles,remove_profiles,delete";
        for (line, json) in [
            (
                "Design,yes,,All of them,update,ann@b.c;bob@b.c,,Photoshop,,",
                r#"{"usergroup":"Design","do":[{"createUserGroup":{"description":"All of them","option":"updateIfAlreadyExists"}},{"add":{"user":["ann@b.c","bob@b.c"],"productConfiguration":["Photoshop"]}}]}"#,
            ),
            ("Design,,Draw,,,,,,,", r#"{"usergroup":"Design","do":[{"updateUserGroup":{"name":"Draw"}}]}"#),
            ("Design,,,,,,*,,,", r#"{"usergroup":"Design","do":[{"remove":"all"}]}"#),
            (
                "Design,,,,,,,,P,yes",
                r#"{"usergroup":"Design","do":[{"remove":{"productConfiguration":["P"]}},{"deleteUserGroup":{}}]}"#,
            ),
        ] {
            assert_eq!(one(groups, line), json, "{line}");
        }
    }

    #[test]
    fn mistakes_in_csv_have_line_column_and_rule() {
        let header = "user,usergroup,create,firstname,lastname,country,add,name,if_exists";
        for (line, expected) in [
            ("ann@b.c,,martian,,,,,,", "line 2, column `create`: unknown user type `martian`; write adobe"),
            ("ann@b.c,,federated,A,B,usa,,,", "line 2, column `country`: "),
            ("ann@b.c,,,,,US,,,", "line 2, column `country`: the country of a user cannot be changed"),
            ("ann@b.c,,,,,,,Draw,", "line 2, column `name`: the column is for user groups"),
            (",Design,,Ann,,,,,", "line 2, column `firstname`: the column is for users"),
            ("ann@b.c,Design,,,,,x,,", "line 2, column `usergroup`: a row is about"),
            (",,,,,,x,,", "line 2, column `user`: the field is empty"),
            ("ann@b.c,,,,,,,,", "line 2: the row says nothing to do"),
            ("ann@b.c,,,,,,a\\b,,", "line 2, column `add`: a single `\\` has no meaning"),
            ("ann@b.c,,,,,,,,ignore", "line 2, column `if_exists`"),
            ("ann@b.c,,,,,,,,,x", "line 2: the row has 10 fields, the header has 9"),
            ("nobody,,,,,,x,,", "line 2, column `user`: `domain`: "),
        ] {
            let (good, bad) = csv(&format!("{header}\n{line}\nann@b.c,,,,,,x,,\n"));
            assert_eq!(good.len(), 1, "{line}: {bad:?}");
            assert!(bad[0].starts_with(expected), "{line}: {bad:?}");
        }
        for (text, expected) in [
            ("", "line 1: the file is empty"),
            ("user,color\n", "line 1: unknown column `color`"),
            ("user,user\n", "line 1, column `user`: there are two columns `user`"),
            ("add\n", "line 1: neither"),
        ] {
            let (_, bad) = csv(text);
            assert!(bad[0].starts_with(expected), "{text}: {bad:?}");
        }
    }

    #[test]
    fn german_table_is_read() {
        let header = "Vorname;Nachname;E-Mail;Land;create";
        let expected = r#"{"user":"joerg@b.c","do":[{"createFederatedID":{"email":"joerg@b.c","firstname":"Jörg","lastname":"Müller","country":"DE"}}]}"#;
        assert_eq!(one(header, "Jörg;Müller;joerg@b.c;de;Federated ID"), expected);
        let (_, bad) = csv(&format!("{header}\nJörg;Müller;joerg@b.c;Deutschland;federated\n"));
        assert!(bad[0].starts_with("line 2, column `Land`: ") && bad[0].contains("\"Deutschland\""), "{bad:?}");
        let (_, bad) = csv("Vorname;Nachname;E-Mail;Land\nJörg;Müller;joerg@b.c;DE\n");
        assert!(bad[0].contains("for a new user, write adobe, enterprise or federated"), "{bad:?}");
    }

    #[test]
    fn columns_are_found_by_any_of_their_names() {
        let header = "E-Mail Address;First Name;Surname;Country Code;Create;If Exists;Add";
        let row = "ann@b.c;Ann;Lee;de;Federated;Ignore;\"Design;Sales\"";
        let expected = r#"{"user":"ann@b.c","do":[{"createFederatedID":{"email":"ann@b.c","firstname":"Ann","lastname":"Lee","country":"DE","option":"ignoreIfAlreadyExists"}},{"add":{"group":["Design","Sales"]}}]}"#;
        assert_eq!(one(header, row), expected);
        let (_, bad) = csv("E-Mail,First Name,Color,Size\na@b.c,Ann,x,y\n");
        assert!(bad[0].starts_with("line 1: unknown columns `Color`, `Size`; the columns are "), "{bad:?}");
        let (_, bad) = csv("User,Country Code\na@b.c,US\n");
        assert!(bad[0].starts_with("line 2, column `Country Code`: "), "{bad:?}");
        let (_, bad) = csv("E-Mail,Email Address\na@b.c,US\n");
        assert!(bad[0].starts_with("line 1, column `Email Address`: there are two columns"), "{bad:?}");
    }

    #[test]
    fn tables_of_other_tools_create_users() {
        let console =
            "Identity Type,Username,Domain,Email,First Name,Last Name,Country Code,Product Configurations,User Groups";
        let row = "Federated ID,ann,b.c,ann@mail.c,Ann,Lee,de,\"All Apps, Photoshop\",Design";
        let expected = r#"{"user":"ann","domain":"b.c","do":[{"createFederatedID":{"email":"ann@mail.c","firstname":"Ann","lastname":"Lee","country":"DE","option":"ignoreIfAlreadyExists"}},{"add":{"group":["All Apps","Photoshop","Design"]}}]}"#;
        assert_eq!(one(console, row), expected);
        let user_sync = "firstname,lastname,email,country,groups,type,username,domain\n\
            Ann,Lee,ann@b.c,US,\"A,B\",enterpriseID\nBob,Ray,bob@b.c,US\n";
        let enterprise = r#"{"user":"ann@b.c","do":[{"createEnterpriseID":{"email":"ann@b.c","firstname":"Ann","lastname":"Lee","country":"US","option":"ignoreIfAlreadyExists"}},{"add":{"group":["A","B"]}}]}"#;
        let (good, bad) = csv(user_sync);
        assert_eq!(good, [(2, enterprise.to_owned())]);
        assert!(bad[0].starts_with("line 3, column `type`: the type of the user is missing; write"), "{bad:?}");
        let options = ReadOptions { default_kind: Some(AccountKind::FederatedId), ..ReadOptions::default() };
        let read: Vec<_> = CommandReader::new(InputFormat::Csv, options, user_sync.as_bytes()).collect();
        assert!(read.iter().all(|next| next.as_ref().unwrap().is_ok()) && read.len() == 2);
        let (_, bad) =
            csv(&format!("{console}\nFederated ID,,,ann@b.c,Ann,Lee,Germany,,\nFederated ID,,,ann@b.c,Ann,Lee,,,\n"));
        assert!(bad[0].starts_with("line 2, column `Country Code`: "), "{bad:?}");
        assert!(bad[1].starts_with("line 3, column `Country Code`: "), "{bad:?}");
    }

    #[test]
    fn single_command_needs_no_array() {
        let text = format!("\u{feff}\n {ADD}\r\n");
        assert_eq!(read(InputFormat::Json, text.as_bytes()), (vec![(2, ADD.to_owned())], vec![]));
        let lower = ADD.replace("add", "createFederatedID").replace(
            r#""group":["Design"]"#,
            r#""email":"ann@example.com","firstname":"A","lastname":"B","country":"de""#,
        );
        assert!(read(InputFormat::Json, lower.as_bytes()).0[0].1.contains(r#""country":"DE""#));
        let cut = r#"{"user":"ann@example.com","do":["System.Collections.Hashtable"]}"#;
        assert!(read(InputFormat::Json, cut.as_bytes()).1[0].contains("ConvertTo-Json -Depth 10"));
    }

    #[test]
    fn bad_row_keeps_its_text_and_header() {
        let mut reader = CommandReader::new(
            InputFormat::Csv,
            ReadOptions::default(),
            "user,add\nann@b.c,\"a,b\"\n\nann@b.c,a\\\n".as_bytes(),
        );
        assert!(reader.next().unwrap().unwrap().is_ok());
        let bad = reader.next().unwrap().unwrap().unwrap_err();
        assert_eq!((bad.diagnostic.location.line, bad.text.as_str()), (Some(4), "ann@b.c,a\\"));
        assert_eq!(reader.header().unwrap(), "user,add");
    }

    proptest! {
        #[test]
        fn nothing_from_outside_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for format in [InputFormat::Ndjson, InputFormat::Json, InputFormat::Csv] {
                let read = CommandReader::new(format, ReadOptions::default(), bytes.as_slice()).take(1000).count();
                prop_assert!(read < 1000);
            }
        }

        #[test]
        fn any_json_like_text_ends(text in r#"[\[\]{},:"\\a \n]{0,60}"#) {
            prop_assert!(CommandReader::new(InputFormat::Json, ReadOptions::default(), text.as_bytes()).count() <= text.len() + 1);
        }
    }
}
