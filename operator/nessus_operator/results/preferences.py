"""A policy written anew, from the parts that are known and without the values of secrets."""

import re
from html import escape

# Elements of a policy that are written again; any other is dropped with all it holds.
_CONTAINERS = frozenset(
    (
        "Policy",
        "Preferences",
        "ServerPreferences",
        "PluginsPreferences",
        "FamilySelection",
        "FamilyItem",
        "IndividualPluginSelection",
        "PluginItem",
    )
)
_TEXTS = frozenset(
    (
        "policyName",
        "policyComments",
        "FamilyName",
        "Status",
        "PluginId",
        "PluginName",
        "Family",
    )
)
_PREFERENCES = {  # the elements of one preference, in the order that they are written
    "preference": ("name", "value"),
    "item": (
        "pluginName",
        "pluginId",
        "fullName",
        "preferenceName",
        "preferenceType",
        "preferenceValues",
        "selectedValue",
    ),
}
_TELLING = {"preference": ("name",), "item": ("fullName", "preferenceName", "preferenceType")}
_VALUES = frozenset(("value", "preferenceValues", "selectedValue"))
_CHOICES = frozenset(("checkbox", "radio"))  # types whose values are words of Nessus
_TYPED_SECRETS = frozenset(("password", "file"))
_SECRET = re.compile(
    r"pass|secret|token|credential|community|cookie|hash|\bpin\b|login form|"
    r"(?:private|api|access|auth|session|encryption)[ _-]?key",
    re.IGNORECASE,
)
_LONGEST = 16_000_000  # characters; a policy that is longer is dropped whole


class Policy:
    """One policy as it is written again; complete only when its own end tag has come."""

    def __init__(self, name: str) -> None:
        self.written = ""
        self._parts: list[str] = []
        self._size = 0
        self._open: list[str] = []
        self._dropped = 0  # depth inside an element that is dropped
        self._preference: _Preference | None = None
        self._known = name == "Policy"
        self.open(name)

    def open(self, name: str) -> None:
        parent = self._open[-1] if self._open else ""
        if self._dropped or not self._known:
            self._dropped += 1
        elif self._preference:
            self._preference.open(name)
        elif name in _PREFERENCES and parent in ("ServerPreferences", "PluginsPreferences"):
            self._preference = _Preference(name)
        elif name in _CONTAINERS or (name in _TEXTS and parent in _CONTAINERS):
            self._open.append(name)
            self._write(f"<{name}>")
        else:
            self._dropped = 1

    def close(self, name: str) -> bool:
        """Whether that was the end of the policy."""
        if self._dropped:
            self._dropped -= 1
            return not self._dropped and not self._known
        if self._preference:
            if self._preference.close():
                self._write(self._preference.written)
                self._preference = None
            return False
        self._open.pop()
        self._write(f"</{name}>\n")
        if not self._open:
            self.written = "".join(self._parts)
        return not self._open

    def text(self, text: str) -> None:
        if self._dropped:
            return
        if self._preference:
            self._preference.text(text)
        elif self._open[-1] in _TEXTS:
            self._write(escape(text, quote=False))

    def _write(self, text: str) -> None:
        """A policy that grows beyond all measure is dropped whole."""
        self._size += len(text)
        if self._size > _LONGEST:
            self._parts = []
        else:
            self._parts.append(text)


class _Preference:
    """A preference of the server or of a plugin. Its value goes unless it can be a secret."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depth = 1
        self._texts: dict[str, str] = {}
        self._element = ""

    def open(self, name: str) -> None:
        self._depth += 1
        self._element = name if self._depth == 2 else ""

    def text(self, text: str) -> None:
        if self._element in _PREFERENCES[self._name]:
            self._texts[self._element] = self._texts.get(self._element, "") + text

    def close(self) -> bool:
        """Whether that was the end of the preference."""
        self._depth -= 1
        self._element = ""
        return not self._depth

    @property
    def written(self) -> str:
        secret = self._secret
        children = ""
        for name in _PREFERENCES[self._name]:
            if name in self._texts:
                said = "" if secret and name in _VALUES else self._texts[name]
                children += f"<{name}>{escape(said, quote=False)}</{name}>\n"
        return f"<{self._name}>{children}</{self._name}>\n"

    @property
    def _secret(self) -> bool:
        """Unless its name and type are there and tell that it is none."""
        texts = self._texts
        if any(part not in texts for part in _TELLING[self._name]):
            return True
        names = " ".join(texts.get(part, "") for part in ("name", "fullName", "preferenceName"))
        said = texts.get("preferenceType", "").strip().lower()
        if said in _CHOICES and "[password]" not in names and "[file]" not in names:
            return False
        return said in _TYPED_SECRETS or _SECRET.search(names) is not None
