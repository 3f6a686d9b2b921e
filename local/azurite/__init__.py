"""Azurite, Microsoft's own emulator of blob, queue and table storage, as a child process."""

from local.azurite.install import install_azurite
from local.azurite.resources import create_resources
from local.azurite.server import ACCOUNT_KEY, ACCOUNT_NAME, Azurite

__all__ = ["ACCOUNT_KEY", "ACCOUNT_NAME", "Azurite", "create_resources", "install_azurite"]
