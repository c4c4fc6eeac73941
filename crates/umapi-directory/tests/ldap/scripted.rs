//! A server whose answers a test writes: what real servers do seldom, and what broken ones do.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ldap3::asn1::{PL, StructureTag, parse_tag};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use umapi_directory::{GapCause, LdapPreset, LdapSettings, MissingMembers};

use crate::{Read, server::settings, try_read};

/// The requests of a search that the tests look at.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) base: String,
    pub(crate) attributes: Vec<String>,
    pub(crate) cookie: Vec<u8>,
    /// The cookie of a search for changes.
    pub(crate) changes_since: Option<Vec<u8>>,
}

/// What a server sends.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Entry(String, Vec<(String, Vec<Vec<u8>>)>),
    Reference(&'static str),
    /// The end of a page: the result code, and where the next page begins.
    Done(u8, Vec<u8>),
    /// The end of a page with this value of the control of pages.
    DoneWithControl(Vec<u8>),
    /// The end of a list of changes: the result code, whether there are more, and the cookie.
    Changes(u8, bool, Vec<u8>),
    /// A whole message but for its number.
    Message(Vec<u8>),
    /// Bytes as they are.
    Bytes(Vec<u8>),
    Close,
    Silence,
}

/// What a server answers to each search.
type Script = dyn Fn(usize, &Search) -> Vec<Answer> + Send + Sync;

const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
const DIRSYNC: &str = "1.2.840.113556.1.4.841";

/// The people of the scripted directory, the entries of a page, and the members of a part.
pub(crate) const PEOPLE: usize = 6;
const PAGE: usize = 2;

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a short message").to_be_bytes();
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..=127 => bytes.push(u8::try_from(short).expect("it is below 128")),
        _ => bytes.extend([0x84, length[0], length[1], length[2], length[3]]),
    }
    bytes.extend(content);
    bytes
}

fn sequence(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}

fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    tlv(4, text.as_ref())
}

fn message(number: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    sequence(0x30, &[vec![tlv(2, number)], parts.to_vec()].concat())
}

fn result(tag: u8, code: u8) -> Vec<u8> {
    let referral = match code {
        10 => sequence(0xa3, &[text("ldap://other.example/dc=example,dc=com")]),
        _ => Vec::new(),
    };
    sequence(tag, &[tlv(10, &[code]), text(""), text(""), referral])
}

fn control(name: &str, value: &[u8]) -> Vec<u8> {
    sequence(0xa0, &[sequence(0x30, &[text(name), text(value)])])
}

impl Answer {
    /// A person or a group, with attributes of text.
    pub(crate) fn entry(dn: &str, attributes: &[(&str, &[String])]) -> Self {
        let values = |values: &[String]| values.iter().map(|value| value.clone().into_bytes()).collect();
        let attributes = attributes.iter().map(|(name, list)| ((*name).to_owned(), values(list)));
        Self::Entry(dn.to_owned(), attributes.collect())
    }

    /// The bytes of the answer to a message.
    fn bytes(&self, number: &[u8]) -> Vec<u8> {
        match self {
            Self::Entry(dn, attributes) => {
                let list = attributes.iter().map(|(name, values)| {
                    let values: Vec<Vec<u8>> = values.iter().map(text).collect();
                    sequence(0x30, &[text(name), sequence(0x31, &values)])
                });
                message(number, &[sequence(0x64, &[text(dn), sequence(0x30, &list.collect::<Vec<_>>())])])
            }
            Self::Reference(url) => message(number, &[sequence(0x73, &[text(url)])]),
            Self::Done(code, cookie) => {
                let value = sequence(0x30, &[tlv(2, &[0]), text(cookie)]);
                message(number, &[result(0x65, *code), control(PAGED_RESULTS, &value)])
            }
            Self::DoneWithControl(value) => message(number, &[result(0x65, 0), control(PAGED_RESULTS, value)]),
            Self::Changes(code, has_more, cookie) => {
                let value = sequence(0x30, &[tlv(2, &[u8::from(*has_more)]), tlv(2, &[0]), text(cookie)]);
                message(number, &[result(0x65, *code), control(DIRSYNC, &value)])
            }
            Self::Message(operation) => message(number, std::slice::from_ref(operation)),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Close | Self::Silence => Vec::new(),
        }
    }
}

