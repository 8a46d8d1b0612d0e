using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vbd;

/// <summary>Drives of running VMs.</summary>
public static class VbdPlugCommands
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    [XeCommand("vbd-plug")]
    public static Task PlugAsync(XeCall call) => call.ActAsync("VBD.plug");

    /// <summary>A guest that refuses may still let go later: for <c>timeout</c> seconds the drive is watched.</summary>
    [XeCommand("vbd-unplug")]
    public static async Task UnplugAsync(XeCall call)
    {
        var vbd = await call.RefAsync("VBD");
        var timeout = Seconds(call.Parameters.Find("timeout"));
        var start = call.Time.GetTimestamp();
        try
        {
            await call.Api.CallAsync(call.Parameters.Flag("force") ? "VBD.unplug_force" : "VBD.unplug", vbd);
        }
        catch (XenException e) when (e.Failure.Code == "DEVICE_DETACH_REJECTED")
        {
            while (call.Time.GetElapsedTime(start).TotalSeconds < timeout)
            {
                await Task.Delay(Pause, call.Time, call.Cancellation);
                if (((XenBool)await call.Api.CallAsync("VBD.get_currently_attached", vbd)).Flag)
                    continue;
                return;
            }

            throw;
        }
    }

    [XeCommand("vbd-pause")]
    public static async Task PauseAsync(XeCall call) => await call.Printer.ItemAsync(Rows.Text(await call.ActAsync("VBD.pause")));

    [XeCommand("vbd-unpause")]
    public static Task UnpauseAsync(XeCall call) => call.ActAsync("VBD.unpause", call.Parameters.Required("token"));

    private static double Seconds(string? text) => text is null ? 0
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? seconds
        : throw new XeException("Failed to parse parameter 'timeout': expecting a float");
}
