"""A report with a different secret in every place of its policy that can hold one, and a search for
them that looks into compressed files and into SQLite."""

import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import zstandard

SECRET = "planted"  # every secret begins with it

# Preferences of the server whose value is a secret.
_SERVER = ("proxy_password", "smtp_password", "feed_token", "api_secret", "SNMP community", "pin")
# Preferences of plugins: full name, type.
_PLUGINS = (
    ("Login configurations[password]:SMB password :", "password"),
    ("Login configurations[password]:HTTP password (sent in clear) :", "password"),
    ("SSH settings[password]:SSH password (unsafe!) :", "password"),
    ("SSH settings[file]:SSH private key to use :", "file"),
    ("SSH settings[password]:Passphrase for SSH key :", "password"),
    ("SSH settings[password]:Escalation password :", "Password"),
    ("Kerberos configuration[password]:Kerberos secret :", "password "),
    ("Database settings[password]:Password :", "password"),
    ("SNMP settings[entry]:Community name :", "entry"),
    ("HTTP login page[entry]:Login form fields :", "entry"),
    ("HTTP cookies import[file]:Cookies file :", "file"),
    ("VMware SOAP API Settings[password]:VMware password :", "entry"),
    ("Cloud settings[entry]:Access key ID :", "entry"),
    ("Odd[password]:A choice that is none", "checkbox"),
)
_HARMLESS = (
    ("SSH settings[entry]:SSH user name :", "entry", "scanner"),
    ("Port scanners settings[checkbox]:Check open TCP ports :", "checkbox", "no"),
)


class Planted:
    """Counts the secrets that it hands out."""

    def __init__(self) -> None:
        self.secrets: list[str] = []

    def new(self) -> str:
        self.secrets.append(f"{SECRET}{len(self.secrets):03d}z")
        return self.secrets[-1]


def policy(planted: Planted, *, tag: str = "Policy") -> str:
    """A policy as Nessus writes it, and with what it may one day write."""
    server = "".join(
        f"<preference><name>{name}</name>\n<value>{planted.new()}</value>\n</preference>\n"
        for name in _SERVER
    )
    plugins = "".join(_item(planted, name, said, planted.new()) for name, said in _PLUGINS)
    plugins += "".join(_item(None, name, said, value) for name, said, value in _HARMLESS)
    return (
        f"<{tag}><policyName>Weekly</policyName>\n<policyComments>of the web</policyComments>\n"
        f"<Preferences><ServerPreferences>\n{server}"
        "<preference><name>TARGET</name><value>192.0.2.0/24</value></preference>\n"
        f"</ServerPreferences>\n<PluginsPreferences>\n{plugins}</PluginsPreferences>\n"
        f"</Preferences>\n<!-- {planted.new()} -->"
        f"<Credentials><ssh user='u' password='{planted.new()}'>{planted.new()}</ssh></Credentials>"
        f"<preference><name>smb password</name><value><![CDATA[{planted.new()}]]></value>"
        f"</preference><?pi {planted.new()}?>\n"
        "<FamilySelection><FamilyItem><FamilyName>General</FamilyName><Status>enabled</Status>"
        f"</FamilyItem></FamilySelection></{tag}>\n"
    )


def _item(planted: Planted | None, name: str, said: str, value: str) -> str:
    values = planted.new() if planted else ""
    return (
        f"<item><pluginName>Settings</pluginName>\n<pluginId>10870</pluginId>\n"
        f"<fullName>{name}</fullName>\n<preferenceName>{name.partition(':')[2]}</preferenceName>\n"
        f"<preferenceType>{said}</preferenceType>\n<preferenceValues>{values}</preferenceValues>\n"
        f"<selectedValue>{value}</selectedValue>\n</item>\n"
    )


def document(*parts: str) -> bytes:
    return "".join(
        ('<?xml version="1.0" ?>\n<NessusClientData_v2>\n', *parts, "</NessusClientData_v2>\n")
    ).encode()


HOSTS = (
    '<Report name="weekly" xmlns:cm="http://www.nessus.org/cm">\n'
    '<ReportHost name="192.0.2.1"><HostProperties><tag name="os">linux</tag></HostProperties>\n'
    '<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="1" pluginID="7" '
    'pluginName="A &amp; B" pluginFamily="General">\n<plugin_output>&lt;Policy&gt; said '
    "password</plugin_output>\n</ReportItem>\n</ReportHost>\n</Report>\n"
)


def bulk(size: int) -> str:
    """A report of about `size` bytes that do not compress, so that they soon reach the disk."""
    source = random.Random(size)  # noqa: S311 - it makes up data, no secret
    noise = "\n".join(source.randbytes(60).hex() for _ in range(size // 121))
    return HOSTS.replace("said password", f"said password\n{noise}")


def found_in(folder: Path) -> set[str]:
    """Names of the files below that hold a secret in any form that we write."""
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(SECRET.encode() in text for text in _readings(path))
    }


def _readings(path: Path) -> Iterator[bytes]:
    with suppress(FileNotFoundError):  # a temporary file that has gone meanwhile
        content = path.read_bytes()
        yield content
        if path.name.startswith((".report.nessus.zst", "report.nessus.zst")):
            yield from _decompressed(content)
        if content.startswith(b"SQLite format 3"):
            yield from _values(path)


def _decompressed(content: bytes) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor().decompressobj()
    with suppress(zstandard.ZstdError):  # it may be unfinished
        yield reader.decompress(content)


def on_disk(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _values(path: Path) -> Iterable[bytes]:
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(uri, uri=True)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in names.fetchall():
            for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - our own
                yield repr(row).encode()
