//! Tables for a terminal: the widths of the columns, and where cells break into lines.
//!
//! If a table is wider than the terminal, its lists break first, then texts between their words. A word breaks only if that
//! is not enough, and an address never does.

use std::io::{self, Write};

use anstyle::Style;
use textwrap::{
    Options, WordSeparator, WordSplitter, WrapAlgorithm,
    core::{Word, break_words, display_width},
    wrap_algorithms::wrap_first_fit,
};

use super::record::{Cell, shortened};

/// The number of rows of a sheet.
const ROWS: usize = 1000;

/// The blanks between two columns.
const GAP: usize = 2;

/// The width down to which the words of lists may be broken.
const NARROW_LIST: usize = 8;

/// The width down to which the words of other texts may be broken.
const NARROW_TEXT: usize = 10;

/// A table for a terminal. A long table is split into sheets, each with a header and column widths of its own.
pub(super) struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<Shown>>,
    width: usize,
}

/// A cell in the form in which it is shown.
enum Shown {
    Text(String),
    Number(String),
    List(Vec<String>),
}

/// What is known of the cells of a column.
struct Column {
    /// The width of the widest cell.
    natural: usize,
    /// The width of the longest word.
    longest_word: usize,
    has_lists: bool,
    has_numbers: bool,
    /// The width of the longest word that must not be broken: of the header or of an address.
    unbroken: usize,
}

impl Shown {
    fn of(cell: Cell<'_>) -> Self {
        match cell {
            Cell::List(items) => Self::List(items.iter().map(|item| shortened(item)).collect()),
            Cell::Number(number) => Self::Number(number.to_string()),
            other => Self::Text(shortened(&other.into_text())),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Text(text) | Self::Number(text) => display_width(text),
            Self::List(items) => {
                let separators = items.len().saturating_sub(1) * ", ".len();
                items.iter().map(|item| display_width(item)).sum::<usize>() + separators
            }
        }
    }

    /// The words, those of a list with the commas behind them.
    fn words(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::Text(text) | Self::Number(text) => std::slice::from_ref(text),
            Self::List(items) => items,
        };
        texts.iter().flat_map(|text| text.split(' '))
    }

    /// The lines in a column of this width.
    fn lines(&self, width: usize) -> Vec<String> {
        match self {
            Self::Text(text) | Self::Number(text) => {
                let options = Options::new(width)
                    .word_separator(WordSeparator::AsciiSpace)
                    .word_splitter(WordSplitter::NoHyphenation)
                    .wrap_algorithm(WrapAlgorithm::FirstFit);
                textwrap::wrap(text, options).into_iter().map(|line| line.into_owned()).collect()
            }
            Self::List(items) => list_lines(items, width),
        }
    }
}

/// Breaks a list between its items, and an item only if it is wider than the column.
fn list_lines(items: &[String], width: usize) -> Vec<String> {
    let last = items.len().saturating_sub(1);
    let separated = |(index, item): (usize, &String)| format!("{item}{}", if index < last { ", " } else { "" });
    let separated: Vec<String> = items.iter().enumerate().map(separated).collect();
    let words = separated.iter().flat_map(|item| match display_width(item.trim_end()) > width {
        true => break_words(WordSeparator::AsciiSpace.find_words(item), width),
        false => vec![Word::from(item)],
    });
    let words: Vec<Word<'_>> = words.collect();
    let line = |words: &[Word<'_>]| {
        let line: String = words.iter().flat_map(|word| [word.word, word.whitespace]).collect();
        line.trim_end_matches(' ').to_owned()
    };
    wrap_first_fit(&words, &[width as f64]).into_iter().map(line).collect()
}

impl Column {
    fn of(name: &str, cells: &[&Shown], terminal: usize) -> Self {
        let name_width = display_width(name);
        let words = || cells.iter().flat_map(|cell| cell.words());
        let widest = |width: usize, word: &str| width.max(display_width(word));
        let addresses = words().filter(|word| word.contains('@'));
        Self {
            natural: cells.iter().map(|cell| cell.width()).max().unwrap_or_default().max(name_width),
            longest_word: words().fold(name_width, widest).min(terminal),
            has_lists: cells.iter().any(|cell| matches!(cell, Shown::List(_))),
            has_numbers: cells.iter().any(|cell| matches!(cell, Shown::Number(_))),
            // An address that is wider than the terminal breaks in any case.
            unbroken: addresses.fold(name_width, widest).min(terminal),
        }
    }