fn parts(tag: StructureTag) -> Vec<StructureTag> {
    match tag.payload {
        PL::C(parts) => parts,
        PL::P(_) => Vec::new(),
    }
}

fn value(tag: StructureTag) -> Vec<u8> {
    match tag.payload {
        PL::P(value) => value,
        PL::C(_) => Vec::new(),
    }
}

fn string(tag: StructureTag) -> String {
    String::from_utf8(value(tag)).expect("the client writes UTF-8")
}

impl Search {
    fn read(operation: StructureTag, controls: Option<StructureTag>) -> Self {
        let mut fields = parts(operation);
        let attributes = parts(fields.remove(7)).into_iter().map(string).collect();
        let base = string(fields.remove(0));
        let controls: Vec<Vec<StructureTag>> = controls.map(parts).unwrap_or_default().into_iter().map(parts).collect();
        let cookie_of = |name: &str| {
            let mut control = controls.iter().find(|control| value(control[0].clone()) == name.as_bytes())?.clone();
            let content = value(control.pop().expect("a value"));
            let (_, content) = parse_tag(&content).expect("the client writes BER");
            Some(value(parts(content).pop().expect("a cookie")))
        };
        let cookie = cookie_of(PAGED_RESULTS).unwrap_or_default();
        Self { base, attributes, cookie, changes_since: cookie_of(DIRSYNC) }
    }
}

/// Starts a server. The script gets each search, with its number on this server. Returns the address.
pub(crate) async fn serve(script: impl Fn(usize, &Search) -> Vec<Answer> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let script: Arc<Script> = Arc::new(script);
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(talk(client, Arc::clone(&script), Arc::clone(&count)));
        }
    });
    format!("ldap://{address}")
}

