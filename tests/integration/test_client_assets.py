"""Assets from Python and from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pressline_client import Client, ConflictError, NotFoundError
from tests.support import fonts
from tests.support.assets import BLUE, RED, png
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer
from tests.support.stack import pressline


@dataclass(frozen=True)
class Service:
    """Where it is, and a key to it."""

    url: str
    key: str

    async def cli(self, *arguments: object, fails: bool = False) -> str:
        """What a command says."""
        env = {"PRESSLINE_API_URL": self.url, "PRESSLINE_API_KEY": self.key, "COLUMNS": "200"}
        words = ["assets", *map(str, arguments)]
        done = await asyncio.to_thread(pressline, *words, timeout=60, check=not fails, env=env)
        assert done.returncode == int(fails), done
        return done.stderr if fails else done.stdout


@pytest.fixture(scope="module")
async def service(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[Service]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    async with running_scheduler(settings) as anonymous, running_gateway(settings) as gateway:
        yield Service(gateway.url, (await anonymous.as_account("acme")).key)


async def test_the_client_stores_lists_reads_and_deletes(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(png(RED))

    def calls() -> None:
        with Client(service.url, service.key) as client:
            logo = client.assets.add(file)
            assert client.assets.add(file) == logo
            brand = client.assets.add(fonts.woff2("Brand"), name="brand.woff2")
            assert brand.font is not None
            assert (brand.font.family, brand.font.weight, brand.font.style) == ("Brand", "400", "normal")
            assert list(client.assets.list()) == [brand, logo]
            with pytest.raises(ConflictError):
                client.assets.add(png(BLUE), name="logo.png")
            changed = client.assets.add(png(BLUE), name="logo.png", replace=True)
            assert client.assets.get(logo.id) == changed
            assert client.assets.content(logo.id) == png(BLUE)
            with pytest.raises(ValueError, match="bytes need a name"):
                client.assets.add(b"")
            for asset in (logo, brand):
                client.assets.delete(asset.id)
            with pytest.raises(NotFoundError):
                client.assets.get(logo.id)

    await asyncio.to_thread(calls)


async def test_the_command_line_stores_lists_and_deletes(service: Service, tmp_path: Path) -> None:
    logo, brand = tmp_path / "logo.png", tmp_path / "brand.ttf"
    logo.write_bytes(png(RED))
    brand.write_bytes(fonts.truetype("Brand", weight=700, italic=True))
    uses = ["https://assets.pressline.invalid/logo.png", 'font-family: "Brand" (700 italic)']
    assert (await service.cli("add", logo, brand)).splitlines() == uses
    listed = (await service.cli("list")).splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["brand.ttf", "font", str(len(brand.read_bytes()))],
        ["logo.png", "image", str(len(png(RED)))],
    ]
    logo.write_bytes(png(BLUE))
    assert "ask to replace it" in await service.cli("add", logo, fails=True)
    await service.cli("add", logo, "--replace")
    await service.cli("add", logo, "--name", "other.png")
    assert "--name is for one file" in await service.cli("add", logo, brand, "--name", "x", fails=True)
    assert "No asset is named 'nothing'" in await service.cli("delete", "logo.png", "nothing", fails=True)
    await service.cli("delete", "logo.png", "other.png", "brand.ttf")
    assert len((await service.cli("list")).splitlines()) == 1
