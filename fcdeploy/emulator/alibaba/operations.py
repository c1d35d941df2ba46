"""The names of all operations of Function Compute 2.0, in the order of facts 8.1."""

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
    *("ClaimGPUInstance", "ReleaseGPUInstance", "GetTempBucketToken"),
)
