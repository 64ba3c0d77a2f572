use super::*;

fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.unit()).cos()
}

/// Times of one run: a block's drift, the run's own level, and noise per iteration.
fn run(mean: f64, drift: f64, rng: &mut Rng) -> Vec<f64> {
    let level = (drift + 0.03 * normal(rng)).exp() * mean;
    (0..4).map(|_| level * (0.02 * normal(rng)).exp()).collect()
}

type Sides = Vec<(Vec<f64>, Vec<f64>)>;

fn experiment(ratio: f64, n_blocks: usize, rng: &mut Rng) -> Sides {
    (0..n_blocks)
        .map(|block| {
            // A machine that gets slower and noisier as a whole: it must cancel inside blocks.
            let drift = 0.05 * block as f64 + 0.2 * normal(rng);
            (run(10.0 * ratio, drift, rng), run(10.0, drift, rng))
        })
        .collect()
}

fn ratio_of(sides: &Sides, rng: &mut Rng) -> Effect {
    let pairs: Vec<Pair> = sides.iter().map(|(above, below)| Pair { above, below }).collect();
    Effect::ratio(&pairs, rng).expect("positive times")
}

fn coverage(n_blocks: usize, n_experiments: usize) -> f64 {
    let mut rng = Rng::new(4);
    let covered = (0..n_experiments)
        .filter(|_| {
            let sides = experiment(1.3, n_blocks, &mut rng);
            ratio_of(&sides, &mut rng).estimate().overlaps(1.3, 1.3)
        })
        .count();
    covered as f64 / n_experiments as f64
}

#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    let many = coverage(10, 400);
    assert!((0.92..=0.995).contains(&many), "ten blocks: {many}");
    let few = coverage(5, 400);
    assert!((0.88..=0.995).contains(&few), "five blocks: {few}");
}

#[test]
fn drift_cancels_inside_blocks_only() {
    let mut rng = Rng::new(11);
    let sides = experiment(1.0, 12, &mut rng);
    let paired = ratio_of(&sides, &mut rng).estimate();
    assert!((paired.value - 1.0).abs() < 0.05, "{paired:?}");
    // Pairing every block with its successor leaves the drift in and must show as a wider interval.
    let shifted: Sides = (0..11).map(|block| (sides[block].0.clone(), sides[block + 1].1.clone())).collect();
    let unpaired = ratio_of(&shifted, &mut rng).estimate();
    assert!(unpaired.high / unpaired.low > 2.0 * paired.high / paired.low - 1.0, "{unpaired:?} {paired:?}");
}

#[test]
fn geomean_of_ratios() {
    let mut rng = Rng::new(2);
    let exact = |ratio: f64, rng: &mut Rng| {
        let sides: Sides = (0..6).map(|_| (vec![ratio, ratio], vec![1.0, 1.0])).collect();
        ratio_of(&sides, rng)
    };
    let joint = Effect::geomean(&[exact(4.0, &mut rng), exact(1.0, &mut rng)]).expect("two").estimate();
    assert!((joint.value - 2.0).abs() < 1e-9);
    assert!((joint.low - 2.0).abs() < 1e-9 && (joint.high - 2.0).abs() < 1e-9);
    assert!(Effect::geomean(&[]).is_none());
}

#[test]
fn scaling_moves_value_and_interval() {
    let mut rng = Rng::new(3);
    let sides = experiment(1.0, 8, &mut rng);
    let plain = ratio_of(&sides, &mut rng);
    let (before, after) = (plain.estimate(), plain.clone().scaled(2.0).estimate());
    for (a, b) in [(before.value, after.value), (before.low, after.low), (before.high, after.high)] {
        assert!((b / a - 2.0).abs() < 1e-9);
    }
}

#[test]
fn one_block_has_no_interval() {
    let mut rng = Rng::new(5);
    let estimate = ratio_of(&experiment(2.0, 1, &mut rng), &mut rng).estimate();
    assert!(!estimate.has_interval());
    assert!(!estimate.overlaps(0.0, 10.0));
}

#[test]
fn useless_data_is_refused() {
    let mut rng = Rng::new(6);
    assert!(Effect::ratio(&[], &mut rng).is_none());
    assert!(Effect::ratio(&[Pair { above: &[], below: &[1.0] }], &mut rng).is_none());
    assert!(Effect::ratio(&[Pair { above: &[0.0], below: &[1.0] }], &mut rng).is_none());
}

#[test]
fn identical_arms_rarely_differ() {
    let mut rng = Rng::new(7);
    let differing = (0..200)
        .filter(|_| {
            let sides = experiment(1.0, 8, &mut rng);
            !ratio_of(&sides, &mut rng).estimate().overlaps(1.0, 1.0)
        })
        .count();
    assert!(differing <= 16, "{differing} of 200 A/A comparisons called different");
    let floor = noise_floor(&[ratio_of(&experiment(1.0, 8, &mut rng), &mut rng)]).expect("one");
    assert!((1.0..1.2).contains(&floor), "{floor}");
}

#[test]
fn medians() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    assert!(median(&[]).is_nan());
}

#[test]
fn a_seed_gives_the_same_order() {
    let order = |seed| {
        let mut items: Vec<u32> = (0..20).collect();
        Rng::new(seed).shuffle(&mut items);
        items
    };
    assert_eq!(order(9), order(9));
    assert_ne!(order(9), order(10));
    let mut sorted = order(9);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..20).collect::<Vec<_>>());
}
