"""Is it all there, and is it right: gaps, repeats, stuck values and drift. DataFrame in, DataFrame out."""
