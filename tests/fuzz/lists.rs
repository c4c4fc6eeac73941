//! Fuzz target: lists that are resumed at any position, with arbitrary responses of the service.

use std::panic::AssertUnwindSafe;

use bolero::TypeGenerator;
use umapi::{Client, HttpOptions, RateLimits, ResumeToken, StandardRetry, auth::FixedToken};

use crate::{
    fixed_seeds::target,
    peer::{Peer, Response},
    responses::SERVICE,
};

#[derive(Clone, Debug, TypeGenerator)]
struct Resumed {
    page: Number,
    offset: Number,
    last: Option<u64>,
    total: Option<u64>,
    page_size: Option<u32>,
    #[generator(bolero::produce::<Vec<Response>>().with().len(1..=4_usize))]
    responses: Vec<Response>,
}

#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Number {
    Small(#[generator(0..4_u8)] u8),
    Last,
    Any(u32),
}

impl Number {
    fn value(self) -> u32 {
        match self {
            Self::Small(number) => number.into(),
            Self::Last => u32::MAX,
            Self::Any(number) => number,
        }
    }
}

#[test]
fn a_list_resumes_at_any_position_and_ends() {
    let http = HttpOptions::new().max_idle_connections(0).build().unwrap();
    let stage = AssertUnwindSafe((Peer::new(), http));
    target!(800).with_type::<Resumed>().for_each(|resumed| {
        let (peer, http) = &*stage;
        let (page, offset) = (resumed.page.value(), resumed.offset.value());
        let ((), requests) = peer.run(&resumed.responses, SERVICE, |clock| async move {
            let builder =
                Client::builder("1F@AdobeOrg").token_source("key", FixedToken::new("token")).base_url(&peer.url);
            let builder = builder.clock(clock).rate_limits(RateLimits::unlimited()).http(http.clone());
            let users = builder.retry(StandardRetry::NEVER).build().unwrap().users();
            // The token of this list, with another position.
            let start = users.list().resume_token().to_string();
            let list: String = start.splitn(4, '-').take(3).collect::<Vec<_>>().join("-");
            let last = resumed.last.map(|last| format!("{last:016x}")).unwrap_or_default();
            let total = resumed.total.map(|total| total.to_string()).unwrap_or_default();
            let page_size = resumed.page_size.map(|size| size.to_string()).unwrap_or_default();
            let token: ResumeToken = format!("{list}-{page}-{offset}-{last}-{total}-{page_size}").parse().unwrap();
            let mut rest = users.list().resume(&token).expect("the token belongs to this list");
            assert_eq!(rest.resume_token(), token, "nothing was read yet");
            while let Ok(Some(_)) = rest.try_next().await {}
            let kept = rest.resume_token();
            assert_eq!(kept.to_string().parse::<ResumeToken>().unwrap(), kept);
        });
        assert!(requests <= 2 * resumed.responses.len() + 2, "{requests} requests");
    });
}
