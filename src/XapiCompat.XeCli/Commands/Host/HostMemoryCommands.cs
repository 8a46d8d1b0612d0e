using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Memory of hosts, in bytes.</summary>
public static class HostMemoryCommands
{
    [XeCommand("host-compute-free-memory")]
    public static Task FreeAsync(XeCall call) => PrintAsync(call, "host.compute_free_memory");

    [XeCommand("host-compute-memory-overhead")]
    public static Task OverheadAsync(XeCall call) => PrintAsync(call, "host.compute_memory_overhead");

    private static Task PrintAsync(XeCall call, string message) =>
        call.ForEachHostAsync(async host => await call.Printer.LineAsync(Rows.Text(await call.Api.CallAsync(message, host.Reference))), onlyOne: true);
}
