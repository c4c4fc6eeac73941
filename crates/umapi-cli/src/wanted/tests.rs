use super::*;

fn shown(wanted: &Wanted) -> Vec<String> {
    let show = |kind: &str, lists: &BTreeMap<String, List>| -> Vec<String> {
        let line = |list: &List| {
            let mut items: Vec<&str> = list.items.values().map(|name| name.text.as_str()).collect();
            items.sort_unstable();
            format!("{kind} {}: {}", list.name.text, items.join(" "))
        };
        lists.values().map(line).collect()
    };
    [show("group", &wanted.groups), show("user", &wanted.users)].concat()
}

const EXPECTED: [&str; 3] =
    ["group Design: ann@example.com bob@example.com", "group Photoshop: ", "user cleo@example.com: Illustrator Sales"];

#[test]
fn yaml_and_json_say_the_same() {
    let yaml = "groups:\n  Design: [bob@example.com, ann@example.com]\n  Photoshop: []\nusers:\n  cleo@example.com:\n    - Sales\n    - Illustrator\n";
    let json = "{\n\t\"groups\": {\"Design\": [\"ann@example.com\", \"bob@example.com\"], \"Photoshop\": []},\n\t\"users\": {\"cleo@example.com\": [\"Illustrator\", \"Sales\"]}\n}";
    for text in [yaml, json] {
        assert_eq!(shown(&document::read(text).unwrap()), EXPECTED, "{text}");
    }
}

#[test]
fn the_first_column_of_csv_says_what_is_complete() {
    let groups = "group,user\nDesign,ann@example.com\nPhotoshop,\n\ndesign,bob@example.com;ann@example.com\n";
    assert_eq!(shown(&table::read(groups).unwrap()), &EXPECTED[..2]);
    let users = "id,Email,firstname,groups\n1,cleo@example.com,Cleo,Illustrator;Sales\n";
    assert_eq!(shown(&table::read(users).unwrap()), &EXPECTED[2..]);
}

#[test]
fn mistakes_have_a_place_and_a_rule() {
    let of_document = |text| document::read(text).and_then(|wanted| wanted.check()).unwrap_err().to_string();
    let of_table = |text| table::read(text).and_then(|wanted| wanted.check()).unwrap_err().to_string();
    for (text, parts) in [
        ("groups:\n  Design: [a@b.c]\n  design: [d@e.f]\n", ["line 3, column 3: ", "line 2"]),
        ("teams: {}\n", ["line 1", "teams"]),
        ("groups:\n  Design: nobody\n", ["line 2, column 11: a list was expected", ""]),
        ("groups:\n  Design: [a@b.c, ' ']\n", ["line 2, column 19: ", "empty"]),
        ("groups:\n  Design: [a@b.c]\nusers:\n  A@b.c: [Sales]\n", ["line 2, column 12: ", "line 4"]),
        ("groups:\n  Design: [x@b.c]\nusers:\n  a@b.c: [design]\n", ["line 4, column 11: ", "line 2"]),
        ("groups: [\n", ["line", ""]),
    ] {
        let shown = of_document(text);
        assert!(parts.iter().all(|part| shown.contains(part)), "{text}: {shown}");
    }
    for (text, part) in [
        ("group\nDesign\n", "line 1: a column `user` is missing"),
        ("group,user,colour\n", "line 1: there is no column `colour`"),
        ("group,user,email\n", "two columns"),
        ("group,user\n\n,ann@example.com\n", "line 3: a name is empty"),
        ("group,user\nDesign,a\\b\n", "line 2: a `\\` stands alone"),
    ] {
        let shown = of_table(text);
        assert!(shown.contains(part), "{text}: {shown}");
    }
}
