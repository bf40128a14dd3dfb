"""Users and agents of a HaloITSM or HaloPSA desk as a crosskey target."""

from crosskey_halo.plugin import crosskey_targets
from crosskey_halo.settings import HaloSettings

__all__ = ("HaloSettings", "crosskey_targets")
