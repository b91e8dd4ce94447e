"""What the simulated Nessus refuses, with the HTTP status that a real one answers."""


class Refusal(Exception):
    """Answered as `{"error": message}` with this HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def invalid(message: str) -> Refusal:
    return Refusal(400, message)


def unauthorized() -> Refusal:
    return Refusal(401, "Invalid Credentials")


def forbidden(message: str) -> Refusal:
    return Refusal(403, message)


def not_found(what: str = "The requested file was not found.") -> Refusal:
    return Refusal(404, what)


def conflict(message: str) -> Refusal:
    return Refusal(409, message)


def api_closed() -> Refusal:
    """The same answer for a licence without the scan API and for a wrong X-API-Token."""
    return Refusal(412, "API is not available")


def loading() -> Refusal:
    return Refusal(503, "The server is loading its plugins, see GET /server/status")
