"""How a portal wants to be asked, and what it answers, as data: read, guessed, corrected. Pure.

The modules, those first that rest on the ones below:

- `refusals` with `names` (what a 4xx teaches), `retention` (what is too old), `openapi` with `ends`, `parameters`,
  `schemas`, `thinning` and `limits` (what the portal's document says);
- `file` (all of it as a file), `contract` (as data);
- `roles`, `layouts`, `lengths` and `headers` (names, instants, lengths and headers in a question).
"""
