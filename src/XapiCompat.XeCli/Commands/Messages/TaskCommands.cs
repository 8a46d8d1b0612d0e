namespace XapiCompat.XeCli.Commands.Messages;

/// <summary>Work in progress.</summary>
public static class TaskCommands
{
    [XeCommand("task-cancel")]
    public static Task CancelAsync(XeCall call) => call.ActAsync("task.cancel");
}
