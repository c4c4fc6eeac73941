//! Tests of the redaction: spellings of one secret, and of random ones.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// A way in which a server may write what it got.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    Percent,
    PercentLowerCase,
    PercentEverything,
    Form,
    Json,
    JsonSlash,
    JsonUnicode,
    JsonUnicodeCapitals,
    HtmlNames,
    HtmlNumbers,
    HtmlHexadecimal,
    QuotedPrintable,
    QuotedPrintableLowerCase,
    AsItIs,
}

use Spelling::*;

const SPELLINGS: [Spelling; 14] = [
    Percent,
    PercentLowerCase,
    PercentEverything,
    Form,
    Json,
    JsonSlash,
    JsonUnicode,
    JsonUnicodeCapitals,
    HtmlNames,
    HtmlNumbers,
    HtmlHexadecimal,
    QuotedPrintable,
    QuotedPrintableLowerCase,
    AsItIs,
];

impl Spelling {
    fn write(self, text: &str) -> String {
        let bytes = |format: fn(&mut String, u8)| {
            text.bytes().fold(String::new(), |mut written, byte| {
                if byte.is_ascii_alphanumeric() {
                    written.push(byte as char)
                } else {
                    format(&mut written, byte)
                }
                written
            })
        };
        let chars = |format: fn(&mut String, char)| {
            text.chars().fold(String::new(), |mut written, c| {
                if c.is_ascii_alphanumeric() {
                    written.push(c)
                } else {
                    format(&mut written, c)
                }
                written
            })
        };
        match self {
            AsItIs => text.to_owned(),
            Percent => bytes(|to, byte| write!(to, "%{byte:02X}").unwrap()),
            PercentLowerCase => bytes(|to, byte| write!(to, "%{byte:02x}").unwrap()),
            PercentEverything => text.bytes().fold(String::new(), |mut to, byte| {
                write!(to, "%{byte:02x}").unwrap();
                to
            }),
            Form => url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            Json => {
                let quoted = serde_json::to_string(text).unwrap();
                quoted[1..quoted.len() - 1].to_owned()
            }
            JsonSlash => Json.write(text).replace('/', "\\/"),
            JsonUnicode => {
                chars(|to, c| c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(to, "\\u{unit:04x}").unwrap()))
            }
            JsonUnicodeCapitals => {
                chars(|to, c| c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(to, "\\u{unit:04X}").unwrap()))
            }
            HtmlNames => {
                let names = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&apos;")];
                names.iter().fold(text.to_owned(), |text, (plain, name)| text.replace(plain, name))
            }
            HtmlNumbers => chars(|to, c| write!(to, "&#{};", c as u32).unwrap()),
            HtmlHexadecimal => chars(|to, c| write!(to, "&#x{:x};", c as u32).unwrap()),
            QuotedPrintable => bytes(|to, byte| write!(to, "={byte:02X}").unwrap()),
            QuotedPrintableLowerCase => bytes(|to, byte| write!(to, "={byte:02x}").unwrap()),
        }
    }
}

const SECRET: &str = "s8e/pla\"nted +&=%41<é>'\\n";

#[test]
fn an_echo_is_redacted_in_every_spelling_and_in_two() {
    for first in SPELLINGS {
        for second in SPELLINGS {
            let echo = second.write(&first.write(SECRET));
            assert_eq!(redact(format!("<{echo}>"), &[SECRET]), "<[redacted]>", "{first:?}, then {second:?}: {echo}");
            let body = redact_success(format!("<{echo}>").as_bytes(), &[SECRET]);
            assert_eq!(body.as_deref(), Some(&b"<[redacted]>"[..]), "{first:?}, then {second:?}: {echo}");
        }
    }
}

#[test]
fn the_spellings_of_the_security_table_are_redacted() {
    let secret = "s8e/pla\"nted&x=y";
    for echo in [
        "s8e%2Fpla%22nted%26x%3Dy",
        "s8e%2fpla%22nted%26x%3dy",
        "s8e%252fpla%2522nted%2526x%253dy",
        "s8e\\/pla\\\"nted&x=y",
        "s8e\\u002fpla\\u0022nted\\u0026x\\u003dy",
        "s8e/pla&quot;nted&amp;x=y",
        "s8e&#47;pla&#x22;nted&amp;x&#61;y",
        "s8e/pla\"nted&x=3Dy",
        "s8e/pla\"nt=\r\ned&x=3Dy",
        "s8e/pla\"\r\n nted&x=y",
        "s8e/pla\"\\nnted&x=y",
        "S8E/PLA\"NTED&X=Y",
        "7338652f706c61226e74656426783d79",
    ] {
        assert_eq!(redact(format!("<{echo}>"), &[secret]), "<[redacted]>", "{echo}");
    }
}

