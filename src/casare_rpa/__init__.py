"""CasareRPA Orchestrator: the control plane of a fleet of software robots."""

__version__ = "0.1.0"
