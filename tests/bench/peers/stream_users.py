"""Reads all users of an organization with PyPI's umapi-client, one by one as in its documentation."""

import umapi_client

import peer

given = peer.arguments(__doc__).parse_args()
connection = peer.connect(given)
watch = peer.Stopwatch()
users = sum(1 for _ in umapi_client.UsersQuery(connection))
watch.report(users=users)