#[test]
fn a_basic_login_is_redacted() {
    let secret = "s8e/planted+secret?~";
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for spelled in [secret, &form] {
        for id in ["", "i", "id", "client-id"] {
            let login = format!("{id}:{spelled}");
            let standard = BASE64_STANDARD.encode(&login);
            let url_safe = standard.replace('+', "-").replace('/', "_");
            let folded = standard
                .as_bytes()
                .chunks(7)
                .map(|line| String::from_utf8_lossy(line))
                .collect::<Vec<_>>()
                .join("\r\n");
            let escaped: String = url::form_urlencoded::byte_serialize(standard.as_bytes()).collect();
            for echo in [standard, url_safe, escaped] {
                let text = redact(format!("Basic {echo}."), &[secret]);
                assert!(
                    text == "Basic [redacted]." || text == "Basic [redacted]%3D." || text == "Basic [redacted]%3D%3D.",
                    "{echo}: {text}"
                );
            }
            let text = redact(format!("Basic {folded}."), &[secret]);
            let left: String =
                text.replace("Basic ", "").replace(REDACTED, "").chars().filter(char::is_ascii_alphanumeric).collect();
            assert!(text.contains(REDACTED) && left.len() <= BASE64_STANDARD.encode(id).len() + 7, "{folded}: {text}");
        }
    }
}

