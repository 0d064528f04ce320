"""Who made a run, with which program and which instruments, and under which licence: entities of an RO-Crate.

RO-Crate Metadata Specification 1.1, "Contextual entities" and "Provenance of entities": people by their ORCID iDs,
equipment as IndividualProduct, programs as SoftwareApplication.
"""

import hashlib
import re
from typing import Any

from crossbar_hil.errors import ConfigError
from crossbar_hil.results.conditions import ORCID_URL
from crossbar_hil.runs.run import Run

_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def licence_url(text: str) -> str:
    """Return the address of a licence, given itself or by its SPDX identifier.

    >>> licence_url("CC-BY-4.0")
    'https://spdx.org/licenses/CC-BY-4.0'

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if re.fullmatch(r"https?://[^\s<>\"]+", text):
        return text
    if _SPDX.fullmatch(text):
        return f"https://spdx.org/licenses/{text}"
    raise ConfigError(f"licence {text!r} is neither an address nor an SPDX identifier such as CC-BY-4.0")


def people_of(crate: Any, run: Run) -> list[Any]:
    """Return who measured; nobody if nobody was named."""
    said = run.conditions
    if "operator" not in said and "orcid" not in said:
        return []
    name = {"name": said["operator"]} if "operator" in said else {}
    person = entity(
        crate, f"{ORCID_URL}{said['orcid']}" if "orcid" in said else _id("person", name["name"]), "Person", **name
    )
    if "institution" in said:
        person["affiliation"] = _organization(crate, said["institution"])
    return [person]


def _organization(crate: Any, text: str) -> Any:
    """Return an institution, whose address may stand behind its name, such as that of ROR."""
    found = re.fullmatch(r"(.*?)[,\s]*(https?://\S+)", text)
    if found is None:
        return entity(crate, _id("organization", text), "Organization", name=text)
    return entity(crate, found[2], "Organization", name=found[1] or found[2], url=found[2])


def program_of(crate: Any, run: Run) -> Any:
    """Return the program that trained."""
    version = str(run.facts.get("versions", {}).get("crossbar-hil", "of an unknown version"))
    commit = run.facts.get("git")
    more = {"softwareVersion": version, **({"description": f"Commit {commit}"} if commit else {})}
    name = f"crossbar-hil {version}"
    return entity(crate, _id("software", f"{name} {commit or ''}".strip()), "SoftwareApplication", name=name, **more)


def instruments_of(crate: Any, run: Run) -> list[Any]:
    """Return the instruments that answered, each once; emulated ones are called so."""
    device = run.facts.get("device") or {}
    told = [device.get("matrix"), *(device.get("sources") or {}).values()]
    found = {}
    for each in told:
        if not isinstance(each, dict) or "model" not in each:
            continue
        name = f"{each.get('maker', '')} {each['model']}".strip()
        more = {
            "name": name if run.kind == "hardware" else f"{name} (emulated, no instrument)",
            "model": each["model"],
            "manufacturer": each.get("maker", ""),
            "serialNumber": each.get("serial", ""),
            "description": f"firmware {each.get('firmware', 'unknown')}, {run.kind}",
        }
        key = _id("instrument", f"{name} {each.get('serial', '')} {run.kind}")
        found[key] = entity(crate, key, "IndividualProduct", **{key: value for key, value in more.items() if value})
    return list(found.values())


def entity(crate: Any, key: str, kind: str, **properties: Any) -> Any:
    """Return an entity of the crate, made if it is not there yet."""
    from rocrate.model.contextentity import ContextEntity  # noqa: PLC0415 - an extra

    there = crate.dereference(key)
    return there or crate.add(ContextEntity(crate, key, properties={"@type": kind, **properties}))


def plain(found: list[Any]) -> Any:
    """Return what an entity holds of some others: one of them stands for itself, as RO-Crate 1.1 recommends."""
    return found[0] if len(found) == 1 else found


def _id(kind: str, name: str) -> str:
    return f"#{kind}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
