"""Is the data complete and correct? Gaps, repeats, stuck values and drift. DataFrame in, DataFrame out."""

from isr_analysis.checks.absence import gaps
from isr_analysis.checks.findings import quality
from isr_analysis.checks.grid import wide
from isr_analysis.checks.rates import channels, completeness, intervals

__all__ = ["channels", "completeness", "gaps", "intervals", "quality", "wide"]
