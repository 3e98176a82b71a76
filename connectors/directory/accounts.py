"""What people decide about their own account: consents, new addresses and passwords, exports, leaving for good."""

from enum import StrEnum


class MailedTokenPurpose(StrEnum):
    """What somebody proves with a token that was sent to them by mail."""

    PASSWORD_RESET = "PASSWORD_RESET"
    EMAIL_CHANGE = "EMAIL_CHANGE"
    DELETION_CANCEL = "DELETION_CANCEL"


class DataExportStatus(StrEnum):
    """Where an export of somebody's data stands; EXPIRED is one whose content is gone."""

    PENDING = "PENDING"
    READY = "READY"
    EXPIRED = "EXPIRED"
