using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands;

/// <summary>Operations that take a while: they run as tasks, which other users see and may cancel.</summary>
public static class CallTasks
{
    private const double Patience = 30;
    private const int BarWidth = 70;
    private const string Wheel = "|/-\\";

    /// <summary>Calls a message asynchronously and waits for its end; with <c>progress</c> the user sees a bar grow.</summary>
    /// <exception cref="XenException">What the task failed with.</exception>
    public static async Task RunAsync(this XeCall call, string message, params XenValue[] arguments)
    {
        var task = await call.Api.TextAsync("Async." + message, arguments);
        try
        {
            await WaitAsync(call, task);
        }
        finally
        {
            await ForgetAsync(call, task);
        }
    }

    private static async Task WaitAsync(XeCall call, string task)
    {
        var shows = call.Parameters.Has("progress");
        var token = "";
        var status = "pending";
        while (status == "pending")
        {
            var events = (XenStruct)await call.Api.CallAsync("event.from", XenArray.Of(["task/" + task]), token, Patience);
            token = events["token"]!.ToString()!;
            if (shows)
                await call.Printer.ErrorAsync(Bar(((XenDouble)await call.Api.CallAsync("task.get_progress", task)).Number));
            status = await call.Api.TextAsync("task.get_status", task);
        }

        if (shows)
            await call.Printer.ErrorAsync("\n");
        if (status is "cancelled" or "cancelling")
            throw new XenException("TASK_CANCELLED", task);
        if (status == "failure")
            throw await call.Api.TaskErrorAsync(task, new("INTERNAL_ERROR", "the task failed without a reason: " + task));
    }

    private static async Task ForgetAsync(XeCall call, string task)
    {
        try
        {
            await call.Api.CallAsync("task.destroy", task);
        }
        catch (Exception e) when (e is XenException or OperationCanceledException)
        {
            // Somebody else destroyed it, or the client has gone and does not wait for that.
        }
    }

    private static string Bar(double progress)
    {
        var percent = (int)Math.Clamp(progress * 100, 0, 100);
        return "\r " + percent.ToString(CultureInfo.InvariantCulture).PadLeft(3) + "% " + Wheel[percent % Wheel.Length] + " " + new string('#', percent * BarWidth / 100);
    }
}
