using XapiCompat.Disks;

namespace XapiCompat.Core.Laboratory;

/// <summary>The calls of the file system as fault points: <c>file.write</c>, <c>file.flush</c> and so on.</summary>
public sealed class FaultFiles(FaultPoints points) : FileLayer
{
    private static readonly Dictionary<FileCall, string> Names = new()
    {
        [FileCall.Find] = "file.find",
        [FileCall.Open] = "file.open",
        [FileCall.Read] = "file.read",
        [FileCall.Write] = "file.write",
        [FileCall.SetLength] = "file.set-length",
        [FileCall.Flush] = "file.flush",
        [FileCall.List] = "file.list",
        [FileCall.Link] = "file.link",
        [FileCall.Move] = "file.move",
        [FileCall.Delete] = "file.delete",
        [FileCall.FlushDirectory] = "file.flush-directory",
    };

    public override FileFault? Next(FileCall call, string path) =>
        points.Reach(Names.GetValueOrDefault(call, "file.other"), path) is { } error ? new FileFault(error.Exception(), error.Half) : null;
}
