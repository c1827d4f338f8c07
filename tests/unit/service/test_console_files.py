"""The console's files: served with right types, never stale, and nothing comes from elsewhere."""

import re

import httpx
import pytest
from fastapi import FastAPI

from orchestrator.service.console import CONTENT_POLICY, PAGE, TYPES, router, static_files

pytestmark = pytest.mark.anyio

TEXTS = {name: file.body.decode() for name, file in static_files().items()}
MODULES = {name: text for name, text in TEXTS.items() if name.endswith(".js")}


async def get(path, **headers):
    app = FastAPI()
    app.include_router(router)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path, headers=headers)


async def test_the_root_is_the_page():
    response = await get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Ferryman</title>" in response.text


@pytest.mark.parametrize("name", sorted(TEXTS))
async def test_every_file_has_its_type_its_tag_and_the_policy(name):
    response = await get(f"/console/{name}")
    ending = name[name.rindex(".") :]
    assert response.headers["content-type"] == TYPES[ending]
    assert response.headers["content-security-policy"] == CONTENT_POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["etag"] == static_files()[name].tag


async def test_who_has_the_file_is_not_sent_it_again():
    tag = (await get("/")).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await get("/", **{"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert (await get("/", **{"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fconsole.py", "console.py", ".hidden"])
async def test_nothing_else_is_served(name):
    assert (await get(f"/console/{name}")).status_code == 404


def test_the_policy_lets_no_script_in_but_ours_and_makes_no_markup_of_strings():
    assert "default-src 'none'" in CONTENT_POLICY
    assert "require-trusted-types-for 'script'" in CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY
    assert "http" not in CONTENT_POLICY


def test_no_file_names_another_host():
    names = "https?://(?!www\\.w3\\.org/2000/svg)"
    assert [name for name, text in TEXTS.items() if re.search(names, text)] == []


def test_the_page_has_neither_inline_scripts_nor_styles():
    page = TEXTS[PAGE]
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    assert re.findall(r"\s(style|on\w+)=", page) == []


def test_no_module_makes_markup_of_a_string():
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function"
    assert [name for name, text in MODULES.items() if re.search(ways, text)] == []


def test_every_import_and_every_file_that_the_page_names_exists():
    imported = {name for text in MODULES.values() for name in re.findall(r'from "\./(.+?)"', text)}
    named = set(re.findall(r'(?:src|href)="console/(.+?)"', TEXTS[PAGE]))
    assert imported | named <= set(TEXTS)
    assert set(MODULES) <= imported | named


def test_every_name_that_is_imported_is_exported():
    exported = {
        name: set(
            re.findall(r"^export (?:async )?(?:function\*?|class|const) (\w+)", text, re.MULTILINE)
        )
        for name, text in MODULES.items()
    }
    for name, text in MODULES.items():
        for names, module in re.findall(r'import \{(.+?)\} from "\./(.+?)"', text):
            wanted = {each.strip() for each in names.split(",")}
            assert wanted <= exported[module], f"{name} wants {wanted - exported[module]}"


def test_every_import_is_used():
    for name, text in MODULES.items():
        for names, _ in re.findall(r'import \{(.+?)\} from "\./(.+?)"', text):
            for wanted in (each.strip() for each in names.split(",")):
                assert len(re.findall(rf"\b{wanted}\b", text)) > 1, f"{name} does not use {wanted}"


def test_no_module_is_long():
    assert [name for name, text in TEXTS.items() if len(text.splitlines()) > 400] == []
