using XapiCompat.Core.Machines;
using XapiCompat.Core.Services;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>A second host in the records: what it has in common with the first one is shared.</summary>
internal static class TwoHosts
{
    /// <summary>Makes a host like the first with a plugged PBD of every SR and a PIF on every network that the first has one on.</summary>
    public static string AddHost(this RunningServer server, string name = "second") => server.Host.Records.Commit(unit =>
    {
        var ids = new IdSource();
        var first = unit.All(unit.Model.Class("host")).First();
        var host = Copy(unit, ids, first);
        unit.Set(host, "name_label", name);
        unit.Set(host, "metrics", Copy(unit, ids, unit.Find(first.Target("metrics"))!));
        unit.Set(host, "control_domain", Ref.Null.Text);
        MemoryModel.Refresh(unit, host);
        foreach (var record in unit.All(unit.Model.Class("PBD")).Concat(unit.All(unit.Model.Class("PIF"))).Where(r => r.Target("host") == first.Reference).ToList())
            unit.Set(Copy(unit, ids, record), "host", host);
        foreach (var sr in unit.All(unit.Model.Class("SR")).ToList())
            unit.Set(sr.Reference, "shared", true);
        return host;
    });

    private static string Copy(UnitOfWork unit, IdSource ids, Record record)
    {
        var reference = ids.NewReference();
        unit.Insert(record.Class, reference, record.Class.Fields.Where(f => !f.Computed).Select(f => (f.Name, record[f])));
        unit.Set(reference, "uuid", ids.NewUuidText());
        return reference;
    }
}
