using XapiCompat.Values;

namespace XapiCompat.XeCli.Transfers;

/// <summary>
/// Data that the client moves itself, on a connection of its own, while a task tells how it goes. The task is made here, waited for,
/// and destroyed at the end.
/// </summary>
public sealed class Transfer(XeCall call)
{
    private const double Round = 30;

    /// <summary>A client that failed before it reached the server leaves its task untouched: nobody else will end it.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>Runs a download or upload and returns the result of its task. Failures of the task are errors of the API.</summary>
    /// <param name="label">Name of the task.</param>
    /// <param name="move">Tells the client to begin, with the task's reference in the url; gives the client's own word for how it went.</param>
    public async Task<string> RunAsync(string label, Func<string, Task<bool>> move)
    {
        var task = await call.Api.TextAsync("task.create", label, "");
        var over = false;
        try
        {
            var moved = move(task);
            var ended = WaitAsync(task, call.Parameters.Flag("progress") ? new(call.Time) : null, moved);
            if (await Task.WhenAny(moved, ended) == moved && !await moved)
                await Task.WhenAny(ended, Task.Delay(Grace, call.Time, call.Cancellation));
            else
                await ended;
            over = ended.IsCompletedSuccessfully && await call.Api.TextAsync("task.get_status", task) != "pending";
            return await OutcomeAsync(task, await moved);
        }
        finally
        {
            await EndAsync(task, over);
        }
    }

    private async Task<string> OutcomeAsync(string task, bool moved)
    {
        if (moved && await call.Api.TextAsync("task.get_status", task) == "success")
            return await call.Api.TextAsync("task.get_result", task);
        throw await call.Api.TaskErrorAsync(task, new(moved ? "INTERNAL_ERROR" : "CLIENT_ERROR"));
    }

    /// <summary>Until the task is not pending any more, or the client failed and nobody works for it.</summary>
    private async Task WaitAsync(string task, ProgressBar? bar, Task<bool> moved)
    {
        var token = "";
        var status = await call.Api.TextAsync("task.get_status", task);
        while (status == "pending")
        {
            if (moved.IsFaulted)
                await moved;
            var batch = (XenStruct)await call.Api.CallAsync("event.from", XenArray.Of(["task/" + task]), token, Round);
            token = batch["token"]!.ToString()!;
            foreach (var change in ((XenArray)batch["events"]!).Items.OfType<XenStruct>())
            {
                if (change["snapshot"] is not XenStruct record)
                    return;
                status = record["status"]!.ToString()!;
                if (bar is not null && record["progress"] is XenDouble progress && bar.Update(progress.Number))
                    await call.Terminal.PrintErrorAsync("\r" + bar.Line());
            }

            if (moved.IsCompletedSuccessfully && !await moved && status == "pending")
                return;
        }

        if (bar is null)
            return;
        await call.Terminal.PrintErrorAsync("\n");
        await call.Terminal.PrintErrorAsync(bar.Summary());
    }

    /// <summary>Nothing of a transfer stays behind, whoever ended it.</summary>
    private async Task EndAsync(string task, bool over)
    {
        string[][] steps = over ? [["task.destroy", task]] : [["task.cancel", task], ["task.set_status", task, "cancelled"], ["task.destroy", task]];
        foreach (var step in steps)
        {
            try
            {
                await call.Api.CallAsync(step[0], step[1..].Select(XenValue.From));
            }
            catch (Exception e) when (e is XenException or OperationCanceledException or IOException)
            {
                // The task is gone, or the client is.
            }
        }
    }
}
