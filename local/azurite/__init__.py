"""Storage: Azurite, Microsoft's own emulator, installed with npm and run as a child process.

Covered: blobs, queues and tables of one account, by its key or a SAS.
Not there, as in Azurite: hierarchical namespaces, files, lifecycle rules; events come from
`local.storage_events`.
"""

from local.azurite.install import install_azurite
from local.azurite.resources import create_resources
from local.azurite.server import ACCOUNT_KEY, ACCOUNT_NAME, Azurite

__all__ = ["ACCOUNT_KEY", "ACCOUNT_NAME", "Azurite", "create_resources", "install_azurite"]
