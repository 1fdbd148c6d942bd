"""The portal over HTTP: connection, token, quota, cached small answers, and pages of history.

How a portal wants to be asked, and how it answers, is unpublished: that is learned as it answers, and nothing counts as
the end of a range before it is proven. The modules, those first that rest on the ones below:

- a connection: `connection` (the default one), `portal` (one profile's token, account, quota and folder), `accounts`
  and `identity` (whose data a token opens);
- history: `pages` (of a span; what refusals lead to), `guesses` and `names` (what had to be guessed), `cuts` (are
  ranges cut short?), `window` (one question to its proven end), `asking` (one request), `reach` (is an answer of the
  range that was asked for?), `onward` (reading on by time), `series` (is each series cut?), `paging` (what follows a
  page), `habits` (what answers have shown), `jobs` and `downloads` (answers that come later, or lie elsewhere);
- small answers: `lists` (to their end), `responses` (kept for a while);
- the contract: `discovery` (where the OpenAPI document is), `openapi` with `parameters`, `schemas` and `thinning` (what
  it says), `refusals` (what a 4xx teaches), `contract` (all of it as data, and as a file), `roles`, `layouts`,
  `lengths` and `headers` (names, instants, lengths and headers in a question), `limits` (how long a range may be);
- HTTP: `wire` (requests, failures as errors), `addons` (which one is missing), `transport` (what each request goes
  through), `patience` (waiting and asking again), `network` (certificates, proxies), `quota`, `token`.
"""
