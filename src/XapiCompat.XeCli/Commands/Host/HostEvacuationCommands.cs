namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Which VMs can leave a host.</summary>
public static class HostEvacuationCommands
{
    private const string Reason = "reason";
    private static readonly string[] Columns = ["uuid", "name-label", Reason];

    [XeCommand("host-get-vms-which-prevent-evacuation")]
    public static async Task ShowAsync(XeCall call)
    {
        var vms = (Values.XenStruct)await call.ActAsync("host.get_vms_which_prevent_evacuation");
        var columns = call.Parameters.Has("params") ? call.Parameters.List("params") : Columns;
        for (var i = 0; i < vms.Count; i++)
        {
            var row = new List<KeyValuePair<string, string>>(await (await call.Records.GetAsync("vm", vms.Names[i])).PrintAsync(columns));
            if (columns.Contains(Reason) || columns.Contains("all"))
                row.Add(KeyValuePair.Create(Reason + " ( RO)", string.Join(",", Rows.Items(vms.Values[i]))));
            await call.PrintTableAsync(row);
        }
    }

    [XeCommand("host-retrieve-wlb-evacuate-recommendations")]
    public static async Task ShowRecommendationsAsync(XeCall call)
    {
        var vms = (Values.XenStruct)await call.ActAsync("host.retrieve_wlb_evacuate_recommendations");
        var rows = new List<KeyValuePair<string, string>> { KeyValuePair.Create("VM", "[Host, RecID] / Error") };
        for (var i = 0; i < vms.Count; i++)
            rows.Add(KeyValuePair.Create(await call.TitleAsync("VM", vms.Names[i]), string.Join(" ", Rows.Items(vms.Values[i]))));
        await call.PrintTableAsync(rows);
    }
}
