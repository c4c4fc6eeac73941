//! Small horizontal bar charts, with a label before and a figure after each bar.

use anyhow::Result;
use plotters::prelude::*;
use serde::Serialize;

/// A chart of bars with one unit.
#[derive(Debug, Serialize)]
pub(crate) struct Chart {
    /// The file name without its extension.
    pub(crate) name: &'static str,
    /// The quantity and its unit.
    title: String,
    bars: Vec<Bar>,
}

#[derive(Debug, Serialize)]
struct Bar {
    label: String,
    value: f64,
    /// Whether the bar shows this project.
    is_own: bool,
}

const WIDTH: u32 = 640;
/// The left end of the bars, after the labels.
const BARS_AT: i32 = 250;
/// The maximum length of a bar. The figure follows it.
const BAR_LENGTH: f64 = 300.0;
const HEAD: i32 = 40;
const ROW: i32 = 26;
const OWN: RGBColor = RGBColor(0xc2, 0x41, 0x0c);
const OTHER: RGBColor = RGBColor(0x94, 0xa3, 0xb8);
const INK: RGBColor = RGBColor(0x1f, 0x29, 0x37);

impl Chart {
    pub(crate) fn new(name: &'static str, title: impl Into<String>) -> Self {
        Self { name, title: title.into(), bars: Vec::new() }
    }

    /// Adds a bar of this project.
    pub(crate) fn own(mut self, label: impl Into<String>, value: f64) -> Self {
        self.bars.push(Bar { label: label.into(), value, is_own: true });
        self
    }

    /// Adds a bar for comparison.
    pub(crate) fn other(mut self, label: impl Into<String>, value: f64) -> Self {
        self.bars.push(Bar { label: label.into(), value, is_own: false });
        self
    }

    pub(crate) fn to_svg(&self) -> Result<String> {
        let mut svg = String::new();
        let rows = i32::try_from(self.bars.len())?;
        let height = (HEAD + rows * ROW + 12).unsigned_abs();
        let longest = self.bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
            area.fill(&WHITE)?;
            let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
            area.draw(&Text::new(self.title.as_str(), (12, 12), text(16)))?;
            for (bar, row) in self.bars.iter().zip(0..) {
                let top = HEAD + row * ROW;
                #[allow(clippy::cast_possible_truncation, reason = "a bar has at most the maximum length")]
                let end = BARS_AT + ((bar.value / longest * BAR_LENGTH) as i32).max(1);
                let color = if bar.is_own { OWN } else { OTHER };
                area.draw(&Text::new(bar.label.as_str(), (12, top + 4), text(13)))?;
                area.draw(&Rectangle::new([(BARS_AT, top + 2), (end, top + ROW - 6)], color.filled()))?;
                area.draw(&Text::new(figure(bar.value), (end + 6, top + 4), text(13)))?;
            }
            area.present()?;
        }
        Ok(svg)
    }
}

/// Formats a number with three significant digits or more: `0.52`, `13.1`, `1,331`.
fn figure(value: f64) -> String {
    match value {
        _ if value < 10.0 && value.fract() != 0.0 => format!("{value:.2}"),
        _ if value < 100.0 && value.fract() != 0.0 => format!("{value:.1}"),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "figures are finite and not negative"
        )]
        _ => grouped(value.round() as usize),
    }
}

/// Formats a number with thousands separators: `1,331`.
pub(crate) fn grouped(number: usize) -> String {
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
