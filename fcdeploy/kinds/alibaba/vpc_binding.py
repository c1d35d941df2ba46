"""VPC bindings: the only VPCs from which a service's http triggers may be called. Facts 8.1, 9.12."""

from __future__ import annotations

from fcdeploy.kinds.descriptor import GuardStyle, Kind, Listing, Marking, Operation

_PATH = "/services/{serviceName}/bindings"
_LIST = Operation(name="ListVpcBindings", method="GET", path=_PATH)

KIND = Kind(
    provider="alibaba",
    name="vpcBinding",
    title="VPC binding",
    description="VPCs from which alone the service's http triggers may be called.",
    section="vpcBindings",
    parent="service",
    identity=("serviceName", "vpcId"),
    name_schema={
        "description": "the id of a VPC, such as `vpc-bp1shop`",
        "type": "string",
        "pattern": "^[-a-zA-Z0-9]+$",
        "minLength": 1,
        "maxLength": 128,
    },
    fields=(),
    create=Operation(name="CreateVpcBinding", method="POST", path=_PATH),
    read=_LIST,
    delete=Operation(name="DeleteVpcBinding", method="DELETE", path=_PATH + "/{vpcId}"),
    listing=Listing(operation=_LIST, items="vpcIds", limit=0),
    guard=GuardStyle.RECHECK,
    marking=Marking.PARENT,
    missing=frozenset({"VpcBindingNotFound", "ServiceNotFound"}),
    soft_limit=20,
)