#[test]
fn tokens_are_redacted_and_words_are_not() {
    let token = format!("eyJ{}.eyJ{}.sig", "a".repeat(30), "b".repeat(30));
    assert_eq!(redact(format!(r#"{{"t":"{token}"}}"#), &[]), r#"{"t":"[redacted]"}"#);
    assert_eq!(redact(format!("%22{token}%22"), &[]), "%22[redacted]%22");
    let user = "User Id does not exist: geoffrey.montgomery-smithson@example.com; they say the keys are eyed";
    assert_eq!(redact(user, &[]), user);
}

#[test]
fn an_echo_that_breaks_off_is_redacted() {
    assert_eq!(redact("<planted-sec", &["planted-secret"]), "<[redacted]");
    assert_eq!(redact("<planted%2dsec%7", &["planted-sec~ret"]), "<[redacted]");
    assert_eq!(redact("<plant", &["planted-secret"]), "<plant");
}

#[test]
fn a_long_text_is_shortened_after_redaction() {
    let text = format!("{}planted-secret", "é".repeat(MAX_LENGTH - 3));
    assert_eq!(redact(&text, &["planted-secret"]).chars().count(), MAX_LENGTH);
    assert!(!redact(&text, &["planted-secret"]).contains("pla"));
}

#[test]
fn an_echo_in_a_header_is_redacted() {
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("x-request-id", "r-1"), ("x-debug", "planted%2Dsecret is wrong"), ("location", "/?t=planted-secret")]
    {
        headers.append(name, value.parse().unwrap());
    }
    redact_headers(&mut headers, &["planted-secret"]);
    assert_eq!(headers["x-request-id"], "r-1");
    assert_eq!(headers["x-debug"], "[redacted] is wrong");
    assert_eq!(headers["location"], "/?t=[redacted]");
}

#[test]
fn bytes_that_are_not_text_hide_nothing() {
    assert_eq!(redact(b"\xff\xfeplanted-secret\xff", &["planted-secret"]), "\u{fffd}\u{fffd}[redacted]\u{fffd}");
}

#[test]
fn a_short_secret_is_redacted_as_a_whole_word_only() {
    let body = r#"{"error":"invalid_client","error_description":"the secret r of client er is wrong: r."}"#;
    let redacted =
        r#"{"error":"invalid_client","error_description":"the secret [redacted] of client er is wrong: [redacted]."}"#;
    assert_eq!(redact(body, &["r"]), redacted);
    assert_eq!(redact(body, &["err"]), body);
    assert_eq!(redact("client_secret=err&x=terror", &["err"]), "client_secret=[redacted]&x=terror");
    // In a success response it would break the JSON.
    assert_eq!(redact_success(br#"{"result":"r"}"#, &["r"]), None);
}

#[test]
fn secrets_that_touch_or_contain_each_other_are_redacted_whole() {
    assert_eq!(redact("planted-1 planted-12", &["planted-1", "planted-12"]), "[redacted] [redacted]");
    assert_eq!(redact("planted-1planted-2x", &["planted-1", "planted-2"]), "[redacted]x");
    assert_eq!(redact("planted-1", &["planted-1"]), "[redacted]");
}

#[test]
fn a_long_page_is_searched_and_stays_json() {
    let users: String = (0..2000).map(|number| format!(r#"{{"email":"user{number}@example.com"}},"#)).collect();
    let page = format!(r#"{{"users":[{users}{{"email":"%45scaped-planted\u002dtoken"}}]}}"#);
    assert_eq!(redact_success(page.as_bytes(), &["other-token-of-thirty-characters"]), None);
    let kept = redact_success(page.as_bytes(), &["escaped-planted-token"]).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(json["users"][2000]["email"], REDACTED);
    assert_eq!(json["users"][1999]["email"], "user1999@example.com");
}

#[test]
fn ambiguous_texts_take_no_time() {
    for text in ["%25", "&amp;", "\\\\", "=3D", "\r\n"].map(|piece| piece.repeat(2000)) {
        redact(&text, &[&"%".repeat(200), &"&a".repeat(100), "\\\\\\\\\\\\\\\\x", "=3D=3D=3D=3D=3D=3Dx"]);
    }
}

/// Texts around an echo, of characters that begin no escape and end none.
const AROUND: &str = "[ <>{}\\[\\]:;,.!()\n]{0,30}";

proptest! {
    #[test]
    fn no_secret_survives(before in ".{0,40}", secret in "[!-~]{8,40}", after in ".{0,40}") {
        let redacted = redact(format!("{before}{secret}{after}"), &[&secret]);
        prop_assert!(!redacted.contains(&secret));
    }

    #[test]
    fn no_spelling_of_a_secret_survives(
        before in AROUND,
        secret in "[!-~é€𝄞]{8,40}",
        after in AROUND,
        spellings in proptest::collection::vec(proptest::sample::select(&SPELLINGS[..]), 0..=2),
    ) {
        let echo = spellings.iter().fold(secret.clone(), |text, spelling| spelling.write(&text));
        let redacted = redact(format!("{before}{echo}{after}"), &[&secret]);
        // A secret may end like the text after it begins, so only the echo must be gone.
        prop_assert!(!redacted.contains(&echo), "{redacted}");
        let pieces = secret.as_bytes().windows(6).filter(|piece| piece.iter().all(u8::is_ascii_alphanumeric));
        for piece in pieces {
            let piece = std::str::from_utf8(piece).unwrap();
            prop_assert!(!redacted.replace(REDACTED, "").contains(piece), "{piece} in {redacted}");
        }
    }

    #[test]
    fn no_base64_of_a_secret_survives(id in "[a-z]{0,9}", secret in "[!-~]{12,60}", after in "[a-z]{0,9}") {
        let echo = BASE64_STANDARD.encode(format!("{id}:{secret}{after}"));
        let redacted = redact(format!("Basic {echo}"), &[&secret]);
        prop_assert_eq!(redacted, "Basic [redacted]");
    }

    #[test]
    fn no_folded_secret_survives(secret in "[!-<>-~]{12,60}", width in 4_usize..20, end in "\r\n|\n|\r\n |\n\t|=\r\n") {
        let lines: Vec<_> = secret.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
        let redacted = redact(format!("<{}>", lines.join(&end)), &[&secret]);
        prop_assert_eq!(redacted, "<[redacted]>");
    }

    #[test]
    fn a_success_response_without_a_secret_is_kept(body in ".{0,200}", secret in "[0-9]{60}") {
        prop_assert_eq!(redact_success(body.as_bytes(), &[&secret]), None);
    }

    #[test]
    fn any_bytes_are_redacted(body in proptest::collection::vec(any::<u8>(), 0..200), secret in ".{0,40}") {
        redact(&body, &[&secret]);
        redact_success(&body, &[&secret]);
    }

    #[test]
    fn no_short_secret_survives_as_a_word(before in "[ =:]{0,3}", secret in "[a-z0-9]{1,7}", after in "[ &,]{0,3}") {
        let redacted = redact(format!("{before}{secret}{after}"), &[&secret]);
        prop_assert_eq!(redacted, format!("{before}{REDACTED}{after}"));
    }

    #[test]
    fn words_that_contain_a_short_secret_are_kept(secret in "[a-z]{1,7}") {
        let words = "unbelievably misunderstandings overgeneralized";
        prop_assert_eq!(redact(words, &[&secret]), words);
    }
}
