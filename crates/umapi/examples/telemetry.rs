//! Traces and metrics of OpenTelemetry: what a run with faults tells.
//!
//! `cargo run -p umapi --features opentelemetry --example telemetry`
//!
//! The exporters keep everything in memory, so that this program can print it. Yours has those of `opentelemetry-otlp` in their
//! place; nothing else changes.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{error::Error, time::Duration};

use opentelemetry::{
    KeyValue, Value,
    trace::{SpanId, TracerProvider as _},
};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    },
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use tracing_subscriber::{Layer as _, filter::LevelFilter, prelude::*};
use umapi::{Command, NewUser, telemetry::MetricsObserver, time::ManualClock};
use umapi_emulator::{Emulator, FaultResponse, FaultRule, LoginOperation, Operation};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (spans, metrics) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
    let tracers = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics.clone()).build();
    // The filter leaves out what the HTTP library and the emulator tell.
    let of_umapi = tracing_subscriber::filter::Targets::new()
        .with_targets([("umapi", LevelFilter::INFO), ("umapi_emulator", LevelFilter::OFF)]);
    let traces = tracing_opentelemetry::layer().with_tracer(tracers.tracer("staff-sync")).with_filter(of_umapi);
    tracing_subscriber::registry().with(traces).init();

    let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    let emulator = Emulator::builder().clock(clock).start().await?;
    emulator.faults().add(FaultRule::on(LoginOperation::RequestToken, FaultResponse::status(503)).times(1))?;
    emulator.faults().add(FaultRule::on(Operation::ExecuteActions, FaultResponse::throttled(90)).times(1))?;
    let client = emulator.client_builder()?.observer(MetricsObserver::new(&meters)).build()?;
    let commands = (0..25).map(|number| {
        let new = NewUser::federated(format!("u{number}@federated.example"), "New", format!("User {number}"), "US");
        Command::from(new)
    });
    println!("{}\n", client.execute(commands).await?);
    assert!(client.users().get("nobody@federated.example").await?.is_none());

    tracers.force_flush()?;
    print_below(&spans.get_finished_spans()?, SpanId::INVALID, 0);
    meters.force_flush()?;
    println!();
    print_metrics(&metrics)?;
    Ok(())
}

/// Prints the spans below one, in the order in which they began.
fn print_below(all: &[SpanData], parent: SpanId, depth: usize) {
    let mut spans: Vec<&SpanData> = all.iter().filter(|span| span.parent_span_id == parent).collect();
    spans.sort_by_key(|span| span.start_time);
    for span in spans {
        let told = span.attributes.iter().filter(|pair| {
            let name = pair.key.as_str();
            ["http.request.resend_count", "http.response.status_code", "error.type", "umapi.requests"].contains(&name)
        });
        println!("{:indent$}{} {}", "", span.name, words(told), indent = 2 * depth);
        print_below(all, span.span_context.span_id(), depth + 1);
    }
}

/// Prints what the metrics have counted.
fn print_metrics(metrics: &InMemoryMetricExporter) -> Result<(), Box<dyn Error>> {
    let finished = metrics.get_finished_metrics()?;
    let last = finished.last().ok_or("no metrics were recorded")?;
    for metric in last.scope_metrics().flat_map(|scope| scope.metrics()) {
        match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().for_each(|point| {
                println!("{} = {}  {}", metric.name(), point.value(), words(short(point.attributes())));
            }),
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram.data_points().for_each(|point| {
                let (count, seconds) = (point.count(), point.sum());
                println!("{} = {count} in {seconds:.2} s  {}", metric.name(), words(short(point.attributes())));
            }),
            _ => {}
        }
    }
    Ok(())
}

/// The attributes that differ within this program.
fn short<'a>(pairs: impl Iterator<Item = &'a KeyValue>) -> impl Iterator<Item = &'a KeyValue> {
    pairs.filter(|pair| !["server.", "network.", "rpc.system."].iter().any(|area| pair.key.as_str().starts_with(area)))
}

fn words<'a>(pairs: impl Iterator<Item = &'a KeyValue>) -> String {
    let text = |value: &Value| value.as_str().into_owned();
    let mut words: Vec<String> = pairs.map(|pair| format!("{}={}", pair.key, text(&pair.value))).collect();
    words.sort();
    words.join(" ")
}
