use proptest::prelude::*;

use super::*;

/// The commands as JSON with their lines, and what is wrong with the others.
fn read(form: InputForm, text: &[u8]) -> (Vec<(u64, String)>, Vec<String>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for next in CommandReader::new(form, text) {
        match next.unwrap() {
            Ok(Numbered { line, command }) => good.push((line, serde_json::to_string(&command).unwrap())),
            Err(wrong) => bad.push(wrong.to_string()),
        }
    }
    (good, bad)
}

const ADD: &str = r#"{"user":"ann@example.com","do":[{"add":{"group":["Design"]}}]}"#;
const CREATE: &str = r#"{"usergroup":"Design","do":[{"createUserGroup":{}}]}"#;

#[test]
fn ndjson_and_json_are_the_same_commands() {
    let lines = format!("\u{feff}{ADD}\r\n\n  {CREATE}\n");
    let (good, bad) = read(InputForm::Ndjson, lines.as_bytes());
    assert_eq!((good, bad), (vec![(1, ADD.to_owned()), (3, CREATE.to_owned())], vec![]));
    let array = format!("\u{feff}[\n{ADD} ,\n\n {CREATE}\n]\n");
    let (good, bad) = read(InputForm::Json, array.as_bytes());
    assert_eq!((good, bad), (vec![(2, ADD.to_owned()), (4, CREATE.to_owned())], vec![]));
    assert_eq!(read(InputForm::Json, b"[ ]"), (vec![], vec![]));
    assert_eq!(read(InputForm::Ndjson, b""), (vec![], vec![]));
}

#[test]
fn mistakes_in_json_have_line_column_and_rule() {
    for (line, place, part) in [
        (r#"{"user":"ann@example.com","do":[{"levitate":{}}]}"#, "column 43", "levitate"),
        (r#"{"user":"ann@example.com","do":[],"colour":1}"#, "column 42", "colour"),
        (r#"{"do":[]}"#, "column 1", "must have"),
        (r#"{"user":"a@b.c","usergroup":"x","do":[]}"#, "column 1", "not both"),
        (
            r#"{"user":"ann@example.com","do":[{"createFederatedID":{"email":"ann@example.com","firstname":"A","lastname":"B","country":"usa"}}]}"#,
            "column 122",
            "two upper-case letters",
        ),
        (r#"{"user":"ann@example.com","#, "column 26", "EOF"),
    ] {
        let (good, bad) = read(InputForm::Ndjson, format!("{ADD}\n{line}\n{ADD}\n").as_bytes());
        assert_eq!(good.len(), 2);
        assert!(bad[0].starts_with(&format!("line 2, {place}:")) && bad[0].contains(part), "{line}: {bad:?}");
        if !part.contains("EOF") {
            let (good, bad) = read(InputForm::Json, format!("[{ADD},\n{line},\n{ADD}]").as_bytes());
            assert_eq!(good.len(), 2);
            assert!(bad[0].starts_with(&format!("line 2, {place}:")) && bad[0].contains(part), "{line}: {bad:?}");
        }
    }
    let (_, bad) = read(InputForm::Ndjson, b"{\"user\":\"Gr\xc3\xb6\xff\"}");
    assert!(bad[0].starts_with("line 1, column 13: this is not UTF-8"), "{bad:?}");
}

#[test]
fn a_broken_array_ends_the_file_and_says_where() {
    for (text, expected) in [
        ("", "line 1, column 1: the file is empty"),
        ("{}", "line 1, column 1: an array"),
        ("[\n", "line 2, column 1: the array has no end"),
        ("[{\"a\":1}x]", "line 1, column 9: trailing"),
        ("[{},]", "line 1, column 5: a command was expected"),
        ("[]\n x", "line 2, column 2: nothing may come"),
        ("[{\"a\": \"b", "line 1, column 10: the array has no end"),
    ] {
        let (_, bad) = read(InputForm::Json, text.as_bytes());
        assert!(bad.last().unwrap().starts_with(expected), "{text}: {bad:?}");
    }
}

fn csv(text: &str) -> (Vec<(u64, String)>, Vec<String>) {
    read(InputForm::Csv, text.as_bytes())
}

fn one(header: &str, line: &str) -> String {
    let (good, bad) = csv(&format!("{header}\n{line}\n"));
    assert_eq!(bad, Vec::<String>::new(), "{line}");
    good.into_iter().next().unwrap().1
}

#[test]
fn a_line_of_csv_is_a_command() {
    let users =
        "user,domain,create,email,firstname,lastname,country,username,if_exists,add,remove,remove_from_org,request_id";
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
        ("ann@b.c,,martian,,,,,,", "line 2, column `create`: `martian` is no type of user; write adobe"),
        ("ann@b.c,,federated,A,B,usa,,,", "line 2, column `country`: "),
        ("ann@b.c,,,,,US,,,", "line 2, column `country`: the country of a user cannot be changed"),
        ("ann@b.c,,,,,,,Draw,", "line 2, column `name`: it is about user groups"),
        (",Design,,Ann,,,,,", "line 2, column `firstname`: it is about users"),
        ("ann@b.c,Design,,,,,x,,", "line 2, column `usergroup`: a line is about"),
        (",,,,,,x,,", "line 2, column `user`: it is empty"),
        ("ann@b.c,,,,,,,,", "line 2: there is nothing to do"),
        ("ann@b.c,,,,,,a\\b,,", "line 2, column `add`: a `\\` stands alone"),
        ("ann@b.c,,,,,,,,ignore", "line 2, column `if_exists`"),
        ("ann@b.c,,,,,,,,,x", "line 2: the line has 10 fields, the header 9"),
        ("nobody,,,,,,x,,", "line 2, column `user`: domain: "),
    ] {
        let (good, bad) = csv(&format!("{header}\n{line}\nann@b.c,,,,,,x\n"));
        assert_eq!(good.len(), 1, "{line}: {bad:?}");
        assert!(bad[0].starts_with(expected), "{line}: {bad:?}");
    }
    for (text, expected) in [
        ("", "line 1: the file is empty"),
        ("user,colour\n", "line 1: there is no column `colour`"),
        ("user,user\n", "line 1, column `user`: the column `user` is there twice"),
        ("add\n", "line 1: neither"),
    ] {
        let (_, bad) = csv(text);
        assert!(bad[0].starts_with(expected), "{text}: {bad:?}");
    }
}

#[test]
fn a_bad_line_can_be_corrected_and_run_again() {
    let mut reader = CommandReader::new(InputForm::Csv, "user,add\nann@b.c,\"a,b\"\n\nann@b.c,a\\\n".as_bytes());
    assert!(reader.next().unwrap().unwrap().is_ok());
    let bad = reader.next().unwrap().unwrap().unwrap_err();
    assert_eq!((bad.place.line, bad.text.as_str()), (4, "ann@b.c,a\\"));
    assert_eq!(reader.header().unwrap(), "user,add");
}

proptest! {
    #[test]
    fn nothing_from_outside_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for form in [InputForm::Ndjson, InputForm::Json, InputForm::Csv] {
            let read = CommandReader::new(form, bytes.as_slice()).take(1000).count();
            prop_assert!(read < 1000);
        }
    }

    #[test]
    fn any_text_of_json_letters_ends(text in r#"[\[\]{},:"\\a \n]{0,60}"#) {
        prop_assert!(CommandReader::new(InputForm::Json, text.as_bytes()).count() <= text.len() + 1);
    }
}