    fn narrow(&self) -> usize {
        let narrow = if self.has_lists { NARROW_LIST } else { NARROW_TEXT };
        self.unbroken.max(narrow.min(self.longest_word))
    }
}

/// Chooses the widths of columns, so that they fit the terminal if possible.
fn widths(columns: &[Column], terminal: usize) -> Vec<usize> {
    let available = terminal.saturating_sub(GAP * columns.len().saturating_sub(1));
    let mut widths: Vec<usize> = columns.iter().map(|column| column.natural).collect();
    let is_list = |column: &&Column| column.has_lists;
    let is_other = |column: &&Column| !column.has_lists;
    shrink(&mut widths, columns, available, is_list, |column| column.longest_word.max(NARROW_LIST));
    shrink(&mut widths, columns, available, is_other, |column| column.longest_word);
    shrink(&mut widths, columns, available, is_list, Column::narrow);
    shrink(&mut widths, columns, available, is_other, Column::narrow);
    widths
}

/// Narrows the widest of the selected columns first, none below its lowest width.
fn shrink(
    widths: &mut [usize],
    columns: &[Column],
    available: usize,
    is_selected: impl Fn(&&Column) -> bool,
    lowest: impl Fn(&Column) -> usize,
) {
    let mut surplus = widths.iter().sum::<usize>().saturating_sub(available);
    while surplus > 0 {
        let selected = widths.iter_mut().zip(columns).filter(|(_, column)| is_selected(column));
        let mut shrinkable: Vec<(&mut usize, usize)> = selected
            .map(|(width, column)| (width, lowest(column)))
            .filter(|(width, lowest)| **width > *lowest)
            .collect();
        shrinkable.sort_by_key(|(width, _)| std::cmp::Reverse(**width));
        let next_widest = shrinkable.get(1).map_or(0, |(width, _)| **width);
        let Some((widest, lowest)) = shrinkable.first_mut() else { return };
        // Down to the width of the next one, and then a bit further, so that both become narrower in turn.
        let cut = (**widest - (*lowest).max(next_widest.min(**widest - 1))).clamp(1, surplus);
        **widest -= cut;
        surplus -= cut;
    }
}

impl Sheet {
    pub(super) fn new(header: impl IntoIterator<Item = &'static str>, width: usize) -> Self {
        Self { header: header.into_iter().map(str::to_uppercase).collect(), rows: Vec::new(), width: width.max(1) }
    }

    pub(super) fn push<'a>(&mut self, row: impl Iterator<Item = Cell<'a>>, out: &mut impl Write) -> io::Result<()> {
        self.rows.push(row.map(Shown::of).collect());
        if self.rows.len() >= ROWS { self.write(out) } else { Ok(()) }
    }

    /// Writes the rows in memory as a sheet.
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let cells_of = |index: usize| rows.iter().filter_map(|row| row.get(index)).collect::<Vec<_>>();
        let columns: Vec<Column> = self
            .header
            .iter()
            .enumerate()
            .map(|(index, name)| Column::of(name, &cells_of(index), self.width))
            .collect();
        let widths = widths(&columns, self.width);
        let bold = Style::new().bold();
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        writeln!(out, "{bold}{}{bold:#}", padded(&header, &columns, &widths))?;
        for row in &rows {
            let cells: Vec<Vec<String>> = row.iter().zip(&widths).map(|(cell, width)| cell.lines(*width)).collect();
            for line in 0..cells.iter().map(Vec::len).max().unwrap_or_default().max(1) {
                let parts: Vec<&str> = cells.iter().map(|lines| lines.get(line).map_or("", String::as_str)).collect();
                writeln!(out, "{}", padded(&parts, &columns, &widths))?;
            }
        }
        Ok(())
    }
}

