using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Measured values of hosts.</summary>
public static class HostDataSourceCommands
{
    [XeCommand("host-data-source-list")]
    public static Task ListAsync(XeCall call) => call.ForEachHostAsync(host => new DataSources(call, "host").ListAsync(host.Reference), onlyOne: true);

    [XeCommand("host-data-source-record")]
    public static Task RecordAsync(XeCall call) => call.ForEachHostAsync(host => new DataSources(call, "host").RecordAsync(host.Reference), onlyOne: true);

    [XeCommand("host-data-source-query")]
    public static Task QueryAsync(XeCall call) => call.ForEachHostAsync(host => new DataSources(call, "host").QueryAsync(host.Reference), onlyOne: true);

    [XeCommand("host-data-source-forget")]
    public static Task ForgetAsync(XeCall call) => call.ForEachHostAsync(host => new DataSources(call, "host").ForgetAsync(host.Reference), onlyOne: true);
}
