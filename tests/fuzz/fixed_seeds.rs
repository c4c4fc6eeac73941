//! The engine of the targets: the same inputs in every run, or guided by coverage.

use bolero::{
    Engine, Test,
    bolero_engine::{driver::Options, input::Bytes},
};
use fastrand::Rng;

/// The variable that multiplies the number of inputs.
const FACTOR: &str = "UMAPI_FUZZ_FACTOR";
/// Lengths of inputs in bytes.
const LENGTHS: [usize; 4] = [64, 256, 1024, 4096];

/// Defines a target. `cargo test` runs it with the given number of inputs, `cargo bolero test` as long as requested.
macro_rules! target {
    ($inputs:expr) => {{
        #[cfg(fuzzing)]
        {
            bolero::check!()
        }
        #[cfg(not(fuzzing))]
        {
            bolero::TestTarget::new($crate::fixed_seeds::FixedSeeds::new($inputs))
        }
    }};
}
pub(crate) use target;

/// Runs a target with a fixed number of inputs. The inputs are random numbers from the seeds 0, 1, 2, ….
pub(crate) struct FixedSeeds {
    inputs: u64,
}

impl FixedSeeds {
    pub(crate) fn new(inputs: u64) -> Self {
        let factor = std::env::var(FACTOR).map_or(1, |text| text.parse().expect("the factor must be a whole number"));
        Self { inputs: inputs * factor }
    }
}

impl<T: Test<Value: std::fmt::Debug>> Engine<T> for FixedSeeds {
    type Output = ();

    fn run(self, mut test: T, options: Options) {
        let mut valid = 0;
        for seed in 0..self.inputs {
            let mut rng = Rng::with_seed(seed);
            let mut bytes = vec![0; LENGTHS[rng.usize(..LENGTHS.len())]];
            rng.fill(&mut bytes);
            match test.test(&mut Bytes::new(&bytes, &options)) {
                Ok(was_made) => valid += u64::from(was_made),
                Err(error) => match test.shrink(bytes.clone(), Some(seed.into()), &options) {
                    Some(smaller) => panic!("seed {seed}: {smaller:#}"),
                    None => panic!(
                        "seed {seed}: {error} with {:#?}",
                        test.generate_value(&mut Bytes::new(&bytes, &options))
                    ),
                },
            }
        }
        assert!(
            valid * 2 > self.inputs,
            "most random numbers must produce an input, but only {valid} of {} did",
            self.inputs
        );
    }
}
