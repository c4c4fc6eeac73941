//! A report as a page of HTML that needs nothing else: no script, no font, no image, no request.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use umapi::plan::account::is_invisible;

use super::{Chart, Report, Table, Value};

/// Names come from many people, so even a mistake in the page must not load or run anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The number of rows of a table.
const ROWS: usize = 200;

/// The number of names in a cell.
const NAMES: usize = 20;

/// The longest text, in characters.
const TEXT: usize = 300;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: .5rem 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; }
p { margin: .25rem 0 .75rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
dl div { background: var(--soft); border-radius: .5rem; padding: .6rem .9rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
time { white-space: nowrap; }
dd { margin: 0; font-size: 1.6rem; line-height: 1.3; font-variant-numeric: tabular-nums; } dt { font-size: .9rem; }
.notes { border-inline-start: 4px solid #d96b0b; padding-inline-start: 1rem; } .notes ul { padding-inline-start: 1.2rem; margin: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 2.5rem; align-items: start; }
figure { margin: 1.5rem 0 0; max-width: 40rem; } figcaption { font-weight: 600; } figure p { font-size: .9rem; }
svg { display: block; width: 100%; height: auto; } svg text { fill: currentColor; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; } td { min-width: 4rem; } .number { text-align: end; font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td, td.number { display: block; border: 0; padding: .1rem 0; text-align: start; }
  td:empty { display: none; }
  td::before { content: attr(data-label) ': '; opacity: .75; }
}
@media print { .wide { overflow: visible; } tr, figure { break-inside: avoid; } }";

pub(super) fn page(report: &Report) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (report.title) " of " (clean(&report.organization)) ", " (report.as_of) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (report.title) }
                    p {
                        "Organization " (name(&report.organization)) ", "
                        @if let Some(since) = &report.since { "from " (time(since)) " to " } @else { "as of " }
                        (time(&report.as_of)) "."
                    }
                    dl { @for (label, figure) in &report.figures { div { dt { (label) } dd { (grouped(*figure)) } } } }
                    @if !report.notes.is_empty() {
                        div.notes role="note" { ul { @for note in &report.notes { li { (name(note)) } } } }
                    }
                    div.charts { @for (number, shown) in report.charts.iter().enumerate() { (chart(number, shown)) } }
                    @for table in &report.tables { (section(table)) }
                }
            }
        }
    }
    .into_string()
}

fn chart(number: usize, chart: &Chart) -> Markup {
    html! {
        @if !chart.is_empty() && let Some(svg) = chart.to_svg(number) {
            figure {
                figcaption { (chart.title) }
                (PreEscaped(svg))
                @if let Some(caption) = chart.caption() { p { (caption) } }
            }
        }
    }
}

fn section(table: &Table) -> Markup {
    let heading = format!("table-{}", table.name);
    html! {
        section aria-labelledby=(heading) {
            h2 id=(heading) { (table.title) }
            @if !table.about.is_empty() { p { (clean(&table.about)) } }
            @if table.rows.is_empty() {
                p { "None." }
            } @else {
                @if table.rows.len() > ROWS {
                    p { "The first " (ROWS) " of " (grouped(table.rows.len() as u64)) "; the CSV and JSON have all." }
                }
                (rows(table))
            }
        }
    }
}

/// A table that is a list of cards on a narrow screen.
fn rows(table: &Table) -> Markup {
    let labels: Vec<String> = table.columns.iter().map(|column| label(column)).collect();
    let is_number = |place: usize| table.rows.iter().any(|row| matches!(row.get(place), Some(Value::Number(_))));
    let numbers: Vec<bool> = (0..labels.len()).map(is_number).collect();
    let class = |is_number: bool| is_number.then_some("number");
    html! {
        div.wide {
            table {
                thead { tr {
                    @for (label, is_number) in labels.iter().zip(&numbers) { th scope="col" class=[class(*is_number)] { (label) } }
                } }
                tbody {
                    @for row in table.rows.iter().take(ROWS) {
                        tr {
                            @for ((label, is_number), value) in labels.iter().zip(&numbers).zip(row) {
                                td data-label=(label) class=[class(*is_number)] { (cell(value)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(value: &Value) -> Markup {
    html! {
        @match value {
            Value::Missing => {}
            Value::Text(text) => (name(text)),
            Value::Number(number) => (grouped(*number)),
            Value::Names(names) => {
                @for (place, one) in names.iter().take(NAMES).enumerate() { @if place > 0 { ", " } (name(one)) }
                @if names.len() > NAMES { " and " (grouped((names.len() - NAMES) as u64)) " more" }
            }
        }
    }
}

/// A column as a heading: `left_groups` becomes `Left groups`.
fn label(column: &str) -> String {
    let words = if column == "as_of" { "date".to_owned() } else { column.replace('_', " ") };
    let mut characters = words.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

fn time(text: &str) -> Markup {
    html! { time datetime=(text) { (text.replace('T', " ").replace('Z', " UTC")) } }
}

/// A number with separators: `1,331`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Text from outside, which cannot change the direction of what is around it.
fn name(text: &str) -> Markup {
    let text = clean(text);
    html! {
        @match text.char_indices().nth(TEXT) {
            None => bdi { (text) },
            Some((end, _)) => bdi { (text.get(..end).unwrap_or_default()) "…" },
        }
    }
}

/// Text without characters that hide or reorder others.
pub(super) fn clean(text: &str) -> String {
    let is_hidden = |character: char| character != '\n' && is_invisible(character);
    text.chars().map(|character| if is_hidden(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{memberships, organization::tests::organization};

    #[test]
    fn names_can_do_nothing_to_the_page() {
        let evil = "<script>alert(1)</script>\"'&\u{202e}\u{200b}";
        let user = serde_json::json!({"id": evil, "email": evil, "domain": evil, "firstname": evil, "groups": [evil]});
        let group = serde_json::json!({"groupName": evil, "type": "USER_GROUP", "productName": evil});
        let mut organization = organization(serde_json::json!([group]), serde_json::json!([user]));
        organization.id = evil.to_owned();
        let page = page(&memberships(&organization, &[evil.to_owned()]));
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains(['\u{202e}', '\u{200b}']), "{page}");
        for outside in ["http://", "https://", "src=", "href=", "url(", "@import"] {
            assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(outside), "{outside}: {page}");
        }
    }

    #[test]
    fn long_tables_and_cells_are_cut_with_a_note() {
        let names: Vec<String> = (0..30).map(|number| format!("group {number}")).collect();
        let rows = vec![vec!["x".repeat(400).as_str().into(), names.into()]; 1_234];
        let table = Table { name: "t", title: "T", about: "".into(), columns: &["user", "groups"], rows };
        let html = section(&table).into_string();
        assert!(html.contains("The first 200 of 1,234; the CSV and JSON have all."), "{html}");
        assert_eq!(html.matches("<tr>").count(), 201);
        assert!(html.contains("and 10 more") && html.contains("x…</bdi>"), "{html}");
    }

    #[test]
    fn columns_have_readable_headings() {
        assert_eq!(["left_groups", "as_of", "user"].map(label), ["Left groups", "Date", "User"]);
    }
}
