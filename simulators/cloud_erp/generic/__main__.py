"""`python -m simulators.cloud_erp.generic`: the same as `simulators.cloud_erp`, beside the vendors' names."""

from __future__ import annotations

from simulators.cloud_erp.__main__ import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
