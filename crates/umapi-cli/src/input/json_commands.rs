//! Commands in the service's own JSON: one per line (NDJSON), or an array of any length.

use std::{
    borrow::{Borrow, Cow},
    collections::BTreeMap,
    io::{self, BufRead, Read},
};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{error::Category, value::RawValue};
use umapi::{
    Command, InvalidCommand,
    model::{ExhaustiveUserStepMut as OnUser, UserCommand, UserGroupCommand},
};

use super::{
    BadEntry,
    commands::NumberedCommand,
    diagnostic::{Diagnostic, SourceLocation},
    text::{self, MAX_LINE, country_code},
    words,
};

/// Reads NDJSON: a command per line. A bad line does not keep the next one from being read.
pub(super) struct NdjsonReader<R> {
    input: R,
    line: u64,
    bytes: Vec<u8>,
}

impl<R: BufRead> NdjsonReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 0, bytes: Vec::new() }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<NumberedCommand, BadEntry>>> {
        loop {
            self.bytes.clear();
            let read = self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let unreadable = |diagnostic| BadEntry { diagnostic, text: String::new(), ends_file: true };
            if let Some(diagnostic) = text::overlong_line(&self.bytes, self.line) {
                return Ok(Some(Err(unreadable(diagnostic))));
            }
            let bytes = if self.line == 1 { text::without_bom(&self.bytes) } else { &self.bytes };
            let line = match text::decode(bytes, self.line) {
                Ok(line) => line.trim_end(),
                Err(diagnostic) => return Ok(Some(Err(unreadable(diagnostic)))),
            };
            if !line.is_empty() {
                return Ok(Some(numbered(line, self.line, 1)));
            }
        }
    }
}

/// Reads an array of commands, one by one, or a single command without an array around it. A bad command does not keep the next one from being read; an array that is
/// broken does.
pub(super) struct ArrayReader<R> {
    input: R,
    line: u64,
    column: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeArray,
    BeforeFirst,
    BeforeNext,
    AfterElement,
    AfterArray,
    /// After the only command, which is not in an array.
    AfterSingle,
}

