//! Line charts as SVG.

use crate::failure::{Failure, Result};
use plotters::prelude::*;
use plotters::style::full_palette::{BLUE_700, DEEPORANGE_600, GREEN_700, PURPLE_500, TEAL_400};
use std::path::Path;

/// One line.
#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// In order of x.
    pub points: Vec<(f64, f64)>,
}

/// One chart.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Above it.
    pub title: &'static str,
    /// What x is, and its unit.
    pub x: &'static str,
    /// What y is, and its unit.
    pub y: &'static str,
    /// Whether the x axis is.
    pub logarithmic: bool,
    /// Its lines.
    pub series: Vec<Series>,
}

const COLOURS: [RGBColor; 5] = [BLUE_700, DEEPORANGE_600, GREEN_700, PURPLE_500, TEAL_400];
const SIZE: (u32, u32) = (760, 330);

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

/// Writes the figures below each other into one file.
///
/// Errors: when it cannot be written.
pub fn write(path: &Path, figures: &[Figure]) -> Result<()> {
    let draw = || -> Drawn {
        let root = SVGBackend::new(path, (SIZE.0, SIZE.1 * figures.len() as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        for (area, figure) in root.split_evenly((figures.len(), 1)).iter().zip(figures) {
            draw_one(area, figure)?;
        }
        root.present()?;
        Ok(())
    };
    draw().map_err(|error| Failure::Broken(format!("cannot write {}: {error}", path.display())))
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

fn draw_one(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, figure: &Figure) -> Drawn {
    let points = || figure.series.iter().flat_map(|series| &series.points);
    let (x_low, x_high) = bounds(points().map(|point| point.0));
    let (_, y_high) = bounds(points().map(|point| point.1));
    let y = 0.0..(y_high * 1.05).max(1e-9);
    let mut builder = ChartBuilder::on(area);
    builder.caption(figure.title, ("sans-serif", 17)).margin(12).margin_right(36);
    builder.x_label_area_size(40).y_label_area_size(60);
    // The two kinds of axis are two types of chart.
    macro_rules! fill {
        ($chart:expr) => {{
            let mut chart = $chart;
            let mut mesh = chart.configure_mesh();
            mesh.x_desc(figure.x).y_desc(figure.y).light_line_style(WHITE).bold_line_style(BLACK.mix(0.1));
            mesh.draw()?;
            for (series, colour) in figure.series.iter().zip(COLOURS.iter().cycle()) {
                let line = LineSeries::new(series.points.iter().copied(), colour.stroke_width(2));
                let drawn = chart.draw_series(line)?;
                drawn
                    .label(&series.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            }
            let mut labels = chart.configure_series_labels();
            labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8));
            labels.border_style(BLACK.mix(0.2)).draw()?;
        }};
    }
    if figure.logarithmic {
        let x = x_low.max(1e-9)..x_high.max(x_low * 1.01).max(1e-6);
        fill!(builder.build_cartesian_2d(x.log_scale(), y)?);
    } else {
        fill!(builder.build_cartesian_2d(x_low..x_high.max(x_low + 1e-6), y)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_figure_even_of_nothing() {
        let workdir = crate::workdir::Workdir::new().unwrap_or_else(|_| panic!("a folder"));
        let path = workdir.path().join("figure.svg");
        let series = |points| vec![Series { name: "one <line>".to_string(), points }];
        let figure =
            |logarithmic, points| Figure { title: "t", x: "x", y: "y", logarithmic, series: series(points) };
        let full = vec![(0.1, 1.0), (10.0, 99.0)];
        let figures = [figure(true, full.clone()), figure(false, full), figure(true, Vec::new())];
        write(&path, &figures).unwrap_or_else(|failure| panic!("{:?}", failure.message()));
        let text = std::fs::read_to_string(&path).expect("written");
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        assert_eq!(text.matches("one &lt;line&gt;").count(), 3);
    }
}
