"""What a count of mismatches proves: the exact upper bound of Clopper and Pearson.

With k mismatches among n documents, the true rate is below the bound with the stated confidence,
whatever it is: the rate p at which k or fewer would be seen with probability 1 - confidence. Source:
Clopper, Pearson, Biometrika 26 (1934) 404, the one-sided form. It holds for a number of documents that
was fixed beforehand; one who looks after every document and stops at a good moment deceives himself.
"""

from __future__ import annotations

import math

CONFIDENCE = 0.95
_BISECTIONS = 60  # 2**-60 is below what a double shows of a rate


def upper_bound(mismatches: int, compared: int, confidence: float = CONFIDENCE) -> float:
    """Give the upper bound of the true mismatch rate, from 0 to 1; 1 where nothing was compared.

    Errors: ValueError for counts that are none.
    """
    if not 0 <= mismatches <= compared:
        raise ValueError(f"{mismatches} of {compared} is no count of mismatches")
    if mismatches == compared:
        return 1.0
    doubt = 1 - confidence
    if mismatches == 0:
        return -math.expm1(math.log(doubt) / compared)
    low, high = mismatches / compared, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _at_most(mismatches, compared, middle) > doubt:
            low = middle
        else:
            high = middle
    return high


def clean_needed(rate: float, confidence: float = CONFIDENCE) -> int:
    """Give how many documents without any mismatch prove that the rate is at most this."""
    if not 0 < rate < 1:
        raise ValueError("a rate between 0 and 1 was expected")
    return math.ceil(math.log(1 - confidence) / math.log1p(-rate) - 1e-9)


def _at_most(count: int, trials: int, rate: float) -> float:
    """Give the probability of at most ``count`` hits, summed from the binomial distribution's last term.

    Terms fall away from the mode; ``rate`` is above count / trials here, so the last term is the largest.
    """
    if rate >= 1:
        return 0.0
    odds = (1 - rate) / rate
    log_last = (
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        + count * math.log(rate)
        + (trials - count) * math.log1p(-rate)
    )
    total = term = 1.0
    for hits in range(count, 0, -1):
        term *= hits / (trials - hits + 1) * odds
        total += term
        if term < total * 1e-17:
            break
    return math.exp(log_last) * total