impl<R: BufRead> ArrayReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, column: 1, state: State::BeforeArray }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<NumberedCommand, BadEntry>>> {
        loop {
            let Some(byte) = self.peek_after_space()? else {
                let rule = match self.state {
                    State::AfterArray | State::AfterSingle => return Ok(None),
                    State::BeforeArray => "the file is empty: an array of commands was expected",
                    _ => "the array has no end: `]` is missing",
                };
                return Ok(Some(Err(self.broken(rule))));
            };
            self.state = match (self.state, byte) {
                (State::BeforeArray, b'[') => State::BeforeFirst,
                (State::BeforeArray, b'{') => return self.element(State::AfterSingle).map(Some),
                (State::BeforeArray, _) => return Ok(Some(Err(self.broken("an array of commands was expected: `[`")))),
                (State::BeforeFirst | State::AfterElement, b']') => State::AfterArray,
                (State::AfterElement, b',') => State::BeforeNext,
                (State::AfterElement, _) => return Ok(Some(Err(self.broken("`,` or `]` was expected")))),
                (State::BeforeNext, b']') => return Ok(Some(Err(self.broken("a command was expected after `,`")))),
                (State::BeforeFirst | State::BeforeNext, _) => {
                    return self.element(State::AfterElement).map(Some);
                }
                (State::AfterArray, _) => {
                    return Ok(Some(Err(self.broken("the file goes on after the end of the array"))));
                }
                (State::AfterSingle, _) => {
                    let mut bad = self.broken("the file goes on after the command");
                    let remedy = "put `[` before the first command and `]` behind the last one, with commas between; \
                                  for one command per line, add --input-format ndjson";
                    bad.diagnostic.remedy = Some(remedy.to_owned());
                    return Ok(Some(Err(bad)));
                }
            };
            self.take()?;
        }
    }

    /// Reads a command. `after` is the state after it.
    fn element(&mut self, after: State) -> io::Result<Result<NumberedCommand, BadEntry>> {
        let (line, column) = (self.line, self.column);
        let is_single = after == State::AfterSingle;
        let Some(bytes) = self.value(is_single)? else {
            let rule = if is_single { "the command is cut off" } else { "the array has no end: `]` is missing" };
            return Ok(Err(self.broken(rule)));
        };
        self.state = after;
        match text::decode(&bytes, line) {
            Ok(text) => Ok(numbered(text.trim_end(), line, column)),
            Err(diagnostic) => {
                self.state = State::AfterArray;
                Ok(Err(BadEntry { diagnostic, text: String::new(), ends_file: true }))
            }
        }
    }

    /// The bytes of a value, up to the `,` or `]` that ends it, or to the end of a single object. `None` if the file ends
    /// before.
    fn value(&mut self, is_single: bool) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let (mut depth, mut in_string, mut is_escaped) = (0_u32, false, false);
        while let Some(byte) = self.peek()? {
            if in_string {
                in_string = is_escaped || byte != b'"';
                is_escaped = !is_escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b',' | b'}' | b']' if depth == 0 => return Ok(Some(bytes)),
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
            }
            bytes.push(byte);
            self.take()?;
            if is_single && depth == 0 && !in_string {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    fn peek_after_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.take()?,
                // A byte order mark.
                Some(0xef | 0xbb | 0xbf) if self.state == State::BeforeArray => self.input.consume(1),
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    /// Goes on by one byte, and counts lines and characters.
    fn take(&mut self) -> io::Result<()> {
        match self.peek()? {
            Some(b'\n') => (self.line, self.column) = (self.line + 1, 1),
            // A continuation byte of UTF-8 does not begin a character.
            Some(byte) if byte & 0b1100_0000 != 0b1000_0000 => self.column += 1,
            _ => {}
        }
        self.input.consume(1);
        Ok(())
    }

    fn broken(&mut self, rule: &str) -> BadEntry {
        self.state = State::AfterArray;
        let diagnostic = Diagnostic::new(SourceLocation::character(self.line, self.column as u64), rule);
        BadEntry { diagnostic, text: String::new(), ends_file: true }
    }
}

/// Reads a command that begins at a line and a column of a file.
fn numbered(text: &str, line: u64, column: usize) -> Result<NumberedCommand, BadEntry> {
    parse_command(text).map(|command| NumberedCommand { line, command }).map_err(|problem| {
        let column = if problem.line == 1 { column + problem.column - 1 } else { problem.column };
        let location = SourceLocation::character(line + problem.line as u64 - 1, column as u64);
        let remedy = problem.remedy_with_code();
        let rule = match (&problem.field, &problem.code) {
            (Some(field), Some(_)) => format!("`{field}`: {}", problem.rule),
            _ => problem.rule,
        };
        let diagnostic = Diagnostic { location, rule, remedy };
        BadEntry { diagnostic, text: text.to_owned(), ends_file: false }
    })
}

/// Why a text is not a command that can be sent: where in the text, which rule, what to write.
#[derive(Debug)]
pub(super) struct CommandProblem {
    /// Counted from 1, within the text.
    line: usize,
    /// Counted from 1.
    column: usize,
    /// The field of the service's JSON, where it is known.
    pub(super) field: Option<String>,
    /// The index of the step, where it is known.
    pub(super) step: Option<usize>,
    pub(super) rule: String,
    pub(super) remedy: Option<String>,
    /// The code with which the service rejects it.
    pub(super) code: Option<String>,
}

impl CommandProblem {
    /// What to do, and the service's code.
    pub(super) fn remedy_with_code(&self) -> Option<String> {
        match (&self.remedy, &self.code) {
            (Some(remedy), Some(code)) => Some(format!("{remedy} ({code})")),
            (Some(text), None) => Some(text.clone()),
            (None, Some(code)) => Some(format!("correct it ({code})")),
            (None, None) => None,
        }
    }
}

/// The root tells the two kinds of commands apart, so that an error is about what is wrong inside.
#[derive(Deserialize)]
struct Root {
    user: Option<IgnoredAny>,
    usergroup: Option<IgnoredAny>,
}

/// Reads and checks one command.
pub(super) fn parse_command(text: &str) -> Result<Command, Box<CommandProblem>> {
    if !text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        let remedy = "write {\"user\":\"ann@example.com\",\"do\":[…]}";
        return Err(whole("a command is an object with a `user` or a `usergroup`", remedy));
    }
    let root: Root = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
    let command: Command = match (root.user, root.usergroup) {
        (Some(_), None) => {
            let mut command: UserCommand = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
            raise_countries(&mut command);
            command.into()
        }
        (None, Some(_)) => {
            serde_json::from_str::<UserGroupCommand>(text).map_err(|error| unreadable(text, &error))?.into()
        }
        (Some(_), Some(_)) => {
            return Err(whole("a command has a `user` or a `usergroup`, not both", "write two commands"));
        }
        (None, None) => {
            return Err(whole("a command must have a `user` or a `usergroup`", "name the user or the user group"));
        }
    };
    match command.check() {
        Ok(()) => Ok(command),
        Err(invalid) => Err(against_rule(text, &invalid)),
    }
}

