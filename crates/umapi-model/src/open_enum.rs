//! The traits of open enums, implemented by `as_str` and `From<&str>`.

/// Implements display, parsing, serde and JSON Schema for an open enum.
macro_rules! implement_open_enum {
    ($name:ident) => {
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::convert::From<::std::string::String> for $name {
            fn from(value: ::std::string::String) -> Self {
                match Self::from(value.as_str()) {
                    Self::Other(_) => Self::Other(value),
                    known => known,
                }
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(value: &str) -> ::std::result::Result<Self, Self::Err> {
                Ok(Self::from(value))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                crate::lenient::read_scalar(deserializer, "text", |scalar| {
                    Some(match scalar {
                        // Without a copy: every user has several of these values.
                        crate::lenient::Scalar::Text(text) => Self::from(text),
                        other => Self::Other(other.to_text()),
                    })
                })
            }
        }

        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                let known: ::std::vec::Vec<&str> = Self::KNOWN.iter().map(Self::as_str).collect();
                ::schemars::json_schema!({ "type": "string", "examples": known })
            }
        }
    };
}

pub(crate) use implement_open_enum;

#[cfg(test)]
mod tests {
    use crate::UserType;

    #[test]
    fn an_unlisted_value_survives_a_round_trip() {
        for json in [r#""federatedID""#, r#""quantumID""#] {
            let value: UserType = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
        assert_eq!(UserType::from("quantumID"), UserType::Other("quantumID".to_owned()));
        assert_eq!(UserType::from("AdobeID"), UserType::AdobeId, "another spelling of the service");
    }
}
