"""The centre's API as the simulated declarant and administrator use it."""

from typing import Any

import httpx

from shared.codes import Agency
from simulation.errors import PartFailed


class CentreClient:
    """Declares, recalls, enrols, and reads facts, over HTTP as anybody would."""

    def __init__(self, address: str, admin_token: str, declarant_token: str) -> None:
        self._client = httpx.AsyncClient(base_url=address, timeout=10.0)
        self._admin = {"Authorization": f"Bearer {admin_token}"}
        self._declarant = {"Authorization": f"Bearer {declarant_token}"}

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def ready(self) -> bool:
        """True when the server answers."""
        return await answers(self._client, "/health/live")

    async def enrol_node(
        self, node: str, site: str, key: str, places: list[str], agencies: list[str]
    ) -> None:
        """Licenses a node."""
        body = {"node": node, "site": site, "public_key": key, "places": places, "agencies": agencies}
        await self._post("/api/nodes", body, self._admin)

    async def enrol_officer(self, officer: str, agency: Agency, site: str) -> None:
        """Enrols an officer."""
        await self._post("/api/officers", {"officer": officer, "agency": agency, "site": site}, self._admin)

    async def declare(self, declaration: dict[str, Any]) -> str:
        """Declares; gives the number."""
        return str((await self._post("/api/declarations", declaration, self._declarant))["no"])

    async def recall(self, no: str, reason: str) -> None:
        """Takes a declaration back."""
        await self._post(f"/api/declarations/{no}/recall", {"reason": reason}, self._declarant)

    async def facts(self, after: int) -> list[dict[str, Any]]:
        """Facts in order of arrival after a position."""
        answer = await self._client.get("/api/facts", params={"after": after, "most": 500})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["facts"]
        return found

    async def _post(self, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        answer = await self._client.post(path, json=body, headers=headers)
        if answer.status_code >= 300:
            raise PartFailed(f"centre refuses {path}: {answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


async def answers(client: httpx.AsyncClient, path: str) -> bool:
    """True when a server answers 200 at a path."""
    try:
        return (await client.get(path)).status_code == 200
    except httpx.HTTPError:
        return False
