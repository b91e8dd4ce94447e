"""The plugins of generated reports. Products, texts and CVE numbers are invented; numbers below
900000 are those by which readers of reports know the state of a scan and its logins."""

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def risk_factor(self) -> str:
        return "None" if self is Severity.INFO else self.name.capitalize()


@dataclass(frozen=True, slots=True)
class Port:
    number: int
    protocol: str
    service: str


GENERAL = Port(0, "tcp", "general")
SSH = Port(22, "tcp", "ssh")
HTTP = Port(80, "tcp", "www")
HTTPS = Port(443, "tcp", "www")
DATABASE = Port(5432, "tcp", "postgresql")
OPEN_PORTS = (SSH, HTTP, HTTPS, DATABASE)


@dataclass(frozen=True, slots=True)
class Plugin:
    """`score` is the CVSS v3 base score; `output` may name {host} and {port}."""

    id: int
    name: str
    family: str
    severity: Severity
    port: Port
    synopsis: str
    description: str
    solution: str = "n/a"
    output: str = ""
    cves: tuple[str, ...] = ()
    score: float | None = None
    exploit: bool = False
    kind: str = "remote"


INFO, LOW, MEDIUM, HIGH, CRITICAL = Severity

PING = Plugin(
    10180,
    "Ping the remote host",
    "Port scanners",
    INFO,
    GENERAL,
    "The host answers.",
    "An echo request to the host was answered, so the scan goes on with it.",
    output="{host} answered an ICMP echo request.",
)
OPEN_PORT = Plugin(
    11219,
    "Nessus SYN scanner",
    "Port scanners",
    INFO,
    GENERAL,
    "A port is open.",
    "A half-open connection to the port was accepted.",
    output="Port {port}/tcp was found to be open.",
)
SCAN_INFORMATION = Plugin(
    19506,
    "Nessus Scan Information",
    "Settings",
    INFO,
    GENERAL,
    "How this host was scanned.",
    "Lists the versions, the settings and the times of the scan of this host.",
    kind="summary",
)

VALID_LOGIN = Plugin(
    141118,
    "Target Credential Status by Authentication Protocol - Valid Credentials Provided",
    "Settings",
    INFO,
    SSH,
    "The scanner could log in.",
    "At least one of the credentials of the scan was accepted over this protocol.",
    output="Login accepted.\n\nUser  : '{user}'\nPort  : 22\nProto : SSH",
)
LOGIN_WITHOUT_ISSUES = Plugin(
    110095,
    "Target Credential Issues by Authentication Protocol - No Issues Found",
    "Settings",
    INFO,
    SSH,
    "The login was good for all checks.",
    "No check reported a missing right or a later failure of the login.",
    output="No issue with the login.\n\nUser  : '{user}'\nPort  : 22\nProto : SSH",
)
INSUFFICIENT_PRIVILEGE = Plugin(
    110385,
    "Target Credential Issues by Authentication Protocol - Insufficient Privilege",
    "Settings",
    INFO,
    SSH,
    "The login lacks rights for some checks.",
    "The login was accepted, but commands that need more rights were refused.",
    output="Commands were refused.\n\nUser  : '{user}'\nPort  : 22\nProto : SSH",
)
FAILED_LOGIN = Plugin(
    104410,
    "Target Credential Status by Authentication Protocol - Failure for Provided Credentials",
    "Settings",
    INFO,
    SSH,
    "The scanner could not log in.",
    "None of the credentials of the scan was accepted over this protocol.",
    output="Login refused.\n\nProtocol : SSH\nPort     : 22\nUser     : '{user}'",
)
LOCAL_CHECKS_FAILED = Plugin(
    21745,
    "OS Security Patch Assessment Failed",
    "Settings",
    INFO,
    GENERAL,
    "Checks that need a login could not run.",
    "The login failed, so the updates of the host could not be assessed.",
    output="Protocol : SSH\nMessage  : the host refused every credential of the scan.",
)
NO_CREDENTIALS = Plugin(
    110723,
    "Target Credential Status by Authentication Protocol - No Credentials Provided",
    "Settings",
    INFO,
    SSH,
    "The host offers a login, but the scan has no credentials.",
    "A login service was found. The scan was given nothing to log in with.",
    output="SSH was found on port 22, and no credentials were given.",
)

WEB_BANNER = Plugin(
    900001,
    "Cinder Web Server Banner",
    "Web Servers",
    INFO,
    HTTP,
    "The web server tells its name.",
    "The Server header of the answer names product and version.",
    output="Server: Cinder/2.4",
)

