"""What belongs to somebody's own account: devices, consents, exports of their data."""

import strawberry

from connectors.directory.records.accounts import ConsentPurpose, ConsentRecord, DataExportRecord, DataExportStatus
from connectors.directory.records.sessions import SessionRecord
from connectors.wanted import reads
from permissions.access_rules import OPEN
from resolvers.account import consents, data_exports
from resolvers.context import RequestContext
from resolvers.localization import as_stored
from resolvers.sessions import queries as own_sessions
from schema.graph.fields import computed, field, graph_type
from schema.graph.scalars import URL, DateTime
from schema.nodes import Node


@reads(SessionRecord, lambda session: session.device_label)
def _device_label(context: RequestContext, session: SessionRecord) -> str:
    return as_stored(context, session.device_label) or ""


@graph_type(of=SessionRecord)
class Session(Node):
    """A device on which you are signed in."""

    device_label: str = computed(_device_label, requires=OPEN, description="How the device describes itself.")
    ip_address: str | None = strawberry.field(description="The address from which you signed in.")
    created_at: DateTime = strawberry.field(description="When you signed in.")
    last_seen_at: DateTime = strawberry.field(
        description="When the session was last continued by `refreshSession`; individual requests do not count."
    )
    expires_at: DateTime = strawberry.field(description="When you must sign in again at the latest.")
    current: bool = computed(own_sessions.is_current, requires=OPEN, description="Whether it is this session.")


@graph_type(of=ConsentRecord)
class Consent(Node):
    """Your decision on one purpose; the latest one applies."""

    purpose: ConsentPurpose = strawberry.field(description="The purpose.")
    label: str = computed(consents.label_of, requires=OPEN, description="The text that you were shown.")
    granted: bool = strawberry.field(description="Whether you consented.")
    changed_at: DateTime = strawberry.field(description="When you decided.")
    source: str = strawberry.field(description="Where you decided: `account` or `registration`.")
    history: list["Consent"] = field(
        consents.history_of,
        requires=OPEN,
        at_most=consents.LONGEST_HISTORY,
        description="Your decisions on this purpose, latest first.",
    )


@graph_type(of=DataExportRecord)
class DataExport(Node):
    """An export of all data that is kept about you."""

    status: DataExportStatus = computed(data_exports.status_of, requires=OPEN, description="Its status.")
    requested_at: DateTime = strawberry.field(description="When you requested it.")
    download_url: URL | None = computed(
        data_exports.download_url,
        requires=OPEN,
        description=(
            "Where to download it as JSON, with your access token as for any request: the link alone opens "
            "nothing. Null until it is ready and after it has expired."
        ),
    )
    expires_at: DateTime | None = strawberry.field(description="When the download expires.")
