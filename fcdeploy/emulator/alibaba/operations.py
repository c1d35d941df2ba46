"""The names of all operations of Function Compute 2.0, in the order of facts 8.1, and the choices they share."""

OPERATIONS = (
    *("CreateService", "GetService", "UpdateService", "DeleteService", "ListServices"),
    *("CreateFunction", "GetFunction", "UpdateFunction", "DeleteFunction", "ListFunctions", "GetFunctionCode"),
    *("InvokeFunction", "HTTPTriggerInvocation"),
    *("CreateTrigger", "GetTrigger", "UpdateTrigger", "DeleteTrigger", "ListTriggers"),
    *("PublishServiceVersion", "ListServiceVersions", "DeleteServiceVersion"),
    *("CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias", "ListAliases"),
    *("CreateCustomDomain", "GetCustomDomain", "UpdateCustomDomain", "DeleteCustomDomain", "ListCustomDomains"),
    *("PutProvisionConfig", "GetProvisionConfig", "ListProvisionConfigs"),
    *("PutFunctionOnDemandConfig", "GetFunctionOnDemandConfig", "DeleteFunctionOnDemandConfig", "ListOnDemandConfigs"),
    *("PutFunctionAsyncInvokeConfig", "GetFunctionAsyncInvokeConfig", "DeleteFunctionAsyncInvokeConfig"),
    *("ListFunctionAsyncInvokeConfigs", "ListStatefulAsyncInvocations", "GetStatefulAsyncInvocation"),
    *("StopStatefulAsyncInvocation", "ListStatefulAsyncInvocationFunctions"),
    *("CreateLayerVersion", "GetLayerVersion", "DeleteLayerVersion", "ListLayerVersions", "ListLayers"),
    *("GetLayerVersionByArn", "PutLayerACL"),
    *("TagResource", "GetResourceTags", "UntagResource", "ListTaggedResources"),
    *("CreateVpcBinding", "ListVpcBindings", "DeleteVpcBinding"),
    *("RegisterEventSource", "ListEventSources", "DeregisterEventSource"),
    *("ListInstances", "InstanceExec", "GetAccountSettings", "ListReservedCapacities"),
    *("ClaimGPUInstance", "ReleaseGPUInstance", "GetAccountConfigs", "GetTempBucketToken", "GetTempCodeBucketToken"),
)

# Where the sources are silent or disagree, and what the emulator does: (topic, choice, source).
SHARED_CHOICES = (
    ("clock", "a date more than 15 minutes off is 403 AccessDenied, one that is no date 400", "facts 4.7, [INF]"),
    ("ACS3 signature", "a wrong one is 403 SignatureNotMatch, as with FC", "facts 16.7"),
    ("ACS3 headers", "host and every x-acs- header must be signed; a nonce may come again", "facts 4.4"),
    ("FC signature", "path decoded or raw, with or without query lines, sorted or not", "facts 4.2, 4.5"),
    ("Content-MD5", "signed with, never compared with the body", "facts 1.27"),
    ("trace id", "X-Fc-Trace-Id is accepted and does not become the request id", "facts 3.1, 3.2"),
    ("order of checks", "path, signature, body, existence from the top, If-Match, then the rest", "facts 6.1"),
    ("If-Match", "compared for equality, * is no wildcard; ignored where the kind does not take it", "facts 6.2, 16.9"),
    ("ETag", "every accepted PUT changes it, also one that changes no field", "facts 3.4"),
    ("lastModifiedTime", "at least one second later on every update, even within one second", "facts 3.4"),
    ("request rate", "its limits are not documented; `throttle` counts by account and region", "facts 13"),
    ("list limit", "outside its range it is InvalidArgument", "facts 7.1, 16.10"),
    ("unknown keys", "ignored, as are read-only ones; null is absent; case does not matter", "facts 1.5, 1.6, 7.2"),
    ("body", "invalid UTF-8, NaN, numbers out of range, nesting over 64 levels: 400", "facts 6.3"),
    ("both versions", "fields of 2021 are accepted and shown in 2016 too", "facts 7.2, 8.1"),
    ("qualifier", "the path form and the query form are accepted in both versions", "facts 14.1"),
)
