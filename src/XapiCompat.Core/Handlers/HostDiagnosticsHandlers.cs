using System.Diagnostics;
using System.Globalization;
using System.Text;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Consoles, logs and figures for whoever looks after a host. All hosts run in this process, so all show its figures.</summary>
public sealed class HostDiagnosticsHandlers(RecordStore store, HostConsole console, TimeProvider clock)
{
    private readonly long _start = clock.GetTimestamp();

    [XenMessage("host.dmesg")]
    public string Dmesg(CallContext context, Ref host) => console.Read(store.Current.Get("host", host).Reference);

    [XenMessage("host.dmesg_clear")]
    public string DmesgClear(CallContext context, Ref host) => console.Read(store.Current.Get("host", host).Reference, clear: true);

    [XenMessage("host.send_debug_keys")]
    public void SendDebugKeys(CallContext context, Ref host, string keys)
    {
        store.Current.Get("host", host);
        foreach (var key in keys.EnumerateRunes().Where(r => !Rune.IsControl(r)))
            console.Write(host.Text, "'" + key + "' pressed");
    }

    /// <summary>What happened on the host as far as the server keeps it: its newest messages.</summary>
    [XenMessage("host.get_log")]
    public string GetLog(CallContext context, Ref host)
    {
        var record = store.Current.Get("host", host);
        var text = new StringBuilder();
        foreach (var message in store.Current.All(store.Model.Class("message")).Where(m => m.Text("obj_uuid") == record.Uuid).OrderBy(m => m.Created))
            text.Append(message.Text("timestamp")).Append(' ').Append(message.Text("name")).Append(' ').Append(message.Text("body").ReplaceLineEndings(" ")).Append('\n');
        return text.Append(console.Read(host.Text)).ToString();
    }

    [XenMessage("host.list_methods")]
    public XenArray ListMethods(CallContext context) => XenArray.Of(store.Model.Messages.Select(m => m.FullName));

    /// <summary>The parts of a status report that can be asked for: none, as there is no report to download.</summary>
    [XenMessage("host.get_system_status_capabilities")]
    public string GetStatusCapabilities(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        return "<?xml version=\"1.0\" ?><system-status-capabilities></system-status-capabilities>";
    }

    [XenMessage("host.get_diagnostic_timing_stats")]
    public XenStruct GetTimingStats(CallContext context, Ref host, bool counts)
    {
        store.Current.Get("host", host);
        var stats = new Dictionary<string, string>
        {
            ["uptime"] = Seconds(clock.GetElapsedTime(_start)),
            ["gc_pause"] = Seconds(GC.GetTotalPauseDuration()),
        };
        if (counts)
        {
            stats["gc_pause_count"] = GC.CollectionCount(0).ToString(CultureInfo.InvariantCulture);
            stats["commit_count"] = store.Current.Generation.ToString(CultureInfo.InvariantCulture);
        }

        return XenStruct.Of(stats);
    }

    [XenMessage("host.get_thread_diagnostics")]
    public string GetThreadDiagnostics(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        using var process = Process.GetCurrentProcess();
        return string.Create(CultureInfo.InvariantCulture, $"threads: {process.Threads.Count}\npool threads: {ThreadPool.ThreadCount}\nqueued: {ThreadPool.PendingWorkItemCount}\ncompleted: {ThreadPool.CompletedWorkItemCount}\n");
    }

    /// <summary>The SRs that are plugged on the host and the disks in use there.</summary>
    [XenMessage("host.get_sm_diagnostics")]
    public string GetStorageDiagnostics(CallContext context, Ref host)
    {
        var records = store.Current;
        var text = new StringBuilder();
        foreach (var pbd in records.Get("host", host).Set("PBDs").Select(records.Find).OfType<Record>().Where(p => p.Flag("currently_attached")))
        {
            if (records.Find(pbd.Target("SR")) is not { } sr)
                continue;
            text.Append("SR ").Append(sr.Uuid).Append(' ').Append(sr.Text("type")).Append('\n');
            foreach (var vdi in sr.Set("VDIs").Select(records.Find).OfType<Record>())
            {
                foreach (var vbd in vdi.Set("VBDs").Select(records.Find).OfType<Record>().Where(v => v.Flag("currently_attached")))
                    text.Append("  VDI ").Append(vdi.Uuid).Append(" VBD ").Append(vbd.Uuid).Append('\n');
            }
        }

        return text.ToString();
    }

    [XenMessage("Diagnostics.gc_compact")]
    public void Compact(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    [XenMessage("Diagnostics.gc_stats")]
    public XenStruct GcStats(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        var memory = GC.GetGCMemoryInfo(GCKind.Any);
        return XenStruct.Of(
            ("minor_collections", Text(GC.CollectionCount(0))),
            ("major_collections", Text(GC.CollectionCount(GC.MaxGeneration))),
            ("heap_bytes", Text(memory.HeapSizeBytes)),
            ("fragmented_bytes", Text(memory.FragmentedBytes)),
            ("allocated_bytes", Text(GC.GetTotalAllocatedBytes())));
    }

    [XenMessage("Diagnostics.db_stats")]
    public XenStruct DatabaseStats(CallContext context)
    {
        var records = store.Current;
        var classes = store.Model.Classes.Where(c => c.Stored && records.Count(c) > 0).ToList();
        return new(
            ["generation", .. classes.Select(c => "count_" + c.Name)],
            [Text(records.Generation), .. classes.Select(c => (XenValue)Text(records.Count(c)))]);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000000", CultureInfo.InvariantCulture);
}
