"""Identifiers in another form than the provider's are warnings; known aliases are in order."""

from __future__ import annotations

from typing import Any

import pytest

from zonewright.models.files import estate_from_data, resolve

GROUP = {"id": "web", "count": 1, "demand": {"cpu_cores": 1}}


def warnings(catalogues: list[Any], **sections: Any) -> tuple[str, ...]:
    data = {"estate": "test", "catalogues": catalogues, "groups": [GROUP], **sections}
    return resolve(estate_from_data(data)).warnings


IN_ORDER = {
    "instances": {"id": "ins-1a2b3c4d", "group": "web"},
    "images": {"id": "img-1a2b3c4d"},
    "elastic_ips": {"id": "eip-1a2b3c4d"},
    "security_groups": {"id": "sg-1a2b3c4d"},
    "disks": {"id": "disk-1a2b3c4d"},
    "snapshots": {"id": "snap-1a2b3c4d"},
    "load_balancers": {"id": "clb-1a2b3c4d", "kind": "clb"},
    "vpcs": {"id": "vpc-1a2b3c4d"},
    "route_tables": {"id": "rtb-1a2b3c4d"},
    "key_pairs": {"id": "skey-1a2b3c4d"},
}


def test_the_providers_own_form_gives_no_warning() -> None:
    subnet = {"id": "subnet-1a2b3c4d", "vpc": "vpc-1a2b3c4d", "cidr": "10.0.0.0/24"}
    assert warnings(["tencent-cvm"], **{k: [v] for k, v in IN_ORDER.items()}, subnets=[subnet]) == ()


@pytest.mark.parametrize("section", IN_ORDER)
def test_another_form_is_a_warning_and_never_an_error(section: str) -> None:
    prefix = IN_ORDER[section]["id"].split("-")[0]
    odd = {**IN_ORDER[section], "id": "mine"}
    expected = f"{section}: mine is not in the provider's form ({prefix}-xxxxxxxx)"
    assert warnings(["tencent-cvm"], **{section: [odd]}) == (expected,)


def test_another_form_of_a_subnet_is_a_warning() -> None:
    subnet = {"id": "front", "vpc": "vpc-1a2b3c4d", "cidr": "10.0.0.0/24"}
    found = warnings(["tencent-cvm"], vpcs=[{"id": "vpc-1a2b3c4d"}], subnets=[subnet])
    assert found == ("subnets: front is not in the provider's form (subnet-xxxxxxxx)",)


@pytest.mark.parametrize(
    "name",
    [
        "eip-1a2b3c4d",  # the prefix of another kind
        "disk-1a2b3c4",  # too short
        "disk-1a2b3c4d5",  # too long
        "disk1a2b3c4d",  # no hyphen
        "disk-1a2b_c4d",  # neither digit nor letter
    ],
)
def test_what_is_odd(name: str) -> None:
    assert len(warnings(["tencent-cvm"], disks=[{"id": name}])) == 1


def test_the_alias_of_a_balancer_is_known() -> None:
    assert warnings(["tencent-cvm"], load_balancers=[{"id": "lb-1a2b3c4d", "kind": "clb"}]) == ()


def test_an_alias_belongs_to_its_kind_alone() -> None:
    assert len(warnings(["tencent-cvm"], disks=[{"id": "lb-1a2b3c4d"}])) == 1


def test_accounts_have_no_form() -> None:
    assert warnings(["tencent-cvm"], accounts=[{"id": "whatever.you@like"}]) == ()


def test_a_provider_that_states_no_form_gives_no_warning() -> None:
    assert warnings(["vk-cloud"], disks=[{"id": "mine"}], vpcs=[{"id": "net"}]) == ()


def test_without_a_catalogue_there_is_no_form() -> None:
    assert warnings([], zones=[{"id": "a"}], disks=[{"id": "mine"}]) == ()


def test_with_two_products_either_form_will_do() -> None:
    servers = [{"id": "ins-1a2b3c4d", "group": "web"}, {"id": "cpm-1a2b3c4d", "group": "web"}]
    two = {**GROUP, "count": 2}
    assert warnings(["tencent-cvm", "tencent-cpm"], instances=servers, groups=[two]) == ()


def test_a_catalogue_of_ones_own_brings_its_form_and_aliases() -> None:
    own = {
        "catalogue": "acme",
        "provider": "acme",
        "zones": [{"id": "a"}],
        "resource_kinds": [
            {
                "kind": "disk",
                "scope": "zonal",
                "id_prefix": "vol",
                "aliases": ["bvol"],
                "source": {"assumption": "as everywhere"},
            }
        ],
    }
    disks = [{"id": "vol-1a2b3c4d"}, {"id": "bvol-1a2b3c4d"}, {"id": "disk-1a2b3c4d"}]
    assert warnings([own], disks=disks) == ("disks: disk-1a2b3c4d is not in the provider's form (vol-xxxxxxxx)",)
