//! Charts of reports, as SVG inside of a page: readable on dark and light, and by screen readers.

use plotters::{
    coord::Shift,
    prelude::{
        Circle, Color as _, DrawingArea, IntoDrawingArea as _, IntoFont as _, PathElement, RGBColor, Rectangle,
        SVGBackend, Text,
    },
    style::RGBAColor,
};

use super::page::{clean, grouped};

/// The longest label in characters.
const LABEL: usize = 36;

/// The number of bars in a chart.
const BARS: usize = 15;

const WIDTH: i32 = 480;
const MARGIN: i32 = 4;
/// The height of a bar with its label.
const ROW: i32 = 40;
/// The height of the lines' area.
const HEIGHT: i32 = 180;
/// The height of an entry of the legend.
const LEGEND: i32 = 24;
const FONT: i32 = 18;

/// Colors that differ from each other and from both backgrounds, to people who see red and green alike, too.
const COLORS: [RGBColor; 5] = [
    RGBColor(0x2b, 0x7f, 0xc4),
    RGBColor(0xd9, 0x6b, 0x0b),
    RGBColor(0x1f, 0x95, 0x6f),
    RGBColor(0xb2, 0x5c, 0xa6),
    RGBColor(0x8a, 0x84, 0x20),
];

/// What is not used of a quota.
const REST: RGBColor = RGBColor(0x80, 0x88, 0x92);

/// Text, which the page's style gives the color of its text.
const INK: RGBColor = RGBColor(0x60, 0x66, 0x70);

/// A chart.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(super) title: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Bars { parts: [&'static str; 2], bars: Vec<Bar>, left_out: u64 },
    Lines { times: Vec<String>, lines: Vec<(String, Vec<Option<u64>>)> },
}

#[derive(Debug)]
struct Bar {
    label: String,
    figure: String,
    parts: [u64; 2],
    limit: Option<u64>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Chart {
    /// A chart of horizontal bars of two parts. The name of a part that is not used is empty.
    pub(super) fn bars(title: &'static str, parts: [&'static str; 2]) -> Self {
        Self { title, kind: Kind::Bars { parts, bars: Vec::new(), left_out: 0 } }
    }

    /// A chart of lines over time, oldest first.
    pub(super) fn lines(title: &'static str, times: Vec<String>) -> Self {
        Self { title, kind: Kind::Lines { times, lines: Vec::new() } }
    }

    /// Adds a bar, unless there are enough.
    pub(super) fn push(&mut self, label: &str, figure: String, parts: [u64; 2], limit: Option<u64>) {
        if let Kind::Bars { bars, left_out, .. } = &mut self.kind {
            if bars.len() < BARS {
                bars.push(Bar { label: shortened(label), figure, parts, limit });
            } else {
                *left_out += 1;
            }
        }
    }

    /// Adds a line with a value for each time.
    pub(super) fn push_line(&mut self, label: &str, values: Vec<Option<u64>>) {
        if let Kind::Lines { lines, .. } = &mut self.kind {
            lines.push((shortened(label), values));
        }
    }

    /// What a chart cannot show, for the text below it.
    pub(super) fn caption(&self) -> Option<String> {
        match &self.kind {
            Kind::Bars { left_out: 0, .. } | Kind::Lines { .. } => None,
            Kind::Bars { left_out, .. } => Some(format!("The first {BARS}; {left_out} more are in the table.")),
        }
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Bars { bars, .. } => bars.is_empty(),
            Kind::Lines { lines, .. } => lines.is_empty(),
        }
    }

    /// Draws it. `None` if it cannot be drawn.
    pub(super) fn to_svg(&self, number: usize) -> Option<String> {
        let height = match &self.kind {
            Kind::Bars { parts, bars, .. } => legend(*parts) + ROW * i32::try_from(bars.len()).ok()?,
            Kind::Lines { lines, .. } => HEIGHT + LEGEND * i32::try_from(lines.len() + 2).ok()?,
        };
        let mut svg = String::new();
        {
            let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            match &self.kind {
                Kind::Bars { parts, bars, .. } => draw_bars(&area, *parts, bars)?,
                Kind::Lines { times, lines } => draw_lines(&area, times, lines)?,
            }
            area.present().ok()?;
        }
        // Text that describes the chart is given once, as its name: the table behind it has the figures.
        let begin = format!("<svg role=\"img\" aria-labelledby=\"chart-{number}\" ");
        let svg = svg.replacen("<svg ", &begin, 1);
        let (head, body) = svg.split_once('>')?;
        Some(format!("{head}><title id=\"chart-{number}\">{}</title>{body}", self.title))
    }
}

fn text(area: &Area<'_>, text: &str, place: (i32, i32)) -> Option<()> {
    area.draw(&Text::new(text.to_owned(), place, ("sans-serif", FONT).into_font().color(&INK))).ok()
}

fn rectangle(area: &Area<'_>, from: (i32, i32), to: (i32, i32), color: RGBAColor) -> Option<()> {
    if to.0 <= from.0 {
        return Some(());
    }
    area.draw(&Rectangle::new([from, to], color.filled())).ok()
}

/// The length that stands for a value. Values of outside may be of any size.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the result is between 0 and the length"
)]
fn scaled(value: u64, largest: u64, length: i32) -> i32 {
    (value as f64 / largest.max(1) as f64 * f64::from(length)).round() as i32
}

