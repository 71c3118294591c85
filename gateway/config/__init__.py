"""routes.yaml: read, validated and judged as a whole, before anything starts.

``load`` gives a Configuration, or every finding at once with file, line and column. ``check`` judges
what stands around the file: secrets, certificates, mappings. The models, one section a file, are
also what docs/configuration.md is made from.
"""

from adapters.base.settings import Address, DurationRange, LocalPath, SecretRef, Settings
from gateway.config.catalogue import Catalogue, installed
from gateway.config.configuration import Configuration, MappingFile, Places, acknowledging_side
from gateway.config.defaults import Deadline, DeadlineChange, Defaults, Retry, RetryChange
from gateway.config.drift import Drift, diff
from gateway.config.endpoints import Endpoint
from gateway.config.loading import load, load_text
from gateway.config.partners import Acknowledge, ControlNumbers, NumberRules, Partner, Resend
from gateway.config.presence import check
from gateway.config.process import (
    Alarms,
    Email,
    GatewaySettings,
    JournalRef,
    Limits,
    Listen,
    ListenTls,
    Retention,
    Webhook,
)
from gateway.config.routes import (
    Canary,
    Contract,
    Expect,
    From,
    Owner,
    Pins,
    ReplyRule,
    Route,
    RouteTest,
    Selection,
    Targets,
    Transmitters,
    UnknownOrder,
    Writing,
)
from gateway.config.rules import judge, stage_findings_of

__all__ = [
    "Acknowledge",
    "Address",
    "Alarms",
    "Canary",
    "Catalogue",
    "Configuration",
    "Contract",
    "ControlNumbers",
    "Deadline",
    "DeadlineChange",
    "Defaults",
    "Drift",
    "DurationRange",
    "Email",
    "Endpoint",
    "Expect",
    "From",
    "GatewaySettings",
    "JournalRef",
    "Limits",
    "Listen",
    "ListenTls",
    "LocalPath",
    "MappingFile",
    "NumberRules",
    "Owner",
    "Partner",
    "Pins",
    "Places",
    "ReplyRule",
    "Resend",
    "Retention",
    "Retry",
    "RetryChange",
    "Route",
    "RouteTest",
    "SecretRef",
    "Selection",
    "Settings",
    "Targets",
    "Transmitters",
    "UnknownOrder",
    "Webhook",
    "Writing",
    "acknowledging_side",
    "check",
    "diff",
    "installed",
    "judge",
    "load",
    "load_text",
    "stage_findings_of",
]
