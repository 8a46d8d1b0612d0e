using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations a pool allows; see <see cref="VdiOperations"/>.</summary>
public static class PoolOperations
{
    /// <summary>Operations that refuse each other, each with the error that it causes while it runs.</summary>
    private static readonly Dictionary<string, string> Blocking = new(StringComparer.Ordinal)
    {
        ["ha_enable"] = "HA_ENABLE_IN_PROGRESS",
        ["ha_disable"] = "HA_DISABLE_IN_PROGRESS",
        ["cluster_create"] = "CLUSTER_CREATE_IN_PROGRESS",
        ["designate_new_master"] = "DESIGNATE_NEW_MASTER_IN_PROGRESS",
        ["tls_verification_enable"] = "TLS_VERIFICATION_ENABLE_IN_PROGRESS",
        ["configure_repositories"] = "CONFIGURE_REPOSITORIES_IN_PROGRESS",
        ["sync_updates"] = "SYNC_UPDATES_IN_PROGRESS",
        ["sync_bundle"] = "SYNC_BUNDLE_IN_PROGRESS",
        ["apply_updates"] = "APPLY_UPDATES_IN_PROGRESS",
    };

    /// <summary>Short ones, mostly between hosts: everything else waits for them, and they for everything else.</summary>
    private static readonly string[] Waiting =
    [
        "cert_refresh", "exchange_certificates_on_join", "exchange_ca_certificates_on_join", "copy_primary_host_certs", "eject", "get_updates",
        "exchange_crls_on_join",
    ];

    public static IEnumerable<string> Allowed(IRecords records, Record pool) =>
        Blocking.Keys.Concat(Waiting).Where(o => Check(records, pool, o) is null);

    public static XenFailure? Check(IRecords records, Record pool, string operation)
    {
        if (pool.Flag("is_psr_pending"))
            return new("POOL_SECRET_ROTATION_PENDING");
        var current = pool.Map("current_operations");
        var running = current.Values.Select(v => v.ToString()!).ToList();
        if (running.Find(Blocking.ContainsKey) is { } blocking && Blocking.ContainsKey(operation))
            return new(Blocking[blocking]);
        if (running.Count > 0)
            return new("OTHER_OPERATION_IN_PROGRESS", "pool", pool.Reference, running[0], current.Names[0]);

        var ha = pool.Flag("ha_enabled");
        return operation switch
        {
            "ha_enable" or "tls_verification_enable" when ha => new("HA_IS_ENABLED"),
            "ha_disable" when !ha => new("HA_NOT_ENABLED"),
            "cluster_create" when records.All(records.Model.Class("Cluster")).Any() => new("CLUSTER_ALREADY_EXISTS"),
            "cluster_create" when ha => new("INCOMPATIBLE_CLUSTER_STACK_ACTIVE", pool.Text("ha_cluster_stack")),
            _ => null,
        };
    }
}