async fn talk(mut client: TcpStream, script: Arc<Script>, count: Arc<AtomicUsize>) {
    let mut buffer = Vec::new();
    loop {
        let request = match parse_tag(&buffer) {
            Ok((rest, request)) => {
                let used = buffer.len() - rest.len();
                buffer.drain(..used);
                request
            }
            Err(_) => match client.read_buf(&mut buffer).await {
                Ok(1..) => continue,
                _ => return,
            },
        };
        let mut request = parts(request).into_iter();
        let number = value(request.next().expect("a number"));
        let operation = request.next().expect("an operation");
        let answers = match operation.id {
            0 => vec![Answer::Message(result(0x61, 0))],
            3 => script(count.fetch_add(1, Ordering::SeqCst), &Search::read(operation, request.next())),
            _ => continue,
        };
        for answer in answers {
            match answer {
                Answer::Close => return,
                Answer::Silence => break,
                answer => {
                    if client.write_all(&answer.bytes(&number)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

pub(crate) fn person(number: usize) -> Answer {
    let name = format!("cn=p{number},dc=example,dc=com");
    let (id, class) = (vec![format!("id-{number}")], vec!["user".to_owned()]);
    let primary = vec!["513".to_owned()];
    let mail = [format!("p{number}@example.com")];
    let fields = [("objectGUID", &*id), ("objectClass", &*class), ("primaryGroupID", &*primary), ("mail", &mail)];
    Answer::entry(&name, &fields)
}

pub(crate) fn group(attribute: &str, members: impl Iterator<Item = usize>) -> Answer {
    let members: Vec<String> = members.map(|number| format!("cn=p{number},dc=example,dc=com")).collect();
    let name = "cn=Everyone,dc=example,dc=com";
    let (class, cn, sid) = (["group".to_owned()], ["Everyone".to_owned()], ["identifier-1".to_owned()]);
    Answer::entry(name, &[("objectClass", &class), ("cn", &cn), ("objectSid", &sid), (attribute, &members)])
}

/// A correct server: six people in pages of two, and their group, whose members come in parts of two.
pub(crate) fn correct(search: &Search) -> Vec<Answer> {
    if search.base.starts_with("cn=Everyone") {
        let first = search.attributes[0].trim_start_matches("member;range=").trim_end_matches("-*");
        return members_from(first.parse().expect("the client asks for a part"));
    }
    if let Some(name) = search.base.strip_prefix("cn=p") {
        let number = name.split(',').next().and_then(|number| number.parse().ok());
        return vec![person(number.expect("the client asks for members")), Answer::Done(0, Vec::new())];
    }
    if search.attributes.iter().any(|attribute| attribute == "cn") {
        let mut found = members_from(0);
        found.insert(0, Answer::Reference("ldap://dc.example.com/CN=Configuration,DC=example,DC=com"));
        return found;
    }
    let start: usize = search.cookie.first().copied().unwrap_or_default().into();
    let end = start + PAGE;
    let mut page: Vec<Answer> = (start..end).map(person).collect();
    page.push(Answer::Reference("ldap://dc.example.com/DC=DomainDnsZones,DC=example,DC=com"));
    let next = if end < PEOPLE { vec![u8::try_from(end).expect("few people")] } else { Vec::new() };
    page.push(Answer::Done(0, next));
    page
}

fn members_from(first: usize) -> Vec<Answer> {
    let next = first + PAGE;
    let attribute = match next {
        PEOPLE.. => format!("member;range={first}-*"),
        _ => format!("member;range={first}-{}", next - 1),
    };
    vec![group(&attribute, first..next), Answer::Done(0, Vec::new())]
}

/// The searches of a read of the correct server: three pages of people, the group, and two more parts of it.
const SEARCHES: usize = 6;

pub(crate) fn of(url: &str) -> LdapSettings {
    LdapSettings { preset: Some(LdapPreset::Ad), timeout: Some(1), ..settings(url) }
}

/// Reads a server that answers the search of this number in another way.
async fn read_with(number: usize, other: impl Fn(Vec<Answer>) -> Vec<Answer> + Send + Sync + 'static) -> Option<Read> {
    let answer = move |count, search: &Search| match correct(search) {
        answers if count == number => other(answers),
        answers => answers,
    };
    try_read(of(&serve(answer).await), &["Everyone"]).await.ok()
}

impl Read {
    fn whole_lists(&self) -> (bool, bool) {
        let group = &self.reading.groups["Everyone"].members;
        (self.reading.people.complete().is_ok(), group.complete().is_ok())
    }

    fn counts(&self) -> (usize, usize) {
        let group = &self.reading.groups["Everyone"].members;
        (self.people.len(), group.found().map_or(0, Vec::len))
    }
}

#[tokio::test]
async fn members_in_parts_are_one_list() {
    let read = read_with(SEARCHES, |_| panic!("{SEARCHES} searches are enough")).await.expect("it is read");
    assert_eq!((read.whole_lists(), read.counts()), ((true, true), (PEOPLE, PEOPLE)), "{:?}", read.reading);
}

/// What a server does in place of an answer.
pub(crate) type Fault = fn(Vec<Answer>) -> Vec<Answer>;

fn end_with(mut answers: Vec<Answer>, end: Answer) -> Vec<Answer> {
    answers.pop();
    answers.push(end);
    answers
}

/// What servers do wrong.
pub(crate) const FAULTS: &[(&str, Fault)] = &[
    ("time limit", |answers| end_with(answers, Answer::Done(3, vec![2]))),
    ("size limit", |answers| end_with(answers, Answer::Done(4, Vec::new()))),
    ("administrative limit", |answers| end_with(answers, Answer::Done(11, Vec::new()))),
    ("referral", |answers| end_with(answers, Answer::Done(10, Vec::new()))),
    ("refused", |_| vec![Answer::Done(50, Vec::new())]),
    ("busy", |_| vec![Answer::Done(51, Vec::new())]),
    ("unknown code", |answers| end_with(answers, Answer::Done(99, Vec::new()))),
    ("reference", |mut answers| {
        answers.insert(0, Answer::Reference("ldap://dc.example/DC=child,DC=example,DC=com"));
        answers
    }),
    ("closed at once", |_| vec![Answer::Close]),
    ("closed before the end", |answers| end_with(answers, Answer::Close)),
    ("silence", |answers| end_with(answers, Answer::Silence)),
    ("disconnection", |_| {
        let name = tlv(0x8a, b"1.3.6.1.4.1.1466.20036");
        let notice = sequence(0x78, &[tlv(10, &[52]), text(""), text("bye"), name]);
        vec![Answer::Bytes(message(&[0], &[notice])), Answer::Close]
    }),
    ("disconnection of Active Directory", |_| {
        let notice = sequence(0x78, &[tlv(10, &[52]), text(""), text("bye")]);
        vec![Answer::Bytes(message(&[0], &[notice, tlv(0x8a, b"1.3.6.1.4.1.1466.20036")])), Answer::Close]
    }),
    ("not BER", |_| vec![Answer::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Answer::Close]),
    ("no sequence", |_| vec![Answer::Bytes(tlv(4, b"hello"))]),
    ("empty message", |_| vec![Answer::Bytes(tlv(0x30, b""))]),
    ("control without value", |answers| end_with(answers, Answer::DoneWithControl(Vec::new()))),
    ("control of text", |answers| end_with(answers, Answer::DoneWithControl(text("x")))),
    ("control without cookie", |answers| end_with(answers, Answer::DoneWithControl(sequence(0x30, &[tlv(2, &[0])])))),
    ("entry without attributes", |_| vec![Answer::Message(sequence(0x64, &[text("cn=x")])), Answer::Done(0, vec![])]),
    ("entry whose name is no text", |mut answers| {
        answers.insert(0, Answer::Message(sequence(0x64, &[text([255]), sequence(0x30, &[])])));
        answers
    }),
    ("unknown operation", |_| vec![Answer::Message(sequence(0x7e, &[])), Answer::Close]),
    ("result without code", |answers| end_with(answers, Answer::Message(sequence(0x65, &[])))),
];

#[tokio::test]
async fn every_fault_at_every_search_leaves_a_list_open() {
    let mut reads = Vec::new();
    for number in 0..SEARCHES {
        for &(name, fault) in FAULTS {
            reads.push(tokio::spawn(async move { (number, name, read_with(number, fault).await) }));
        }
    }
    for read in reads {
        let (number, name, read) = read.await.expect("nothing panics");
        let read = read.expect("a fault in a search is no wrong setting");
        let whole = read.whole_lists();
        // A fault among the people leaves the group as it is: its members are looked up one by one.
        match number {
            0..3 => assert!(!whole.0, "{name} at search {number}: {:?}", read.reading),
            _ => assert!(whole.0 && !whole.1, "{name} at search {number}: {:?}", read.reading),
        }
        assert!(!whole.1 || read.counts().1 == PEOPLE, "{name} at search {number}: {:?}", read.reading);
    }
}

#[tokio::test]
async fn damaged_messages_neither_panic_nor_hang() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut reads = Vec::new();
    for _ in 0..150 {
        let (number, seed) = (random.usize(0..SEARCHES), random.u64(..));
        reads.push(tokio::spawn(read_with(number, move |answers| {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut bytes: Vec<u8> = answers.iter().flat_map(|answer| answer.bytes(&[random.u8(1..8)])).collect();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(0..bytes.len());
                bytes[at] = random.u8(..);
            }
            vec![Answer::Bytes(bytes)]
        })));
    }
    for read in reads {
        read.await.expect("nothing panics");
    }
}

#[tokio::test]
async fn another_server_answers_for_one_that_sends_garbage() {
    let garbage = |_: usize, _: &Search| vec![Answer::DoneWithControl(text("x"))];
    let (bad, good) = (serve(garbage).await, serve(|_, search| correct(search)).await);
    let read = try_read(LdapSettings { url: vec![bad, good], ..of("") }, &["Everyone"]).await.expect("it is read");
    assert_eq!((read.whole_lists(), read.counts()), ((true, true), (PEOPLE, PEOPLE)));
}

#[tokio::test]
async fn parts_that_do_not_fit_together_are_no_list() {
    type Parts = fn() -> Answer;
    let wrong: &[(&str, usize, Parts)] = &[
        ("a part is left out", 4, || group("member;range=4-*", 4..6)),
        ("the same part again", 4, || group("member;range=0-1", 0..2)),
        ("a part that ends before it begins", 4, || group("member;range=2-0", 2..4)),
        ("not from the beginning", 3, || group("member;range=2-*", 2..6)),
        ("bounds that are no numbers", 3, || group("member;range=a-b", 0..2)),
        ("an unknown option", 3, || group("member;lang-en", 0..6)),
        ("no part", 4, || group("cn", 0..0)),
        ("no bounds", 5, || group("member", 4..6)),
        ("members that are no text", 3, || {
            let values = vec![b"cn=p0,dc=example,dc=com".to_vec(), vec![0xff]];
            let fields = vec![("cn".to_owned(), vec![b"Everyone".to_vec()]), ("member".to_owned(), values)];
            Answer::Entry("cn=Everyone,dc=example,dc=com".to_owned(), fields)
        }),
        ("members that are no text, in a part", 5, || {
            let field = ("member;range=4-*".to_owned(), vec![vec![0xff]]);
            Answer::Entry("cn=Everyone,dc=example,dc=com".to_owned(), vec![field])
        }),
    ];
    for &(name, number, part) in wrong {
        let read = read_with(number, move |_| vec![part(), Answer::Done(0, Vec::new())]).await.expect("it is read");
        assert_eq!(read.whole_lists(), (true, false), "{name}: {:?}", read.reading);
        assert!(!read.reading.groups["Everyone"].members.gaps().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_a_page_is_left() {
    let read = read_with(1, |_| vec![Answer::Done(0, vec![2])]).await.expect("it is read");
    assert_eq!(read.whole_lists(), (true, true), "one empty page does no harm");
    let endless = |_: usize, search: &Search| match search.cookie.is_empty() {
        true => correct(search),
        false => vec![Answer::Done(0, search.cookie.clone())],
    };
    let read = try_read(of(&serve(endless).await), &["Everyone"]).await.expect("it is read");
    assert_eq!(read.reading.people.gaps()[0].cause, GapCause::Interrupted);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_asked_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let script = move |_: usize, search: &Search| match search.attributes.iter().any(|name| name == "cn") {
        true if !search.base.starts_with("cn=p") => vec![group("member", 10..110), Answer::Done(0, Vec::new())],
        true => {
            count.fetch_add(1, Ordering::SeqCst);
            vec![Answer::Silence]
        }
        false => correct(search),
    };
    let read = try_read(of(&serve(script).await), &["Everyone"]).await.expect("it is read");
    assert_eq!(read.whole_lists(), (true, false));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "nobody waits for a hundred members one by one");
}

#[tokio::test]
async fn members_that_only_a_list_of_people_shows_need_it_whole() {
    // By `uid`, or by the number of a person's primary group: the group itself does not name them.
    for attribute in ["memberUid", "objectSid"] {
        for limit in [0, 4] {
            let script = move |_: usize, search: &Search| {
                if search.attributes.iter().any(|name| name == "cn") {
                    let mut fields = vec![("cn".to_owned(), vec![b"Everyone".to_vec()])];
                    fields.push(("objectSid".to_owned(), vec![[1, 1, 0, 0, 0, 0, 0, 5, 1, 2, 0, 0xff].to_vec()]));
                    if attribute == "memberUid" {
                        fields.push((attribute.to_owned(), vec![b"p0".to_vec(), b"p5".to_vec()]));
                    }
                    let entry = Answer::Entry("cn=Everyone,dc=example,dc=com".to_owned(), fields);
                    return vec![entry, Answer::Done(0, Vec::new())];
                }
                let mut page = Vec::new();
                for number in 0..if limit == 0 { 6 } else { 3 } {
                    let Answer::Entry(dn, mut fields) = person(number) else { continue };
                    fields.push(("uid".to_owned(), vec![format!("p{number}").into_bytes()]));
                    fields.push(("primaryGroupID".to_owned(), vec![0xff00_0201_u32.to_string().into_bytes()]));
                    page.push(Answer::Entry(dn, fields));
                }
                page.push(Answer::Done(limit, Vec::new()));
                page
            };
            let read = try_read(of(&serve(script).await), &["Everyone"]).await.expect("it is read");
            assert_eq!(read.whole_lists(), (limit == 0, limit == 0), "{attribute} {limit}: {:?}", read.reading);
        }
    }
}

#[tokio::test]
async fn a_name_in_another_spelling_is_the_same_member() {
    let script = |_: usize, search: &Search| match search.base.as_str() {
        "2.5.4.3=p0,dc=example,dc=com" => vec![person(0), Answer::Done(0, Vec::new())],
        _ if search.attributes.iter().any(|name| name == "cn") => {
            let members = ["2.5.4.3=p0,dc=example,dc=com".to_owned()];
            let cn = ["Everyone".to_owned()];
            let sid = ["identifier-1".to_owned()];
            let fields = [("cn", &cn[..]), ("objectSid", &sid), ("member", &members)];
            let entry = Answer::entry("cn=Everyone,dc=example,dc=com", &fields);
            vec![entry, Answer::Done(0, Vec::new())]
        }
        _ => correct(search),
    };
    let read = try_read(of(&serve(script).await), &["Everyone"]).await.expect("it is read");
    assert_eq!((read.whole_lists(), read.counts()), ((true, true), (PEOPLE, 1)), "{:?}", read.reading);
}

#[tokio::test]
async fn hidden_primary_groups_leave_groups_open() {
    // Nobody is named in the group that is their primary one: the number in the person shows who is in it.
    for hidden in ["objectSid", "primaryGroupID"] {
        let script = move |_: usize, search: &Search| {
            let mut answers = correct(search);
            for answer in &mut answers {
                if let Answer::Entry(_, fields) = answer {
                    fields.retain(|(name, _)| name != hidden);
                }
            }
            answers
        };
        let read = try_read(of(&serve(script).await), &["Everyone"]).await.expect("it is read");
        assert_eq!(read.whole_lists(), (true, false), "{hidden}");
        assert_eq!(read.cause("Everyone"), GapCause::Refused);
        assert!(read.reading.groups["Everyone"].members.gaps()[0].detail.contains(hidden));
    }
}

/// People 0 to 4 and their group, which names one more. The search for that member is answered with this code.
fn with_one_more(code: u8) -> impl Fn(usize, &Search) -> Vec<Answer> + Send + Sync + 'static {
    move |_, search| match search.base.as_str() {
        base if base.starts_with("cn=p5") => vec![Answer::Done(code, Vec::new())],
        _ if search.attributes.iter().any(|name| name == "cn") => {
            vec![group("member", 0..6), Answer::Done(0, Vec::new())]
        }
        _ => (0..5).map(person).chain([Answer::Done(0, Vec::new())]).collect(),
    }
}

#[tokio::test]
async fn a_member_who_is_not_found_may_be_hidden() {
    for (preset, missing, is_whole) in [
        (LdapPreset::Ad, None, false),
        (LdapPreset::Ad, Some(MissingMembers::Gone), true),
        (LdapPreset::OpenLdap, None, true),
        (LdapPreset::OpenLdap, Some(MissingMembers::Hidden), false),
    ] {
        let settings = LdapSettings {
            preset: Some(preset),
            id: Some("objectGUID".to_owned()),
            missing_members: missing,
            ..of(&serve(with_one_more(32)).await)
        };
        // The scripted entries have a class of Active Directory.
        let read = try_read(settings, &["Everyone"]).await.expect("it is read");
        assert_eq!(read.whole_lists(), (true, is_whole), "{preset:?} {missing:?}: {:?}", read.reading);
        if !is_whole {
            assert_eq!(read.cause("Everyone"), GapCause::Refused);
        }
    }
}

#[tokio::test]
async fn references_can_be_ignored_but_not_members_elsewhere() {
    let child = "ldap://child.example/DC=child,DC=example,DC=com";
    let script = move |_: usize, search: &Search| {
        let mut answers = correct(search);
        answers.insert(0, Answer::Reference(child));
        answers
    };
    for (ignore, is_whole) in [(None, false), (Some(false), false), (Some(true), true)] {
        let settings = LdapSettings { ignore_referrals: ignore, ..of(&serve(script).await) };
        let read = try_read(settings, &["Everyone"]).await.expect("it is read");
        assert_eq!(read.whole_lists(), (is_whole, is_whole), "{ignore:?}: {:?}", read.reading);
    }
    // The server says that another one knows this member.
    let settings = LdapSettings { ignore_referrals: Some(true), ..of(&serve(with_one_more(10)).await) };
    let read = try_read(settings, &["Everyone"]).await.expect("it is read");
    assert_eq!((read.whole_lists(), read.cause("Everyone")), ((true, false), GapCause::Referral));
}
