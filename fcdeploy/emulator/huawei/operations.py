"""The operations of the vendor's SDK 3.1.219, and what was decided where the sources are silent."""

OPERATIONS = (
    *("AsyncInvokeFunction", "BatchDeleteFunctionTriggers", "BatchDeleteWorkflows", "CancelAsyncInvocation"),
    *("CreateCallbackWorkflow", "CreateDependencyVersion", "CreateEvent", "CreateFunction"),
    *("CreateFunctionApp", "CreateFunctionTrigger", "CreateFunctionVersion", "CreateTags"),
    *("CreateVersionAlias", "CreateVpcEndpoint", "CreateWorkflow", "DeleteDependencyVersion"),
    *("DeleteEvent", "DeleteFunction", "DeleteFunctionApp", "DeleteFunctionAsyncInvokeConfig"),
    *("DeleteFunctionTrigger", "DeleteTags", "DeleteVersionAlias", "DeleteVpcEndpoint"),
    *("EnableAsyncStatusLog", "EnableLtsLogs", "ExportFunction", "ImportFunction"),
    *("InvokeFunction", "ListActiveAsyncInvocations", "ListAppTemplates", "ListAsyncInvocations"),
    *("ListBridgeFunctions", "ListBridgeVersions", "ListDependencies", "ListDependencyVersion"),
    *("ListEvents", "ListFunctionApplications", "ListFunctionAsMetric", "ListFunctionAsyncInvokeConfig"),
    *("ListFunctionReservedInstances", "ListFunctionStatistics", "ListFunctionTags", "ListFunctionTemplate"),
    *("ListFunctionTriggers", "ListFunctionVersions", "ListFunctions", "ListQuotas"),
    *("ListReservedInstanceConfigs", "ListStatistics", "ListVersionAliases", "ListWorkflow"),
    *("ListWorkflowExecutions", "RetryWorkFlow", "ShowAppTemplate", "ShowDependencyVersion"),
    *("ShowEvent", "ShowFuncReservedInstanceMetrics", "ShowFuncSnapshotState", "ShowFunctionApp"),
    *("ShowFunctionAsyncInvokeConfig", "ShowFunctionCode", "ShowFunctionConfig", "ShowFunctionMetrics"),
    *("ShowFunctionTemplate", "ShowFunctionTrigger", "ShowLtsLogDetails", "ShowProjectAsyncStatusLogInfo"),
    *("ShowProjectTagsList", "ShowResInstanceInfo", "ShowTenantMetric", "ShowTracing"),
    *("ShowVersionAlias", "ShowWorkFlow", "ShowWorkFlowMetric", "ShowWorkflowExecution"),
    *("ShowWorkflowExecutionForPage", "StartSyncWorkflowExecution", "StartWorkflowExecution", "StopWorkFlow"),
    *("UpdateEvent", "UpdateFuncSnapshot", "UpdateFunctionAsyncInvokeConfig", "UpdateFunctionCode"),
    *(
        "UpdateFunctionCollectState",
        "UpdateFunctionConfig",
        "UpdateFunctionMaxInstanceConfig",
        "UpdateFunctionReservedInstancesCount",
    ),
    *("UpdateTracing", "UpdateTrigger", "UpdateVersionAlias", "UpdateWorkFlow"),
)

# Where the sources are silent or disagree, and what the emulator does: (topic, choice, source).
SHARED_CHOICES = (
    ("signature", "any failure is 401 APIGW.0301; a token is no credential here", "facts 1, 16"),
    ("signed hash", "X-Sdk-Content-Sha256 with a hash: it must be the body's", "facts 16, [INF]"),
    ("clock", "x-sdk-date must be signed, and not more than 15 minutes off", "facts 1, 16"),
    ("project", "X-Project-Id, when it is sent, must be the project of the path", "facts 1"),
    ("region", "of the Host functiongraph.{region}.myhuaweicloud.com, else of the settings", "facts 1"),
    ("URN", "every short form; one of another project or region is 404 FSS.1051", "facts 2"),
    ("order of checks", "path, signature, body, existence from the top, then the rest", "[INF]"),
    ("last_modified", "UTC as YYYY-MM-DD HH:MM:SS, one second's resolution", "facts 3.4, 18"),
    ("concurrency", "there is none: the last writer wins", "facts 14"),
    ("overlapping writes", "accepted, also where strict concurrency is asked for", "facts 14"),
    ("markers", "an offset; the next is the marker plus what was returned", "facts 12"),
    ("request rate", "its limits are not documented; over `throttle` it is 429 FSS.0429", "facts 13"),
    ("unknown keys", "ignored; null is absent", "facts 17"),
)