/// The height of the legend of a chart of bars, which one part does not need.
fn legend(parts: [&str; 2]) -> i32 {
    if parts.iter().any(|part| part.is_empty()) { 0 } else { LEGEND }
}

fn draw_bars(area: &Area<'_>, parts: [&str; 2], bars: &[Bar]) -> Option<()> {
    let mut left = MARGIN;
    if legend(parts) > 0 {
        for (part, color) in parts.into_iter().zip(COLORS) {
            rectangle(area, (left, 3), (left + 12, 15), color.to_rgba())?;
            text(area, part, (left + 18, 3))?;
            left += 120;
        }
    }
    let sum = |bar: &Bar| bar.parts.iter().fold(0_u64, |sum, part| sum.saturating_add(*part));
    let largest = bars.iter().map(|bar| sum(bar).max(bar.limit.unwrap_or(0))).max().unwrap_or(0);
    let length = WIDTH - 2 * MARGIN;
    for (bar, row) in bars.iter().zip(0..) {
        let top = legend(parts) + row * ROW;
        text(area, &format!("{}: {}", bar.label, bar.figure), (MARGIN, top + 2))?;
        let (top, bottom) = (top + 22, top + 33);
        if let Some(limit) = bar.limit {
            rectangle(area, (MARGIN, top), (MARGIN + scaled(limit, largest, length), bottom), REST.mix(0.35))?;
        }
        let mut from = MARGIN;
        for (part, color) in bar.parts.into_iter().zip(COLORS).filter(|(part, _)| *part > 0) {
            let to = (from + scaled(part, largest, length).max(2)).min(WIDTH - MARGIN);
            rectangle(area, (from, top), (to, bottom), color.to_rgba())?;
            from = to;
        }
    }
    Some(())
}

fn draw_lines(area: &Area<'_>, times: &[String], lines: &[(String, Vec<Option<u64>>)]) -> Option<()> {
    let seconds: Vec<i64> =
        times.iter().map(|time| time.parse::<jiff::Timestamp>().map_or(0, |time| time.as_second())).collect();
    let (first, last) = (*seconds.first()?, *seconds.last()?);
    let span = last.abs_diff(first);
    let largest = lines.iter().flat_map(|(_, values)| values).flatten().max().copied().unwrap_or(0);
    let (top, bottom, left) = (LEGEND + 4, LEGEND + HEIGHT - 24, MARGIN);
    let length = WIDTH - 2 * MARGIN - 8;
    for y in [top, bottom] {
        area.draw(&PathElement::new([(left, y), (WIDTH - MARGIN, y)], REST.mix(0.6))).ok()?;
    }
    text(area, &grouped(largest), (left, top - 21))?;
    let day = |time: Option<&String>| time.and_then(|time| time.get(..10)).unwrap_or_default().to_owned();
    text(area, &day(times.first()), (left, bottom + 6))?;
    text(area, &day(times.last()), (WIDTH - MARGIN - 84, bottom + 6))?;
    for (((label, values), color), row) in lines.iter().zip(COLORS).zip(0..) {
        let points: Vec<(i32, i32)> = seconds
            .iter()
            .zip(values)
            .filter_map(|(second, value)| {
                let x = left + 4 + scaled(second.abs_diff(first), span, length);
                value.map(|value| (x, bottom - scaled(value, largest, bottom - top)))
            })
            .collect();
        area.draw(&PathElement::new(points.clone(), color.stroke_width(2))).ok()?;
        for point in points {
            area.draw(&Circle::new(point, 3, color.filled())).ok()?;
        }
        let y = bottom + 32 + row * LEGEND;
        rectangle(area, (left, y), (left + 12, y + 12), color.to_rgba())?;
        let now = values.last().copied().flatten().map_or(String::new(), |now| format!(": {}", grouped(now)));
        text(area, &format!("{label}{now}"), (left + 18, y))?;
    }
    Some(())
}

/// A label that fits, without what hides or reorders text.
fn shortened(label: &str) -> String {
    let label = clean(label).replace('\n', " ");
    match label.char_indices().nth(LABEL) {
        None => label,
        Some((end, _)) => format!("{}…", label.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_escapes_labels_and_has_a_name() {
        let mut chart = Chart::bars("Title", ["used", "waiting"]);
        chart.push("<script>\u{202e}&", "1 of 2".to_owned(), [1, u64::MAX], Some(u64::MAX));
        for number in 0..20 {
            chart.push(&format!("{number}{}", "x".repeat(90)), String::new(), [0, 0], None);
        }
        let svg = chart.to_svg(3).unwrap();
        assert!(svg.contains("<svg role=\"img\" aria-labelledby=\"chart-3\" "), "{svg}");
        assert!(svg.contains("<title id=\"chart-3\">Title</title>"), "{svg}");
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;\u{fffd}&amp;"), "{svg}");
        assert_eq!(chart.caption().unwrap(), "The first 15; 6 more are in the table.");
    }

    #[test]
    fn lines_may_have_gaps_and_equal_times() {
        let times = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "damaged"].map(str::to_owned).to_vec();
        let mut chart = Chart::lines("Title", times);
        chart.push_line("a", vec![None, Some(0), Some(u64::MAX)]);
        assert!(chart.to_svg(0).unwrap().contains("<polyline"));
    }
}
