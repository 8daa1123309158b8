"""What can keep the simulated site from running; each message says what to install or mend."""


class SiteError(Exception):
    """Root of the simulated site's errors."""


class PartFailed(SiteError):
    """A part of the site did not come up, or died; the message names its log."""
