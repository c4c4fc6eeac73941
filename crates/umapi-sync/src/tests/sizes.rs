//! What each person, user and membership takes in memory.

use std::mem::size_of;

use umapi_model::User;

use crate::{AdobeUser, Members, OrganizationReader, PersonKey, Standing, UserDetails, WantedUser};

#[test]
fn a_million_people_fit_in_memory() {
    // A growth of any of these is a million times as large in a large directory.
    let sizes = [
        ("UserDetails", size_of::<UserDetails>(), 48),
        ("WantedUser", size_of::<WantedUser>(), 72),
        ("AdobeUser", size_of::<AdobeUser>(), 96),
        ("a person", size_of::<(PersonKey, Standing)>(), 48),
        ("a wanted membership", size_of::<<Members as IntoIterator>::Item>(), 8),
    ];
    for (what, size, limit) in sizes {
        assert!(size <= limit, "{what} takes {size} bytes, and {limit} were enough");
    }
}

#[test]
fn a_text_that_is_known_is_not_kept_again() {
    let user = User::default().with_email("ann@example.com").with_username("ann@example.com").with_firstname("Ann");
    let mut reader = OrganizationReader::new([]);
    reader.take(user);
    let organization = reader.finish(
        "main",
        &umapi_directory::Complete::proven(()).into(),
        umapi_directory::Complete::proven(()).into(),
    );
    let [ann] = organization.users.found().unwrap().as_slice() else { panic!("one user") };
    assert_eq!((ann.username.as_deref(), ann.details.email_address()), (None, Some("ann@example.com")));
    assert_eq!(ann.details.text_len(), "ann@example.com".len() + "Ann".len());
}