/// Joins the parts of a line, with numbers to the right.
fn padded(parts: &[&str], columns: &[Column], widths: &[usize]) -> String {
    let mut line = String::new();
    for (index, ((part, column), width)) in parts.iter().zip(columns).zip(widths).enumerate() {
        if index > 0 {
            line += &" ".repeat(GAP);
        }
        let padding = " ".repeat(width.saturating_sub(display_width(part)));
        match column.has_numbers {
            true => line = line + &padding + part,
            false => line = line + part + &padding,
        }
    }
    line.truncate(line.trim_end_matches(' ').len());
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sheet(header: &[&'static str], width: usize, rows: &[Vec<Cell<'_>>]) -> Vec<String> {
        let (mut sheet, mut out) = (Sheet::new(header.iter().copied(), width), Vec::new());
        for row in rows {
            sheet.push(row.iter().cloned(), &mut out).unwrap();
        }
        sheet.write(&mut out).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap())
            .to_string()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn lists_break_first_and_addresses_never() {
        let groups = names(&["Creative Cloud All Apps", "Design", "Photoshop"]);
        let rows = [
            vec!["maximilian.mustermann@example.com".into(), "Max Emanuel".into(), (&groups).into()],
            vec!["佐藤@example.com".into(), "Bob".into(), (&groups[1..]).into()],
        ];
        assert_eq!(
            sheet(&["email", "firstname", "groups"], 80, &rows),
            [
                "EMAIL                              FIRSTNAME    GROUPS",
                "maximilian.mustermann@example.com  Max Emanuel  Creative Cloud All Apps, Design,",
                "                                                Photoshop",
                "佐藤@example.com                   Bob          Design, Photoshop",
            ]
        );
        assert_eq!(
            sheet(&["email", "firstname", "groups"], 56, &rows),
            [
                "EMAIL                              FIRSTNAME   GROUPS",
                "maximilian.mustermann@example.com  Max         Creative",
                "                                   Emanuel     Cloud All",
                "                                               Apps,",
                "                                               Design,",
                "                                               Photoshop",
                "佐藤@example.com                   Bob         Design,",
                "                                               Photoshop",
            ]
        );
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let rows = [vec!["Design".into(), Cell::Number(7)], vec!["Sales".into(), Cell::Number(12345)]];
        assert_eq!(sheet(&["name", "count"], 80, &rows), ["NAME    COUNT", "Design      7", "Sales   12345"]);
        let rows = [vec!["UNLIMITED".into(), "x".into()], vec![Cell::Number(5), "y".into()]];
        assert_eq!(sheet(&["quota", "of"], 80, &rows), ["    QUOTA  OF", "UNLIMITED  x", "        5  y"]);
    }

    #[test]
    fn enormous_names_are_shortened() {
        let huge = "x".repeat(1 << 20);
        let list = vec![huge.clone(); 3];
        let rows = [vec![huge.as_str().into(), (&list).into()], vec!["a@b.c".into(), Cell::Missing]];
        let lines = sheet(&["name", "groups"], 80, &rows);
        assert!(lines.len() < 400, "{}", lines.len());
        assert!(lines.iter().any(|line| line.contains("(1048576 characters)")), "{lines:?}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_width_is_kept(
            text in "[a-z ]{0,60}", items in proptest::collection::vec("[a-z]{1,30}", 0..5), width in 30_usize..100
        ) {
            let address = "ann@b.c";
            let lines = sheet(&["user", "text", "list"], width, &[vec![address.into(), text.as_str().into(), (&items).into()]]);
            prop_assert!(lines.iter().all(|line| display_width(line) <= width), "{:?}", lines);
            prop_assert!(lines[1].starts_with(address));
            let letters = |text: &str| text.chars().filter(|letter| letter.is_alphabetic()).count();
            let shown: usize = lines[1..].iter().map(|line| letters(line)).sum();
            prop_assert_eq!(shown, letters(address) + letters(&text) + items.iter().map(|item| item.len()).sum::<usize>());
        }
    }
}
