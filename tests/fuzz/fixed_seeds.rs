//! How a target is run: guided by coverage, or on inputs that are the same every time.

use bolero::{
    Engine, Test,
    bolero_engine::{driver::Options, input::Bytes},
};
use fastrand::Rng;

/// Multiplies the number of inputs.
const FACTOR: &str = "UMAPI_FUZZ_FACTOR";
/// In bytes: what an input is made of.
const LENGTHS: [usize; 4] = [64, 256, 1024, 4096];

/// A target, with so many inputs under `cargo test`, and as many as there is time for under `cargo bolero test`.
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

/// Runs a target on so many inputs: the first one is made of random numbers from the seed 0, the next one from the seed 1.
pub(crate) struct FixedSeeds {
    inputs: u64,
}

impl FixedSeeds {
    pub(crate) fn new(inputs: u64) -> Self {
        let factor = std::env::var(FACTOR).map_or(1, |text| text.parse().expect("a number of times"));
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
        assert!(valid * 2 > self.inputs, "of most random numbers no input was made: {valid} of {}", self.inputs);
    }
}
