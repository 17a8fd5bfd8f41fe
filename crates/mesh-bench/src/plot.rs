//! Charts of the table: for each row bars of CPU time, and of resident memory where it was measured,
//! ours in colour.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Failure;
use crate::report::{Report, shown};
use crate::row::{Measure, Role};

const WIDTH: f64 = 760.0;
const NAMES: f64 = 240.0;
const VALUES: f64 = 90.0;
const BAR: f64 = 18.0;
const STEP: f64 = 26.0;
const TOP: f64 = 44.0;

/// Writes the charts of each row, named by its id: `uploads.svg` for time, `uploads-resident.svg` for
/// memory.
pub(crate) fn write(reports: &[Report], directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory)?;
    for report in reports {
        for (measure, what, suffix) in [
            (Measure::Cpu, "CPU time", ""),
            (Measure::Resident, "memory", "-resident"),
        ] {
            if let Some(chart) = chart(report, measure, what) {
                fs::write(directory.join(format!("{}{suffix}.svg", report.id)), chart)?;
            }
        }
    }
    Ok(())
}

/// One chart, or nothing where nothing was measured.
fn chart(report: &Report, measure: Measure, what: &str) -> Option<String> {
    let bars: Vec<(&str, Role, f64)> = report
        .figures
        .iter()
        .filter_map(|figure| Some((figure.name, figure.role, measure.of(&figure.sample)?)))
        .collect();
    let longest = bars.iter().map(|(_, _, value)| *value).fold(0.0, f64::max);
    if longest <= 0.0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let height = TOP + STEP * bars.len() as f64 + 8.0;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="12" y="24" font-size="15" font-weight="bold">{}: {what}, less is better</text>
"##,
        escaped(report.title)
    );
    let mut top = TOP;
    for (name, role, value) in bars {
        let colour = match role {
            Role::Ours => "#0b7a75",
            Role::Peer => "#b8b8b8",
            Role::Limit => "#e0c36a",
        };
        let length = (value / longest * (WIDTH - NAMES - VALUES)).max(1.0);
        let base = top + 14.0;
        // Writing to a text cannot fail.
        let _written = writeln!(
            svg,
            r#"<text x="{:.1}" y="{base:.1}" text-anchor="end">{}</text><rect x="{NAMES}" y="{top:.1}" width="{length:.1}" height="{BAR}" fill="{colour}"/><text x="{:.1}" y="{base:.1}">{}</text>"#,
            NAMES - 8.0,
            escaped(name),
            NAMES + length + 6.0,
            shown(measure, value),
        );
        top += STEP;
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Sample;
    use crate::report::Figure;

    #[test]
    fn the_longest_bar_fills_the_width_and_text_is_escaped() {
        let figure = |name, cpu| Figure {
            name,
            role: Role::Ours,
            sample: Sample {
                cpu,
                ..Sample::default()
            },
            missing: None,
        };
        let mut report = Report {
            id: "x",
            title: "a < b & c",
            unit: "x",
            figures: vec![
                figure("one", Some(50.0)),
                figure("two", Some(100.0)),
                figure("none", None),
            ],
            goals: Vec::new(),
        };
        let chart = chart(&report, Measure::Cpu, "time").unwrap();
        assert!(chart.contains("a &lt; b &amp; c"), "{chart}");
        assert!(chart.contains(r#"width="430.0""#), "{chart}");
        assert!(chart.contains(r#"width="215.0""#), "{chart}");
        assert!(!chart.contains("none"), "{chart}");
        assert_eq!(super::chart(&report, Measure::Resident, "memory"), None);
        report.figures.clear();
        assert_eq!(super::chart(&report, Measure::Cpu, "time"), None);
    }
}
