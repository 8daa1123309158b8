"""The `[broker]` table of a gate's or the centre's configuration, with `[broker.fallback]` where there is one."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.node.link import LinkSettings

Port = Annotated[int, Field(ge=1, le=65535)]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class BrokerAddress(BaseModel):
    """A broker: TLS with a client certificate, or name and password on loopback."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: Port = 8883
    username: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together; write both or neither")
        tls = (self.ca, self.certificate, self.key)
        if any(tls) and not all(tls):
            raise ValueError("TLS needs ca, certificate and key; write all three")
        if not any(tls) and self.host not in _LOOPBACK:
            raise ValueError("a broker on another machine needs TLS; write ca, certificate and key")
        return self

    def link(self, folder: Path) -> LinkSettings:
        """What the link takes; paths are relative to `folder`. Raises OSError when the password cannot be read."""

        def beside(path: Path | None) -> Path | None:
            return None if path is None else folder / path

        password = beside(self.password_file)
        return LinkSettings(
            host=self.host,
            port=self.port,
            username=self.username,
            password=password.read_text(encoding="utf-8").strip() if password else None,
            ca=beside(self.ca),
            certificate=beside(self.certificate),
            key=beside(self.key),
        )


class BrokerTable(BrokerAddress):
    """The site's broker. `fallback`: the centre's, for as long as the site's cannot be reached."""

    fallback: BrokerAddress | None = None

    def link(self, folder: Path) -> LinkSettings:
        """As of any broker, with where to fall back to."""
        fallback = self.fallback.link(folder) if self.fallback else None
        return replace(super().link(folder), fallback=fallback)
