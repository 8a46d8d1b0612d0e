using XapiCompat.XeCli.Records;

namespace XapiCompat.XeCli.Selecting;

/// <summary>Commands that act on the objects which their parameters select.</summary>
public static class Selectors
{
    /// <summary>
    /// Runs <paramref name="operation"/> on each selected VM, then prints the messages that it left. Without
    /// <c>--multiple</c> more than one hit is refused.
    /// </summary>
    /// <param name="templatesToo">Templates and snapshots can be hit.</param>
    /// <param name="onlyOne">Not even <c>--multiple</c> allows more than one.</param>
    public static Task ForEachVmAsync(this XeCall call, Func<XeRecord, Task> operation, bool templatesToo = false, bool onlyOne = false) =>
        throw new NotImplementedException();

    public static Task ForEachHostAsync(this XeCall call, Func<XeRecord, Task> operation) => throw new NotImplementedException();

    public static Task ForEachSrAsync(this XeCall call, Func<XeRecord, Task> operation) => throw new NotImplementedException();
}