# One of each list is found on every host; which one depends on the host's name.
REMOTE: tuple[tuple[Plugin, ...], ...] = (
    (
        Plugin(
            900102,
            "Cinder Web Server Directory Listing",
            "Web Servers",
            LOW,
            HTTP,
            "The web server lists a directory.",
            "Anybody can see which files a directory of the web server holds.",
            "Switch directory listings off.",
            "http://{host}/backup/ is listed.",
            score=3.1,
        ),
        Plugin(
            900103,
            "SSH Server Accepts an Outdated Key Exchange",
            "Misc.",
            LOW,
            SSH,
            "The SSH server offers a weak key exchange.",
            "A key exchange with a group of 1024 bits is on offer.",
            "Take the key exchange off the server's list.",
            "Offered: modp-1024-sha1",
            score=3.7,
        ),
    ),
    (
        Plugin(
            900201,
            "Kestrel TLS Certificate Expired",
            "General",
            MEDIUM,
            HTTPS,
            "The certificate is no longer valid.",
            "The certificate that the service presents ended before the scan.",
            "Renew the certificate.",
            "Subject: CN={host}\nNot after: 2024-06-30",
            score=5.3,
        ),
        Plugin(
            900202,
            "Cinder Web Server < 2.5 Session Fixation",
            "Web Servers",
            MEDIUM,
            HTTP,
            "Sessions can be taken over.",
            "The server keeps the session identifier that a client brings along at login.",
            "Update to Cinder 2.5.",
            "Installed version: 2.4\nFixed version: 2.5",
            ("CVE-2099-20010",),
            6.1,
        ),
    ),
    (
        Plugin(
            900301,
            "Tern Database < 11.3 Privilege Escalation",
            "Databases",
            HIGH,
            DATABASE,
            "An ordinary user can become the owner of the database.",
            "A trigger of a view runs with the rights of the view's owner.",
            "Update to Tern 11.3.",
            "Installed version: 11.1\nFixed version: 11.3",
            ("CVE-2099-30021", "CVE-2099-30022"),
            8.1,
        ),
        Plugin(
            900302,
            "Osprey SSH Server < 9.2 Username Enumeration",
            "Misc.",
            HIGH,
            SSH,
            "Valid user names can be told from others.",
            "The server takes longer to refuse users that exist, and accepts any number of tries.",
            "Update to Osprey 9.2.",
            "Banner: SSH-2.0-Osprey_9.0",
            ("CVE-2099-30030",),
            7.5,
        ),
    ),
    (
        Plugin(
            900401,
            "Cinder Web Server < 2.4.1 Remote Code Execution",
            "Web Servers",
            CRITICAL,
            HTTPS,
            "The web server runs code that a client sends.",
            "The length of a chunk is not checked, so a request can overwrite the server's memory.",
            "Update to Cinder 2.4.1.",
            "Installed version: 2.4.0\nFixed version: 2.4.1",
            ("CVE-2099-40001",),
            9.8,
            exploit=True,
        ),
        Plugin(
            900402,
            "Tern Database Default Administrator Password",
            "Databases",
            CRITICAL,
            DATABASE,
            "The database accepts its default password.",
            "Anybody who reaches the port can log in as administrator with the known password.",
            "Set a password of your own.",
            "Login as 'tern' was accepted on {host}:{port}.",
            score=9.1,
            exploit=True,
        ),
    ),
)

# Found on every host that the scan could log in to.
LOCAL: tuple[Plugin, ...] = (
    Plugin(
        900501,
        "Lumen Linux : umbra-libs Update (LLSA-2099-0107)",
        "Lumen Linux Local Security Checks",
        HIGH,
        GENERAL,
        "A package lacks a security update.",
        "The installed umbra-libs reads past the end of a picture's header.",
        "Install the update.",
        "Installed: umbra-libs-1.6.2\nFixed:     umbra-libs-1.6.5",
        ("CVE-2099-50007",),
        7.8,
        kind="local",
    ),
    Plugin(
        900502,
        "Lumen Linux : quarry Update (LLSA-2099-0142)",
        "Lumen Linux Local Security Checks",
        MEDIUM,
        GENERAL,
        "A package lacks a security update.",
        "The installed quarry follows links out of the archive that it unpacks.",
        "Install the update.",
        "Installed: quarry-3.0.1\nFixed:     quarry-3.0.4",
        ("CVE-2099-50011", "CVE-2099-50012"),
        5.5,
        kind="local",
    ),
)
