"""The Mgmt API: MQTT clients, read-only subscribers, tenants, members and invites.

Lists are returned as DataFrames. Whatever is created is returned as a `Made`, whose secrets are masked until you ask
for them. A request that changes the account is never sent twice.

>>> import isr_analysis as isr
>>> with isr.sandbox.serve() as sandbox, sandbox.connect() as portal:
...     made = isr.mgmt.create_subscriber("notebook", portal=portal)
...     isr.mgmt.load_members(portal=portal)["role"].tolist()
['owner', 'data_manager', 'member']
>>> made.password
Secret(…)
>>> len(made.password.reveal()) > 8
True
"""

from __future__ import annotations

from isr_analysis.mgmt.clients import (
    create_publisher,
    create_subscriber,
    pause_publisher,
    remove_publisher,
    resume_publisher,
    rotate_credentials,
)
from isr_analysis.mgmt.made import Made
from isr_analysis.mgmt.people import (
    create_tenant,
    invite_member,
    load_invites,
    load_members,
    remove_member,
    set_role,
    withdraw_invite,
)

__all__ = [
    "Made",
    "create_publisher",
    "create_subscriber",
    "create_tenant",
    "invite_member",
    "load_invites",
    "load_members",
    "pause_publisher",
    "remove_member",
    "remove_publisher",
    "resume_publisher",
    "rotate_credentials",
    "set_role",
    "withdraw_invite",
]


def __dir__() -> list[str]:
    return list(__all__)
