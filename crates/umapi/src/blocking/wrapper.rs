//! Thin types around those of the async client.

use super::runtime::Runtime;

/// A type of the async client that has a blocking one.
pub(super) trait Wrap {
    /// The blocking one.
    type Wrapper;

    fn wrap(self, runtime: &Runtime) -> Self::Wrapper;
}

/// Defines the blocking type for a type of the async client with the same name, and methods that only pass on.
///
/// Each method returns the blocking type of what the async method returns. Those that take `self` stand in `consuming`.
macro_rules! wrapper {
    (
        $(#[$attribute:meta])*
        $name:ident;
        $(
            $(#[$shared_attribute:meta])*
            fn $shared:ident(&self $(, $argument:ident: $type:ty)*) -> $returned:ty;
        )*
        $(consuming {
            $(
                $(#[$owned_attribute:meta])*
                fn $owned:ident(self $(, $owned_argument:ident: $owned_type:ty)*) -> $owned_returned:ty;
            )*
        })?
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug)]
        #[must_use = "nothing is sent before `wait`, or before the first item is taken"]
        pub struct $name {
            inner: crate::$name,
            runtime: crate::blocking::runtime::Runtime,
        }

        impl crate::blocking::wrapper::Wrap for crate::$name {
            type Wrapper = $name;

            fn wrap(self, runtime: &crate::blocking::runtime::Runtime) -> $name {
                $name { inner: self, runtime: runtime.clone() }
            }
        }

        impl $name {
            $(
                $(#[$shared_attribute])*
                ///
                #[doc = concat!("See [`", stringify!($name), "::", stringify!($shared), "`](crate::", stringify!($name), "::", stringify!($shared), ").")]
                pub fn $shared(&self $(, $argument: $type)*) -> $returned {
                    crate::blocking::wrapper::Wrap::wrap(self.inner.$shared($($argument),*), &self.runtime)
                }
            )*
            $($(
                $(#[$owned_attribute])*
                ///
                #[doc = concat!("See [`", stringify!($name), "::", stringify!($owned), "`](crate::", stringify!($name), "::", stringify!($owned), ").")]
                pub fn $owned(self $(, $owned_argument: $owned_type)*) -> $owned_returned {
                    crate::blocking::wrapper::Wrap::wrap(self.inner.$owned($($owned_argument),*), &self.runtime)
                }
            )*)?
        }
    };
}

pub(super) use wrapper;