/// Writes country codes in capitals, as the service wants them. What is not a code stays as it is written, for its error.
fn raise_countries(command: &mut UserCommand) {
    for step in &mut command.do_ {
        let country = match step.exhaustive_mut() {
            OnUser::AddAdobeId(new) => new.country.as_mut(),
            OnUser::CreateEnterpriseId(new) => new.country.as_mut(),
            OnUser::CreateFederatedId(new) => Some(&mut new.country),
            OnUser::Update(_)
            | OnUser::Add(_)
            | OnUser::Remove(_)
            | OnUser::AddRoles(_)
            | OnUser::RemoveRoles(_)
            | OnUser::RemoveFromOrg(_)
            | OnUser::RemoveFromDomain(_)
            | OnUser::ResetPassword(_) => None,
        };
        if let Some(country) = country {
            *country = country_code(country);
        }
    }
}

/// Why a text is not a command: it is not JSON, or not of the form of a command.
fn unreadable(text: &str, error: &serde_json::Error) -> Box<CommandProblem> {
    // A step that is not a single name with a value is reported as broken JSON.
    let broken = serde_json::from_str::<IgnoredAny>(text).err();
    let place = broken.as_ref().unwrap_or(error);
    let message = message_of(place);
    let (rule, remedy) = match (&broken, error.classify()) {
        (Some(broken), _) if broken.is_eof() => {
            ("the command is cut off".to_owned(), Some("complete the JSON".to_owned()))
        }
        (Some(_), _) => words::json_syntax(&message),
        // PowerShell writes only some levels of an object.
        (None, Category::Data) if ["`System.", "\"System.", "`@{", "\"@{"].iter().any(|cut| message.contains(cut)) => (
            "there is a name of PowerShell instead of an object, because the file was written with too few levels"
                .to_owned(),
            Some("write it with ConvertTo-Json -Depth 10".to_owned()),
        ),
        (None, Category::Data) => words::json_value(&message),
        (None, _) => (
            "a step is an object with one name and its value".to_owned(),
            Some("write e.g. {\"add\":{\"group\":[\"Design\"]}}, and two steps as two objects".to_owned()),
        ),
    };
    let field = message.strip_prefix("missing field `").and_then(|field| field.strip_suffix('`'));
    Box::new(CommandProblem {
        line: place.line().max(1),
        column: place.column().max(1),
        field: field.map(str::to_owned),
        step: None,
        rule,
        remedy,
        code: None,
    })
}

/// The message without the place.
fn message_of(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).map(str::to_owned).unwrap_or(message)
}

fn whole(rule: &str, remedy: &str) -> Box<CommandProblem> {
    let (rule, remedy) = (rule.to_owned(), Some(remedy.to_owned()));
    Box::new(CommandProblem { line: 1, column: 1, field: None, step: None, rule, remedy, code: None })
}

fn against_rule(text: &str, invalid: &InvalidCommand) -> Box<CommandProblem> {
    let (line, column) = line_and_column(text, field_of_command(text, invalid.step(), invalid.field()));
    Box::new(CommandProblem {
        line,
        column,
        field: Some(invalid.field().to_owned()),
        step: invalid.step(),
        rule: invalid.rule().to_owned(),
        remedy: Some(invalid.remedy().to_owned()),
        code: Some(invalid.code().to_string()),
    })
}

/// The line and the column, counted from 1, of a byte of the text.
fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The first byte of a field of a command, or of one of its steps. If the field is missing, that of the step, or of the
/// command.
fn field_of_command(text: &str, step: Option<usize>, field: &str) -> usize {
    let command = text.trim_start();
    let begin = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let found = match step {
        None => member(command, field),
        Some(step) => member(command, "do").and_then(|list| element(list, step)).map(|step| {
            let body = members(step).and_then(|entries| entries.into_values().next().map(RawValue::get));
            body.and_then(|body| member(body, field)).unwrap_or(step)
        }),
    };
    begin(found.unwrap_or(command))
}

fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object)?.get(key).map(|value| value.get())
}

fn members(object: &str) -> Option<BTreeMap<Key<'_>, &RawValue>> {
    serde_json::from_str(object).ok()
}

fn element(list: &str, index: usize) -> Option<&str> {
    let list: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    list.get(index).map(|value| value.get())
}

/// A key, borrowed from the text unless it has escapes.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl Borrow<str> for Key<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_the_text() {
        let text = r#" {"user": "ann@b.c", "do": [{"remove":"all"}, {"add": {"group": ["x"]}}]}"#;
        let at = |step, field| &text[field_of_command(text, step, field)..];
        assert!(at(None, "user").starts_with("\"ann@b.c\""));
        assert!(at(Some(1), "group").starts_with("[\"x\"]"));
        assert!(at(Some(0), "all").starts_with("{\"remove\""));
        assert!(at(Some(7), "group").starts_with("{\"user\""));
        assert!(at(None, "domain").starts_with("{\"user\""));
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        assert_eq!(line_and_column("Größe\nGröße", 0), (1, 1));
        assert_eq!(line_and_column("Größe\nGröße", "Größe\nGröß".len()), (2, 5));
    }
}
