//! Several texts in one allocation.

/// Texts that are kept together, one after the other in one allocation. An absent text is an empty one.
///
/// There are a million people, and each has a handful of short texts: as strings of their own, they would take twice the
/// memory.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Texts<const N: usize> {
    all: Box<str>,
    /// Where each text ends.
    ends: [u32; N],
}

impl<const N: usize> Texts<N> {
    pub(crate) fn new(texts: [Option<&str>; N]) -> Self {
        let texts = texts.map(Option::unwrap_or_default);
        let mut all = String::with_capacity(texts.iter().map(|text| text.len()).sum());
        let ends = texts.map(|text| {
            all.push_str(text);
            u32::try_from(all.len()).unwrap_or(u32::MAX)
        });
        Self { all: all.into(), ends }
    }

    /// The number of bytes of all texts together.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// One of the texts, by its number.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let end = |number: usize| self.ends.get(number).map(|end| *end as usize);
        let begin = number.checked_sub(1).map_or(Some(0), end)?;
        self.all.get(begin..end(number)?).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_text_is_read_as_it_was_written(texts in proptest::array::uniform4(proptest::option::of(".{0,9}"))) {
            let kept = Texts::new(std::array::from_fn::<_, 4, _>(|number| texts[number].as_deref()));
            for (number, text) in texts.iter().enumerate() {
                prop_assert_eq!(kept.get(number), text.as_deref().filter(|text| !text.is_empty()));
            }
            prop_assert_eq!(kept.get(4), None);
        }
    }
}
