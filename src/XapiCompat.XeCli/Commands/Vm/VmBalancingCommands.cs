using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Advice of workload balancing.</summary>
public static class VmBalancingCommands
{
    [XeCommand("vm-retrieve-wlb-recommendations")]
    public static Task RetrieveAsync(XeCall call) => call.ForEachVmAsync(
        async vm =>
        {
            var advice = (XenStruct)await call.Api.CallAsync("VM.retrieve_wlb_recommendations", vm.Reference);
            var rows = new List<KeyValuePair<string, string>> { KeyValuePair.Create("Host(Uuid)", "Stars, RecID, ZeroScoreReason") };
            foreach (var (host, words) in advice.Names.Zip(advice.Values))
            {
                rows.Add(KeyValuePair.Create(
                    await call.Api.TextAsync("host.get_name_label", host) + "(" + await call.Api.UuidAsync("host", host) + ")", string.Join(' ', Rows.Items(words))));
            }

            await call.PrintTableAsync(rows);
        },
        onlyOne: true);
}
