"""The spine that every record hangs on: people, subjects, visits, audit, signatures, queries, outbox."""

from trialsite.models.audit import AccessEntry, AuditEvent, AuditLink
from trialsite.models.base import SubjectRecord
from trialsite.models.drafts import Draft
from trialsite.models.locks import LockStep
from trialsite.models.outbox import Mail, OutboxMessage, Submission
from trialsite.models.people import Delegation, Invitation, Role, Site, Training, User
from trialsite.models.queries import Query, QueryMessage
from trialsite.models.signatures import (
    FailedSigning,
    ParameterConfirmation,
    ProtocolActivation,
    Signature,
    SignatureBasis,
    SignatureEvent,
)
from trialsite.models.subjects import ConsentGap, ProtocolPeriod, Sex, StatePeriod, Subject, Visit
from trialsite.models.verifications import SourceVerification, SourceVerificationWithdrawal

__all__ = [
    "AccessEntry",
    "AuditEvent",
    "AuditLink",
    "ConsentGap",
    "Delegation",
    "Draft",
    "FailedSigning",
    "Invitation",
    "LockStep",
    "Mail",
    "OutboxMessage",
    "ParameterConfirmation",
    "ProtocolActivation",
    "ProtocolPeriod",
    "Query",
    "QueryMessage",
    "Role",
    "Sex",
    "Signature",
    "SignatureBasis",
    "SignatureEvent",
    "Site",
    "SourceVerification",
    "SourceVerificationWithdrawal",
    "StatePeriod",
    "Subject",
    "SubjectRecord",
    "Submission",
    "Training",
    "User",
    "Visit",
]
