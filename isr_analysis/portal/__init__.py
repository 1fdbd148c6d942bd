"""The portal over HTTP: connection, token, quota, and small answers, which are kept.

The modules, those first that rest on the ones below:

- a connection: `connection` (the default one), `portal` (one profile's token, account, quota and folder), `accounts`
  and `identity` (whose data a token opens), `discovery` (where the OpenAPI document is), `habits` (what answers have
  shown);
- small answers: `clients` (what they are called), `lists` (to their end), `parts` (what one of their answers holds),
  `responses` (kept for a while), `paging` (what follows a page);
- HTTP: `wire` (requests, retries, failures as errors), `transport` (what each request goes through), `patience` (how
  long an answer is waited for), `network` (certificates, proxies), `quota`, `addons`, `token`.
"""
