"""A span of history, read from the portal page by page.

Nothing counts as the end of a range before it is proven. The modules, those first that rest on the ones below:

- `pages` (of a span; what refusals lead to), `guesses` and `names` (what had to be guessed), `clocks` (which of several
  times of a message counts?), `cuts` (are ranges cut short?);
- `window` (one question to its proven end), `reach` (is an answer of the range that was asked for?), `onward` (reading
  on by time), `series` (is each series cut?), `borders` (what two pages share);
- `asking` (one request), `jobs` and `downloads` (answers that come later, or lie elsewhere).
"""
