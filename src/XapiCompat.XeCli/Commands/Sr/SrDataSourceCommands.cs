using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Sr;

/// <summary>Measured values of SRs.</summary>
public static class SrDataSourceCommands
{
    [XeCommand("sr-data-source-list")]
    public static Task ListAsync(XeCall call) => call.ForEachSrAsync(sr => new DataSources(call, "SR").ListAsync(sr.Reference), onlyOne: true);

    [XeCommand("sr-data-source-record")]
    public static Task RecordAsync(XeCall call) => call.ForEachSrAsync(sr => new DataSources(call, "SR").RecordAsync(sr.Reference), onlyOne: true);

    [XeCommand("sr-data-source-query")]
    public static Task QueryAsync(XeCall call) => call.ForEachSrAsync(sr => new DataSources(call, "SR").QueryAsync(sr.Reference), onlyOne: true);

    [XeCommand("sr-data-source-forget")]
    public static Task ForgetAsync(XeCall call) => call.ForEachSrAsync(sr => new DataSources(call, "SR").ForgetAsync(sr.Reference), onlyOne: true);
}
