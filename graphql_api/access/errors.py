"""Why a request is not authenticated. No message contains a credential or a part of one."""


class AuthenticationError(Exception):
    """The request has no credential that this server accepts."""


class MissingCredentialError(AuthenticationError):
    """The request has no credential for the scheme Bearer, but needs one."""


class InvalidCredentialError(AuthenticationError):
    """The credential of the request is malformed, unknown, expired or revoked."""


class VerificationUnavailableError(Exception):
    """The credential cannot be verified for now. A retry may help."""
