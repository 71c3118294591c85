"""`legacy-bridge demo`: a gateway and simulators around it, real-shaped traffic, and what became of it.

`demo_folder` makes a fresh folder with a copy of routes.yaml, `demo_ground` is what scenarios play on,
`demo_evidence` reads what the journal says and compares, `demo_report` prints.
"""

from gateway.demo.demo_run import run

__all__ = ["run"]
