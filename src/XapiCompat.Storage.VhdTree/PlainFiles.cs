using XapiCompat.Disks;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Opens nothing but plain files of the directory itself. A symbolic link would lead to a file that no root covers, a pipe would
/// keep its reader waiting.
/// </summary>
internal sealed class PlainFiles(FileLayer below) : FileLayer
{
    public override FileFault? Next(FileCall call, string path) => call == FileCall.Open && Native.IsOther(path)
        ? new FileFault(new IOException("it is no plain file: " + path))
        : below.Next(call, path);
}
